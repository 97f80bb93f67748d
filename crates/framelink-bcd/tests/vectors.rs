//! Known digits and the bytes they are packed in, read and written both.

use framelink_bcd::{DecodeError, EncodeError, MAX_BYTES, PackError, Pad, UnpackError};
use framelink_bcd::{decode, decode_word, encode, encode_array, encode_word, max_value};
use framelink_bcd::{pack, packed_len, unpack, unpack_right_f};

/// Name, packed bytes, the integer they are.
const INTEGERS: &[(&str, &[u8], u64)] = &[
    ("zero in one byte", &[0x00], 0),
    ("one digit", &[0x07], 7),
    ("two digits", &[0x42], 42),
    ("largest of one byte", &[0x99], 99),
    ("leading zeros", &[0x00, 0x00, 0x42], 42),
    ("a length header of two bytes", &[0x01, 0x28], 128),
    ("largest of two bytes", &[0x99, 0x99], 9_999),
    ("smallest that needs three", &[0x01, 0x00, 0x00], 10_000),
    ("three bytes", &[0x12, 0x34, 0x56], 123_456),
    ("four bytes", &[0x12, 0x34, 0x56, 0x78], 12_345_678),
    (
        "above a 32-bit integer",
        &[0x42, 0x94, 0x96, 0x72, 0x96],
        4_294_967_296,
    ),
    (
        "six bytes",
        &[0x12, 0x34, 0x56, 0x78, 0x90, 0x12],
        123_456_789_012,
    ),
    (
        "seven bytes",
        &[0x98, 0x76, 0x54, 0x32, 0x10, 0x98, 0x76],
        98_765_432_109_876,
    ),
    (
        "eight bytes",
        &[0x12, 0x34, 0x56, 0x78, 0x90, 0x12, 0x34, 0x56],
        1_234_567_890_123_456,
    ),
    ("largest of a word", &[0x99; 8], 9_999_999_999_999_999),
    (
        "smallest above a word",
        &[0x01, 0, 0, 0, 0, 0, 0, 0, 0],
        10_000_000_000_000_000,
    ),
    (
        "nine bytes",
        &[0x12, 0x34, 0x56, 0x78, 0x90, 0x12, 0x34, 0x56, 0x78],
        123_456_789_012_345_678,
    ),
    ("largest of nine bytes", &[0x99; 9], 999_999_999_999_999_999),
];

/// Name, bytes, which nibble is wrong and its value.
const WRONG_NIBBLES: &[(&str, &[u8], usize, u8)] = &[
    ("ten in the first nibble", &[0xa0], 0, 0xa),
    ("fifteen in the last nibble", &[0x0f], 1, 0xf),
    ("the first of two wrong ones", &[0x12, 0xbc], 2, 0xb),
    (
        "ASCII digits have a 3 first, so a letter gives it away",
        b"12ok",
        5,
        0xf,
    ),
    (
        "the middle of eight bytes",
        &[0, 0, 0, 0x0c, 0, 0, 0, 0],
        7,
        0xc,
    ),
    (
        "the last of eight bytes",
        &[0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x9d],
        15,
        0xd,
    ),
    (
        "the first of nine bytes",
        &[0xe0, 0, 0, 0, 0, 0, 0, 0, 0],
        0,
        0xe,
    ),
    (
        "the second of nine bytes",
        &[0x0f, 0xff, 0, 0, 0, 0, 0, 0, 0],
        1,
        0xf,
    ),
    (
        "the second byte of nine",
        &[0, 0xa0, 0, 0, 0, 0, 0, 0, 0],
        2,
        0xa,
    ),
    (
        "the last of nine bytes",
        &[0, 0, 0, 0, 0, 0, 0, 0, 0x0a],
        17,
        0xa,
    ),
];

/// Name, digits, packed with a zero on the left, packed with an F on the right.
const TEXTS: &[(&str, &[u8], &[u8], &[u8])] = &[
    ("no digits", b"", &[], &[]),
    ("one digit", b"7", &[0x07], &[0x7f]),
    ("a lone zero", b"0", &[0x00], &[0x0f]),
    ("two digits", b"42", &[0x42], &[0x42]),
    ("a currency", b"978", &[0x09, 0x78], &[0x97, 0x8f]),
    (
        "leading zeros are digits",
        b"00042",
        &[0x00, 0x00, 0x42],
        &[0x00, 0x04, 0x2f],
    ),
    (
        "a time stamp",
        b"0704183059",
        &[0x07, 0x04, 0x18, 0x30, 0x59],
        &[0x07, 0x04, 0x18, 0x30, 0x59],
    ),
    (
        "a card number of 19 digits, more than an integer holds",
        b"6799990100000000019",
        &[0x06, 0x79, 0x99, 0x90, 0x10, 0x00, 0x00, 0x00, 0x00, 0x19],
        &[0x67, 0x99, 0x99, 0x01, 0x00, 0x00, 0x00, 0x00, 0x01, 0x9f],
    ),
];

