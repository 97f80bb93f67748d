//! Known messages and their bytes on the wire, for decoding and encoding.

use framelink_codec::check;
use framelink_unframed::Unframed;

const HELLO: &[u8] = b"hello, world";

/// Name, notation, wire, payload.
type Vector = (&'static str, &'static str, &'static [u8], &'static [u8]);

/// Messages that end by themselves, as the encoder writes them.
#[rustfmt::skip] // one line a case
const VECTORS: &[Vector] = &[
    ("a fixed count", "fixed:12", b"hello, world", HELLO),
    ("one byte a message", "fixed:1", b"h", b"h"),
    ("a line", "line", b"hello, world\x0d\x0a", HELLO),
    ("an empty line", "line", b"\x0d\x0a", b""),
    ("a line that ends in a CR of its own", "line", b"hello\x0d\x0d\x0a", b"hello\x0d"),
    ("a line of CRs", "line", b"\x0d\x0d\x0d\x0d\x0a", b"\x0d\x0d\x0d"),
    ("a CR inside a line", "line", b"he\x0dllo\x0d\x0a", b"he\x0dllo"),
    ("a line that fills the limit", "line,max=12", b"hello, world\x0d\x0a", HELLO),
    ("only empty lines", "line,max=0", b"\x0d\x0a", b""),
    ("a line with LF alone", "line,lf", b"hello, world\x0a", HELLO),
    ("an empty line with LF alone", "line,lf", b"\x0a", b""),
    ("a CR is part of a line with LF alone", "line,lf", b"hello\x0d\x0a", b"hello\x0d"),
    ("a line with LF alone that fills the limit", "line,lf,max=12", b"hello, world\x0a", HELLO),
    ("one byte behind", "delim:03", b"hello, world\x03", HELLO),
    ("nothing before it", "delim:03", b"\x03", b""),
    ("a NUL behind", "delim:00", b"hello, world\x00", HELLO),
    ("a CR behind", "delim:0d", b"hello, world\x0d", HELLO),
    ("two bytes behind", "delim:0d0a", b"hello\x0a world\x0d\x0d\x0a", b"hello\x0a world\x0d"),
    ("two line ends behind", "delim:0d0a0d0a", b"GET\x0d\x0aHost\x0d\x0a\x0d\x0a", b"GET\x0d\x0aHost"),
    ("a delimiter begun three times", "delim:616162", b"aaaaaab", b"aaaa"),
    ("sixteen bytes behind", "delim:000102030405060708090a0b0c0d0e0f",
        b"hello, world\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f", HELLO),
    ("a delimiter behind a payload that fills the limit", "delim:1c0d,max=12", b"hello, world\x1c\x0d", HELLO),
    ("only empty messages", "delim:2e2e2e,max=0", b"...", b""),
    ("between STX and ETX", "between:02..03", b"\x02hello, world\x03", HELLO),
    ("nothing between", "between:02..03", b"\x02\x03", b""),
    ("the start again inside", "between:02..03", b"\x02\x02\x02\x03", b"\x02\x02"),
    ("the same byte on both sides", "between:7e..7e", b"~hello, world~", HELLO),
    ("a start that ends like the end", "between:1c0d1c..1c0d", b"\x1c\x0d\x1c\x0d\x1c\x0d", b"\x0d"),
    ("three bytes before and two behind", "between:aabbcc..1c0d", b"\xaa\xbb\xcchello, world\x1c\x0d", HELLO),
    ("between, filling the limit", "between:02..03,max=12", b"\x02hello, world\x03", HELLO),
    ("HL7 over MLLP", "mllp", b"\x0bhello, world\x1c\x0d", HELLO),
    ("HL7 segments end with CR", "mllp", b"\x0bMSH|\x0dPID|\x0d\x1c\x0d", b"MSH|\x0dPID|\x0d"),
    ("MLLP with half an end inside", "mllp", b"\x0bhello\x1c\x1c\x1c\x0d", b"hello\x1c\x1c"),
    ("BASE24", "base24", b"hello, world\x03", HELLO),
];

/// Messages that are read, but written with other bytes.
#[rustfmt::skip] // one line a case
const READ_ONLY: &[Vector] = &[
    ("a line without CR", "line", b"hello, world\x0a", HELLO),
    ("an empty line without CR", "line", b"\x0a", b""),
    ("a line without CR that fills the limit", "line,max=12", b"hello, world\x0a", HELLO),
];

/// Name, notation, wire, words of the error.
#[rustfmt::skip] // one line a case
const REJECTED: &[(&str, &str, &[u8], &str)] = &[
    ("another first byte", "mllp", b"MSH|", "start byte at offset 0 is 0x4d, expected 0x0b"),
    ("a line end between messages", "mllp", b"\x0d\x0bMSH|\x1c\x0d", "start byte at offset 0 is 0x0d, expected 0x0b"),
    ("the first wrong byte of three", "between:aabbcc..03", b"\xaa\xbc\xcd", "start byte at offset 1 is 0xbc, expected 0xbb"),
    ("the last wrong byte of three", "between:aabbcc..03", b"\xaa\xbb\xcd\x03", "start byte at offset 2 is 0xcd, expected 0xcc"),
    ("a line over the limit", "line,max=4", b"hello\x0d\x0a", "no delimiter within 4 payload bytes"),
    ("a line over the limit by the CR that is part of it", "line,max=4", b"hell\x0d\x0d\x0a", "no delimiter within 4"),
    ("a line over the limit behind a CR", "line,max=4", b"hell\x0do\x0a", "no delimiter within 4"),
    ("a line over the limit, no end yet", "line,max=4", b"hello", "no delimiter within 4"),
    ("a line over the limit, a CR behind", "line,max=4", b"hello\x0d", "no delimiter within 4"),
    ("a CR over the limit", "line,lf,max=4", b"hell\x0d\x0a", "no delimiter within 4"),
    ("over the limit by one", "delim:1c0d,max=4", b"hello\x1c\x0d", "no delimiter within 4"),
    ("over the limit by the start of a delimiter", "delim:1c0d,max=4", b"hell\x1c\x1c\x0d", "no delimiter within 4"),
    ("over the limit by a delimiter begun twice", "delim:616162,max=2", b"aaaaab", "no delimiter within 2"),
    ("between, over the limit", "between:02..03,max=4", b"\x02hello\x03", "no delimiter within 4"),
    ("a stream of one message, over the limit", "until-close,max=4", b"hello", "message is longer than 4 bytes"),
    ("silence, over the limit", "quiet:50ms,max=4", b"hello", "message is longer than 4 bytes"),
];

#[track_caller]
fn framing(notation: &str) -> Unframed {
    notation.parse().expect("a notation")
}

#[test]
fn known_messages_are_read_and_written() {
    for &(name, notation, wire, payload) in VECTORS {
        check::vector(&framing(notation), name, wire, payload, false);
    }
}

#[test]
fn other_spellings_are_read_too() {
    for &(name, notation, wire, payload) in READ_ONLY {
        check::vector(&framing(notation), name, wire, payload, true);
    }
}

#[test]
fn known_faults_are_found_in_chunks_of_any_size() {
    for &(name, notation, wire, words) in REJECTED {
        check::rejected(&framing(notation), name, wire, words);
    }
}
