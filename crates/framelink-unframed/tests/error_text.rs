//! The exact texts of errors, because users see them.

use std::error::Error;
use std::time::Duration;

use framelink_unframed::{Decode, DecodeError, Encode, EncodeError, End, SpecError, Unframed, UnframedBuilder};

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

#[track_caller]
fn framing(notation: &str) -> Unframed {
    notation.parse().expect("a notation")
}

#[track_caller]
fn decode(notation: &str, wire: &[u8], expected: &str) {
    assert_text(framing(notation).decode(wire, 0, Some(End::Read)), expected);
}

#[track_caller]
fn encode(notation: &str, payload: &[u8], expected: &str) {
    assert_text(framing(notation).envelope(payload), expected);
}

#[track_caller]
fn build(builder: UnframedBuilder, expected: &str) {
    assert_text(builder.build(), expected);
}

#[test]
fn decode_errors_say_what_was_received_and_what_is_allowed() {
    decode("mllp", b"MSH", "start byte at offset 0 is 0x4d, expected 0x0b");
    decode("between:aabb..03", b"\xaa\x00", "start byte at offset 1 is 0x00, expected 0xbb");
    decode("line", &[b'x'; 1_048_577], "no delimiter within 1048576 payload bytes, which is the limit");
    decode("delim:03,max=4", b"hello", "no delimiter within 4 payload bytes, which is the limit");
    decode("until-close,max=4", b"hello", "message is longer than 4 bytes, which is the limit");
}

#[test]
fn encode_errors_say_what_was_given_and_what_is_allowed() {
    encode("line,max=4", b"hello", "payload is 5 bytes, limit is 4");
    encode("fixed:12", b"hello", "payload is 5 bytes, every message is 12");
    encode("fixed:12", b"hello, world!", "payload is 13 bytes, every message is 12");
    encode("until-close", b"", "payload is empty, a message of until-close is at least 1 byte");
    encode("quiet:50ms", b"", "payload is empty, a message of quiet is at least 1 byte");
    encode("each-read", b"", "payload is empty, a message of each-read is at least 1 byte");
    encode("line", b"he\nllo", "payload holds its delimiter at offset 2");
    encode(
        "delim:0d0a0d0a",
        b"hi\r\n",
        "payload with its delimiter behind it holds that delimiter at offset 2 already",
    );
}

#[test]
fn spec_errors_say_what_was_given_and_what_is_allowed() {
    let silence = "quiet takes 1 to 18446744073709551615 whole milliseconds, found ";
    build(Unframed::quiet(Duration::ZERO), &format!("{silence}0ns"));
    build(Unframed::quiet(Duration::from_micros(1500)), &format!("{silence}1.5ms"));
    build(Unframed::quiet(Duration::from_secs(u64::MAX)), &format!("{silence}18446744073709551615s"));
    build(Unframed::delimited(b""), "delim takes delimiters of 1 to 16 bytes, found 0");
    build(Unframed::delimited(&[0; 17]), "delim takes delimiters of 1 to 16 bytes, found 17");
    build(Unframed::between(b"", b"\x03"), "between takes delimiters of 1 to 16 bytes, found 0");
    build(Unframed::between(b"\x02", &[0; 17]), "between takes delimiters of 1 to 16 bytes, found 17");
    build(Unframed::each_read().lf_alone(true), "lf is an option of line, not of each-read");
    build(Unframed::fixed(12).max(100), "max of 100 is 88 bytes more than the 12 of every message");
    build(Unframed::fixed(12).max(8), "no frame can exist: the limit is 8 payload bytes, a message has at least 12");
    build(Unframed::each_read().max(0), "no frame can exist: the limit is 0 payload bytes, a message has at least 1");
    #[cfg(target_pointer_width = "64")]
    build(Unframed::fixed(0), "fixed takes 1 to 9223372036854775743 bytes, found 0");
}

#[test]
fn errors_are_plain_data() {
    fn is_plain_data<E: Error + Copy + Eq + Send + Sync + 'static>() {}
    is_plain_data::<DecodeError>();
    is_plain_data::<EncodeError>();
    is_plain_data::<SpecError>();
}
