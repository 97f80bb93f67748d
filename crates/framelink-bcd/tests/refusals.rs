//! Refused inputs, and where the error points.

use framelink_bcd::{DecodeError, EncodeError, MAX_BYTES, PackError, Pad, UnpackError};
use framelink_bcd::{decode, encode, encode_array, encode_word, max_value};
use framelink_bcd::{pack, unpack, unpack_right_f};

/// Name, bytes, index and value of the wrong nibble.
#[rustfmt::skip] // one line a case
const WRONG_NIBBLES: &[(&str, &[u8], usize, u8)] = &[
    ("ten in the first nibble", &[0xa0], 0, 0xa),
    ("fifteen in the last nibble", &[0x0f], 1, 0xf),
    ("the first of two wrong ones", &[0x12, 0xbc], 2, 0xb),
    ("ASCII digits have a 3 first, so a letter gives it away", b"12ok", 5, 0xf),
    ("the middle of eight bytes", &[0, 0, 0, 0x0c, 0, 0, 0, 0], 7, 0xc),
    ("the last of eight bytes", &[0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x9d], 15, 0xd),
    ("the first of nine bytes", &[0xe0, 0, 0, 0, 0, 0, 0, 0, 0], 0, 0xe),
    ("the second of nine bytes", &[0x0f, 0xff, 0, 0, 0, 0, 0, 0, 0], 1, 0xf),
    ("the second byte of nine", &[0, 0xa0, 0, 0, 0, 0, 0, 0, 0], 2, 0xa),
    ("the last of nine bytes", &[0, 0, 0, 0, 0, 0, 0, 0, 0x0a], 17, 0xa),
];

/// Name, text, index and value of the wrong byte.
#[rustfmt::skip] // one line a case
const WRONG_TEXTS: &[(&str, &[u8], usize, u8)] = &[
    ("a blank", b" 123", 0, b' '),
    ("a sign", b"-1", 0, b'-'),
    ("the separator of track 2", b"123=456=", 3, b'='),
    ("the byte before 0", b"12/", 2, 0x2f),
    ("the byte after 9", b"12:", 2, 0x3a),
    ("a digit of EBCDIC", b"12\xf3", 2, 0xf3),
];