#[test]
fn bytes_decode_to_their_integer() {
    for &(name, packed, value) in INTEGERS {
        assert_eq!(decode(packed), Ok(value), "{name}");
    }
}

#[test]
fn integers_are_encoded_into_exactly_their_bytes() {
    for &(name, packed, value) in INTEGERS {
        let mut buffer = [0xee; MAX_BYTES];
        let buffer = &mut buffer[..packed.len()];
        assert_eq!(encode(value, buffer), Ok(()), "{name}");
        assert_eq!(buffer, packed, "{name}");
    }
}

#[test]
fn words_agree_with_slices() {
    for &(name, packed, value) in INTEGERS.iter().filter(|(_, packed, _)| packed.len() <= 8) {
        let word = packed
            .iter()
            .fold(0, |word, &byte| word << 8 | u64::from(byte));
        assert_eq!(decode_word(word), Some(value), "{name}");
        assert_eq!(encode_word(value), Some(word), "{name}");
    }
}

#[test]
fn number_above_a_word_has_no_word() {
    assert_eq!(encode_word(10_000_000_000_000_000), None);
    assert_eq!(encode_word(u64::MAX), None);
}

#[test]
fn first_wrong_nibble_is_named() {
    for &(name, packed, index, found) in WRONG_NIBBLES {
        assert_eq!(
            decode(packed),
            Err(DecodeError::Nibble { index, found }),
            "{name}"
        );
        let unpacked =
            unpack(packed, 2 * packed.len(), Pad::LeftZero, &mut [0; 18]).map(<[u8]>::to_vec);
        assert_eq!(
            unpacked,
            Err(UnpackError::Nibble { index, found }),
            "{name}: as text"
        );
    }
}

#[test]
fn integers_take_one_to_nine_bytes() {
    for bytes in [0, 10, 11, 100] {
        assert_eq!(decode(&vec![0; bytes]), Err(DecodeError::Width { bytes }));
        assert_eq!(
            encode(0, &mut vec![0; bytes]),
            Err(EncodeError::Width { bytes })
        );
        assert_eq!(max_value(bytes), None);
    }
    assert_eq!(encode_array::<0>(0), Err(EncodeError::Width { bytes: 0 }));
    assert_eq!(
        encode_array::<10>(u64::MAX),
        Err(EncodeError::Width { bytes: 10 })
    );
}

#[test]
fn every_width_holds_its_largest_number_and_not_the_next() {
    for bytes in 1..=MAX_BYTES {
        let max = max_value(bytes).unwrap();
        assert_eq!(decode(&vec![0x99; bytes]), Ok(max), "{bytes} bytes");

        let mut packed = vec![0xee; bytes];
        let digits = 2 * bytes;
        for value in [max + 1, max + 2, u64::MAX] {
            assert_eq!(
                encode(value, &mut packed),
                Err(EncodeError::TooLarge { value, digits }),
                "{bytes} bytes"
            );
            assert_eq!(
                packed,
                vec![0xee; bytes],
                "an error leaves the buffer as it was"
            );
        }
        assert_eq!(encode(max, &mut packed), Ok(()));
        assert_eq!(packed, vec![0x99; bytes]);
    }
}

#[test]
fn integers_are_packed_in_constants() {
    const PACKED: Result<[u8; 4], EncodeError> = encode_array(20_251);
    const VALUE: Result<u64, DecodeError> = decode(&[0x00, 0x02, 0x02, 0x51]);
    const WORD: Option<u64> = decode_word(0x0002_0251);

    assert_eq!(PACKED, Ok([0x00, 0x02, 0x02, 0x51]));
    assert_eq!(VALUE, Ok(20_251));
    assert_eq!(WORD, Some(20_251));
}

#[test]
fn digits_are_packed_with_both_pads() {
    for &(name, digits, left_zero, right_f) in TEXTS {
        for (pad, packed) in [(Pad::LeftZero, left_zero), (Pad::RightF, right_f)] {
            let mut buffer = [0xee; 12];
            assert_eq!(
                pack(digits, pad, &mut buffer),
                Ok(packed),
                "{name}: {pad:?}"
            );
            assert_eq!(packed.len(), packed_len(digits.len()), "{name}: {pad:?}");
            assert!(
                buffer[packed.len()..].iter().all(|&byte| byte == 0xee),
                "{name}: {pad:?}: bytes behind"
            );
        }
    }
}

