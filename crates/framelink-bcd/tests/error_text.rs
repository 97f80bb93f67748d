//! The exact texts of errors, because users see them.

use std::error::Error;

use framelink_bcd::{DecodeError, EncodeError, PackError, Pad, UnpackError};
use framelink_bcd::{decode, encode, pack, unpack, unpack_right_f};

#[track_caller]
fn assert_text<T, E: Error>(result: Result<T, E>, expected: &str) {
    match result {
        Ok(_) => panic!("no error, expected: {expected}"),
        Err(error) => {
            assert_eq!(error.to_string(), expected);
            assert!(error.source().is_none(), "plain data has no source");
        }
    }
}

#[test]
fn decode_errors_say_which_nibble_and_which_width() {
    assert_text(decode(&[0x12, 0xa4]), "nibble 2 is 0xa, expected a decimal digit 0 to 9");
    assert_text(decode(&[0x12, 0x3f]), "nibble 3 is 0xf, expected a decimal digit 0 to 9");
    assert_text(decode(&[]), "packed BCD of 0 bytes, expected 1 to 9");
    assert_text(decode(&[0; 10]), "packed BCD of 10 bytes, expected 1 to 9");
}

#[test]
fn encode_errors_say_how_many_digits_are_missing() {
    assert_text(encode(10_000, &mut [0; 2]), "10000 needs 5 digits, 2 bytes of packed BCD hold 4");
    assert_text(encode(100, &mut [0; 1]), "100 needs 3 digits, 1 byte of packed BCD holds 2");
    assert_text(encode(u64::MAX, &mut [0; 9]), "18446744073709551615 needs 20 digits, 9 bytes of packed BCD hold 18");
    assert_text(encode(0, &mut []), "packed BCD of 0 bytes, expected 1 to 9");
    assert_text(encode(0, &mut [0; 12]), "packed BCD of 12 bytes, expected 1 to 9");
}

#[test]
fn pack_errors_say_which_byte_and_how_short() {
    assert_text(pack(b"12 4", Pad::LeftZero, &mut [0; 2]), "byte 2 is 0x20, expected an ASCII digit");
    assert_text(pack(b"1\x00", Pad::LeftZero, &mut [0; 2]), "byte 1 is 0x00, expected an ASCII digit");
    assert_text(pack(b"12345", Pad::RightF, &mut [0; 2]), "packing 5 digits takes 3 bytes, the buffer has 2");
    assert_text(pack(b"1", Pad::RightF, &mut []), "packing 1 digit takes 1 byte, the buffer has 0");
}

#[test]
fn unpack_errors_say_which_nibble_and_which_length() {
    let mut ascii = [0; 8];
    assert_text(
        unpack(&[0x1b, 0x23], 4, Pad::LeftZero, &mut ascii),
        "nibble 1 is 0xb, expected a decimal digit 0 to 9",
    );
    assert_text(unpack(&[0x11, 0x23], 3, Pad::LeftZero, &mut ascii), "nibble 0 is 0x1, expected the pad 0x0");
    assert_text(unpack(&[0x11, 0x23], 3, Pad::RightF, &mut ascii), "nibble 3 is 0x3, expected the pad 0xf");
    assert_text(
        unpack(&[0x12, 0x34, 0x56], 7, Pad::RightF, &mut ascii),
        "packed BCD of 3 bytes, expected 4 for 7 digits",
    );
    assert_text(unpack(&[0x12], 0, Pad::RightF, &mut ascii), "packed BCD of 1 byte, expected 0 for 0 digits");
    assert_text(unpack(&[], 1, Pad::RightF, &mut ascii), "packed BCD of 0 bytes, expected 1 for 1 digit");
    assert_text(
        unpack(&[0x12, 0x3f], 3, Pad::RightF, &mut [0; 2]),
        "unpacking 3 digits takes 3 bytes, the buffer has 2",
    );
    assert_text(unpack_right_f(&[0x7f], &mut []), "unpacking 1 digit takes 1 byte, the buffer has 0");
}

#[test]
fn errors_are_plain_data() {
    fn is_plain_data<E: Error + Copy + Eq + std::hash::Hash + Send + Sync + 'static>() {}
    is_plain_data::<DecodeError>();
    is_plain_data::<EncodeError>();
    is_plain_data::<PackError>();
    is_plain_data::<UnpackError>();
}