/// Name, packed bytes, number of digits, pad, error.
type WrongPacked = (&'static str, [u8; 2], usize, Pad, UnpackError);

#[rustfmt::skip] // one line a case
const WRONG_PACKED: &[WrongPacked] = &[
    ("a digit where the zero belongs", [0x12, 0x34], 3, Pad::LeftZero, pad(0, 1, 0)),
    ("an F where the zero belongs", [0xf2, 0x34], 3, Pad::LeftZero, pad(0, 0xf, 0)),
    ("padded on the other side", [0x12, 0x3f], 3, Pad::LeftZero, pad(0, 1, 0)),
    ("a digit where the F belongs", [0x12, 0x34], 3, Pad::RightF, pad(3, 4, 0xf)),
    ("another filler where the F belongs", [0x12, 0x3e], 3, Pad::RightF, pad(3, 0xe, 0xf)),
    ("a wrong digit before a wrong pad", [0x1a, 0x34], 3, Pad::RightF, nibble(1, 0xa)),
    ("a wrong pad before a wrong digit", [0x10, 0x3a], 3, Pad::LeftZero, pad(0, 1, 0)),
    ("a pad where four digits leave no room", [0x12, 0x3f], 4, Pad::RightF, nibble(3, 0xf)),
    ("the separator of track 2", [0x12, 0xd3], 4, Pad::RightF, nibble(2, 0xd)),
];

const fn nibble(index: usize, found: u8) -> UnpackError {
    UnpackError::Nibble { index, found }
}

const fn pad(index: usize, found: u8, expected: u8) -> UnpackError {
    UnpackError::Pad { index, found, expected }
}

#[test]
fn first_wrong_nibble_is_named() {
    for &(name, packed, index, found) in WRONG_NIBBLES {
        assert_eq!(decode(packed), Err(DecodeError::Nibble { index, found }), "{name}");
        let digits = 2 * packed.len();
        let unpacked = unpack(packed, digits, Pad::LeftZero, &mut [0; 18]).map(<[u8]>::to_vec);
        assert_eq!(unpacked, Err(nibble(index, found)), "{name}: as text");
    }
}

#[test]
fn integers_take_one_to_nine_bytes() {
    for bytes in [0, 10, 11, 100] {
        assert_eq!(decode(&vec![0; bytes]), Err(DecodeError::Width { bytes }));
        assert_eq!(encode(0, &mut vec![0; bytes]), Err(EncodeError::Width { bytes }));
        assert_eq!(max_value(bytes), None);
    }
    assert_eq!(encode_array::<0>(0), Err(EncodeError::Width { bytes: 0 }));
    assert_eq!(encode_array::<10>(u64::MAX), Err(EncodeError::Width { bytes: 10 }));
}

#[test]
fn every_width_holds_its_largest_number_and_not_the_next() {
    for bytes in 1..=MAX_BYTES {
        let max = max_value(bytes).unwrap();
        assert_eq!(decode(&vec![0x99; bytes]), Ok(max), "{bytes} bytes");

        let mut packed = vec![0xee; bytes];
        for value in [max + 1, max + 2, u64::MAX] {
            let too_large = EncodeError::TooLarge { value, digits: 2 * bytes };
            assert_eq!(encode(value, &mut packed), Err(too_large), "{bytes} bytes");
            assert_eq!(packed, vec![0xee; bytes], "an error leaves the buffer as it was");
        }
        assert_eq!(encode(max, &mut packed), Ok(()), "{bytes} bytes");
        assert_eq!(packed, vec![0x99; bytes]);
    }
}

#[test]
fn number_above_sixteen_digits_has_no_word() {
    assert_eq!(encode_word(10_000_000_000_000_000), None);
    assert_eq!(encode_word(u64::MAX), None);
}

#[test]
fn packing_names_the_first_byte_that_is_no_digit() {
    for &(name, text, index, found) in WRONG_TEXTS {
        let mut buffer = [0xee; 4];
        let packed = pack(text, Pad::RightF, &mut buffer);
        assert_eq!(packed, Err(PackError::Digit { index, found }), "{name}");
        assert_eq!(buffer, [0xee; 4], "{name}: an error leaves the buffer as it was");
    }
}

#[test]
fn unpacking_names_the_first_wrong_nibble() {
    for &(name, packed, digits, pad, error) in WRONG_PACKED {
        let mut buffer = [0xee; 4];
        assert_eq!(unpack(&packed, digits, pad, &mut buffer), Err(error), "{name}");
        assert_eq!(buffer, [0xee; 4], "{name}: an error leaves the buffer as it was");
    }
}

#[test]
fn only_the_very_last_nibble_may_be_an_uncounted_pad() {
    for (name, packed, index) in [
        ("the first nibble", [0xf1, 0x23], 0),
        ("a middle nibble", [0x12, 0xf3], 2),
        ("two at the end", [0x12, 0xff], 2),
        ("all of them", [0xff, 0xff], 0),
    ] {
        let unpacked = unpack_right_f(&packed, &mut [0; 4]).map(<[u8]>::to_vec);
        assert_eq!(unpacked, Err(nibble(index, 0xf)), "{name}");
    }
}

#[test]
fn digits_and_bytes_must_agree() {
    for (packed, digits, needed) in [
        (&[0x12, 0x34][..], 0, 0),
        (&[0x12, 0x34], 2, 1),
        (&[0x12, 0x34], 5, 3),
        (&[], 1, 1),
        (&[0x12], usize::MAX, usize::MAX / 2 + 1),
    ] {
        let bytes = packed.len();
        let unpacked = unpack(packed, digits, Pad::RightF, &mut [0; 8]).map(<[u8]>::to_vec);
        assert_eq!(unpacked, Err(UnpackError::Width { digits, needed, bytes }), "{digits} digits");
    }
}

#[test]
fn short_buffers_are_refused() {
    let too_short = PackError::Buffer { digits: 5, needed: 3, available: 2 };
    assert_eq!(pack(b"12345", Pad::LeftZero, &mut [0; 2]), Err(too_short));

    let too_short = UnpackError::Buffer { digits: 3, available: 2 };
    assert_eq!(unpack(&[0x12, 0x3f], 3, Pad::RightF, &mut [0; 2]), Err(too_short));
    assert_eq!(unpack_right_f(&[0x12, 0x3f], &mut [0; 2]), Err(too_short));
    assert_eq!(unpack_right_f(&[0x12, 0x3f], &mut [0; 3]), Ok(&b"123"[..]), "just long enough");
}
