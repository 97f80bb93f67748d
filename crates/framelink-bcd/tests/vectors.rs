//! Known digits and their packed bytes, for decoding and encoding.

use framelink_bcd::{DecodeError, EncodeError, MAX_BYTES, Pad};
use framelink_bcd::{decode, decode_word, encode, encode_array, encode_word};
use framelink_bcd::{pack, packed_len, unpack, unpack_right_f};

/// Name, packed bytes, integer.
#[rustfmt::skip] // one line a case
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
    ("above a 32-bit integer", &[0x42, 0x94, 0x96, 0x72, 0x96], 4_294_967_296),
    ("six bytes", &[0x12, 0x34, 0x56, 0x78, 0x90, 0x12], 123_456_789_012),
    ("seven bytes", &[0x98, 0x76, 0x54, 0x32, 0x10, 0x98, 0x76], 98_765_432_109_876),
    ("eight bytes", &[0x12, 0x34, 0x56, 0x78, 0x90, 0x12, 0x34, 0x56], 1_234_567_890_123_456),
    ("largest of a word", &[0x99; 8], 9_999_999_999_999_999),
    ("smallest above a word", &[0x01, 0, 0, 0, 0, 0, 0, 0, 0], 10_000_000_000_000_000),
    ("nine bytes", &[0x12, 0x34, 0x56, 0x78, 0x90, 0x12, 0x34, 0x56, 0x78], 123_456_789_012_345_678),
    ("largest of nine bytes", &[0x99; 9], 999_999_999_999_999_999),
];

/// Name, digits, the bytes with a zero on the left, the bytes with an F on the right.
type Text = (&'static str, &'static [u8], &'static [u8], &'static [u8]);

#[rustfmt::skip] // one line a case
const TEXTS: &[Text] = &[
    ("no digits", b"", &[], &[]),
    ("one digit", b"7", &[0x07], &[0x7f]),
    ("a lone zero", b"0", &[0x00], &[0x0f]),
    ("two digits", b"42", &[0x42], &[0x42]),
    ("a currency", b"978", &[0x09, 0x78], &[0x97, 0x8f]),
    ("leading zeros are digits", b"00042", &[0x00, 0x00, 0x42], &[0x00, 0x04, 0x2f]),
    ("a time stamp", b"0704183059", &[0x07, 0x04, 0x18, 0x30, 0x59], &[0x07, 0x04, 0x18, 0x30, 0x59]),
    ("19 digits, more than an integer", b"6799990100000000019", b"\x06\x79\x99\x90\x10\0\0\0\0\x19",
     b"\x67\x99\x99\x01\0\0\0\0\x01\x9f"),
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
    let fit_a_word = |packed: &[u8]| packed.len() <= 8;
    for &(name, packed, value) in INTEGERS.iter().filter(|case| fit_a_word(case.1)) {
        let word = packed.iter().fold(0, |word, &byte| word << 8 | u64::from(byte));
        assert_eq!(decode_word(word), Some(value), "{name}");
        assert_eq!(encode_word(value), Some(word), "{name}");
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
            assert_eq!(packed_len(digits.len()), packed.len(), "{name}: {pad:?}");
            assert_eq!(pack(digits, pad, &mut buffer), Ok(packed), "{name}: {pad:?}");
            let behind = &buffer[packed.len()..];
            assert!(behind.iter().all(|&byte| byte == 0xee), "{name}: {pad:?}: bytes behind");
        }
    }
}

#[test]
fn digits_are_unpacked_with_both_pads() {
    for &(name, digits, left_zero, right_f) in TEXTS {
        for (pad, packed) in [(Pad::LeftZero, left_zero), (Pad::RightF, right_f)] {
            let mut buffer = [0xee; 24];
            let unpacked = unpack(packed, digits.len(), pad, &mut buffer);
            assert_eq!(unpacked, Ok(digits), "{name}: {pad:?}");
            let behind = &buffer[digits.len()..];
            assert!(behind.iter().all(|&byte| byte == 0xee), "{name}: {pad:?}: bytes behind");
        }
    }
}

#[test]
fn pad_on_the_right_tells_the_count() {
    for &(name, digits, _, right_f) in TEXTS {
        assert_eq!(unpack_right_f(right_f, &mut [0; 24]), Ok(digits), "{name}");
    }
}
