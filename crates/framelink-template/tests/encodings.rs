//! Numbers in bytes: each encoding, at its limits.

use framelink_template::Encoding;
use proptest::prelude::*;

const TABLE: &[(Encoding, u64, &[u8])] = &[
    (Encoding::Ascii, 42, b"000042"),
    (Encoding::Ascii, u64::MAX, b"18446744073709551615"),
    (Encoding::Binary, 42, b"\0\0\0\x2a"),
    (Encoding::Binary, u64::MAX, b"\0\xff\xff\xff\xff\xff\xff\xff\xff"),
    (Encoding::BinaryLe, 0x0102, b"\x02\x01\0\0"),
    (Encoding::Bcd, 123_456, b"\x12\x34\x56"),
    (Encoding::Bcd, 7, b"\0\0\x07"),
    (Encoding::Bcd, u64::MAX, b"\0\x18\x44\x67\x44\x07\x37\x09\x55\x16\x15"),
    (Encoding::Ebcdic, 42, b"\xf0\xf4\xf2"),
    (Encoding::Hex, 0x2af, b"02AF"),
];

#[test]
fn numbers_are_written_and_read() {
    for &(encoding, number, bytes) in TABLE {
        let mut written = vec![0xee; bytes.len()];
        assert_eq!(encoding.encode(number, &mut written), Ok(()), "{encoding} {number}");
        assert_eq!(written, bytes, "{encoding} {number}");
        assert_eq!(encoding.decode(bytes), Some(number), "{encoding} {number}");
    }
}

#[test]
fn bytes_that_are_no_number_are_refused() {
    for (encoding, bytes) in [
        (Encoding::Ascii, &b"00a"[..]),
        (Encoding::Ascii, b" 1"),
        (Encoding::Ascii, b"18446744073709551616"),
        (Encoding::Binary, b"\x01\0\0\0\0\0\0\0\0"),
        (Encoding::BinaryLe, b"\0\0\0\0\0\0\0\0\x01"),
        (Encoding::Bcd, b"\x1a"),
        (Encoding::Bcd, b"\x01\0\0\0\0\0\0\0\0\0\0"),
        (Encoding::Bcd, b"\x18\x44\x67\x44\x07\x37\x09\x55\x16\x16"),
        (Encoding::Ebcdic, b"\xf1\x31"),
        (Encoding::Hex, b"0g"),
        (Encoding::Hex, b""),
        (Encoding::Bcd, b""),
    ] {
        assert_eq!(encoding.decode(bytes), None, "{encoding} {bytes:02x?}");
    }
    assert_eq!(Encoding::Hex.decode(b"00ff"), Some(255), "lower case is read");
}

#[test]
fn the_most_has_as_many_bytes() {
    for (encoding, most) in [
        (Encoding::Ascii, 9_999),
        (Encoding::Binary, 0xffff_ffff),
        (Encoding::BinaryLe, 0xffff_ffff),
        (Encoding::Bcd, 99_999_999),
        (Encoding::Ebcdic, 9_999),
        (Encoding::Hex, 0xffff),
    ] {
        assert_eq!((encoding.most(0), encoding.most(4), encoding.most(64)), (0, most, u64::MAX), "{encoding}");
    }
}

#[test]
fn errors_name_the_number_and_the_most() {
    let error = Encoding::Ascii.encode(1_000_000, &mut [0; 6]).unwrap_err();
    assert_eq!(error.to_string(), "1000000 does not fit 6 bytes of ascii, at most 999999 does");
    assert_eq!((error.number(), error.most()), (1_000_000, 999_999));
    let error = "asci".parse::<Encoding>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "column 1: expected one of ascii, binary, binary-le, bcd, ebcdic, hex, found `asci`; did you mean `ascii`?"
    );
}

proptest! {
    /// A number is written exactly if it is at most the most, and then it is read again. A refused number changes no byte.
    #[test]
    fn writing_reading_and_the_most_agree(
        encoding in proptest::sample::select(&Encoding::ALL[..]),
        len in 0_usize..=64,
        any in any::<u64>(),
        near in -2_i64..=2,
        is_near in any::<bool>(),
    ) {
        let most = encoding.most(len);
        let number = if is_near { most.saturating_add_signed(near) } else { any };
        let mut bytes = vec![0xee; len];
        let written = encoding.encode(number, &mut bytes);
        prop_assert_eq!(written.is_ok(), number <= most && len > 0);
        if written.is_ok() {
            prop_assert_eq!(encoding.decode(&bytes), Some(number));
        } else {
            prop_assert!(bytes.iter().all(|byte| *byte == 0xee));
        }
    }

    /// Bytes that are read as a number are written from it, but for hex digits in lower case.
    #[test]
    fn what_is_read_is_written(
        encoding in proptest::sample::select(&Encoding::ALL[..]),
        bytes in proptest::collection::vec(prop_oneof![any::<u8>(), b'0'..=b'9', 0xf0_u8..=0xf9, Just(0)], 1..12),
    ) {
        if let Some(number) = encoding.decode(&bytes) {
            let mut written = vec![0xee; bytes.len()];
            prop_assert_eq!(encoding.encode(number, &mut written), Ok(()));
            let bytes = if encoding == Encoding::Hex { bytes.to_ascii_uppercase() } else { bytes };
            prop_assert_eq!(written, bytes);
        }
    }

    /// Words are read as they are printed.
    #[test]
    fn words_round_trip(encoding in proptest::sample::select(&Encoding::ALL[..])) {
        prop_assert_eq!(encoding.to_string().parse(), Ok(encoding));
    }
}