#[test]
fn digits_are_unpacked_with_both_pads() {
    for &(name, digits, left_zero, right_f) in TEXTS {
        for (pad, packed) in [(Pad::LeftZero, left_zero), (Pad::RightF, right_f)] {
            let mut buffer = [0xee; 24];
            assert_eq!(
                unpack(packed, digits.len(), pad, &mut buffer),
                Ok(digits),
                "{name}: {pad:?}"
            );
            assert!(
                buffer[digits.len()..].iter().all(|&byte| byte == 0xee),
                "{name}: {pad:?}: bytes behind"
            );
        }
        assert_eq!(
            unpack_right_f(right_f, &mut [0; 24]),
            Ok(digits),
            "{name}: the count told by the pad"
        );
    }
}

#[test]
fn packing_names_the_first_byte_that_is_no_digit() {
    for (name, text, index, found) in [
        ("a blank", b" 123".as_slice(), 0, b' '),
        ("a sign", b"-1", 0, b'-'),
        ("the separator of track 2", b"123=456=", 3, b'='),
        ("the byte before 0", b"12/", 2, 0x2f),
        ("the byte after 9", b"12:", 2, 0x3a),
        ("a digit of EBCDIC", b"12\xf3", 2, 0xf3),
    ] {
        let mut buffer = [0xee; 4];
        assert_eq!(
            pack(text, Pad::RightF, &mut buffer),
            Err(PackError::Digit { index, found }),
            "{name}"
        );
        assert_eq!(
            buffer, [0xee; 4],
            "{name}: an error leaves the buffer as it was"
        );
    }
}

#[test]
fn unpacking_names_the_first_wrong_nibble() {
    let nibble = |index, found| UnpackError::Nibble { index, found };
    let no_pad = |index, found, expected| UnpackError::Pad {
        index,
        found,
        expected,
    };
    for (name, packed, digits, pad, error) in [
        (
            "a digit where the zero belongs",
            [0x12, 0x34],
            3,
            Pad::LeftZero,
            no_pad(0, 1, 0),
        ),
        (
            "an F where the zero belongs",
            [0xf2, 0x34],
            3,
            Pad::LeftZero,
            no_pad(0, 0xf, 0),
        ),
        (
            "padded on the other side",
            [0x12, 0x3f],
            3,
            Pad::LeftZero,
            no_pad(0, 1, 0),
        ),
        (
            "a digit where the F belongs",
            [0x12, 0x34],
            3,
            Pad::RightF,
            no_pad(3, 4, 0xf),
        ),
        (
            "another filler where the F belongs",
            [0x12, 0x3e],
            3,
            Pad::RightF,
            no_pad(3, 0xe, 0xf),
        ),
        (
            "a wrong digit before a wrong pad",
            [0x1a, 0x34],
            3,
            Pad::RightF,
            nibble(1, 0xa),
        ),
        (
            "a pad where four digits leave no room",
            [0x12, 0x3f],
            4,
            Pad::RightF,
            nibble(3, 0xf),
        ),
        (
            "the separator of track 2",
            [0x12, 0xd3],
            4,
            Pad::RightF,
            nibble(2, 0xd),
        ),
    ] {
        let mut buffer = [0xee; 4];
        assert_eq!(
            unpack(&packed, digits, pad, &mut buffer),
            Err(error),
            "{name}"
        );
        assert_eq!(
            buffer, [0xee; 4],
            "{name}: an error leaves the buffer as it was"
        );
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
        let wrong = UnpackError::Nibble { index, found: 0xf };
        assert_eq!(unpack_right_f(&packed, &mut [0; 4]), Err(wrong), "{name}");
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
        let error = UnpackError::Width {
            digits,
            needed,
            bytes,
        };
        assert_eq!(
            unpack(packed, digits, Pad::RightF, &mut [0; 8]),
            Err(error),
            "{digits} digits"
        );
    }
}

#[test]
fn short_buffers_are_refused() {
    let pack_error = PackError::Buffer {
        digits: 5,
        needed: 3,
        available: 2,
    };
    assert_eq!(pack(b"12345", Pad::LeftZero, &mut [0; 2]), Err(pack_error));

    let unpack_error = UnpackError::Buffer {
        digits: 3,
        available: 2,
    };
    assert_eq!(
        unpack(&[0x12, 0x3f], 3, Pad::RightF, &mut [0; 2]),
        Err(unpack_error)
    );
    assert_eq!(
        unpack_right_f(&[0x12, 0x3f], &mut [0; 2]),
        Err(unpack_error)
    );
    assert_eq!(
        unpack_right_f(&[0x12, 0x3f], &mut [0; 3]),
        Ok(&b"123"[..]),
        "just long enough"
    );
}
