//! A scan continues where the last one stopped: a message that arrives byte by byte is scanned once.

use framelink_codec::{Decode, Decoded, End, Need};
use framelink_unframed::Unframed;

#[track_caller]
fn framing(notation: &str) -> Unframed {
    notation.parse().expect("a notation")
}

#[track_caller]
fn need(notation: &str, input: &[u8], looked_at: usize) -> Need {
    match framing(notation).decode(input, looked_at, None) {
        Ok(Decoded::Incomplete(need)) => need,
        other => panic!("{notation}: {other:?}"),
    }
}

#[track_caller]
fn assert_need(notation: &str, input: &[u8], missing: usize, looked_at: usize) {
    assert_eq!(need(notation, input, 0), Need { missing, looked_at }, "{notation}, {input:?}");
}

#[test]
fn all_bytes_count_as_scanned_except_a_possible_start_of_the_end() {
    assert_need("line", b"hello", 1, 5);
    assert_need("line", b"hello\r", 1, 5);
    assert_need("line", b"hello\r\r", 1, 6);
    assert_need("line,lf", b"hello\r", 1, 6);
    assert_need("delim:03", b"hello", 1, 5);
    assert_need("delim:0d0a0d0a", b"hello", 4, 5);
    assert_need("delim:0d0a0d0a", b"hello\r", 3, 5);
    assert_need("delim:0d0a0d0a", b"hello\r\n\r", 1, 5);
    assert_need("delim:0d0a0d0a", b"hello\r\n\r\r", 3, 8);
    assert_need("mllp", b"", 3, 0);
    assert_need("mllp", b"\x0b", 2, 1);
    assert_need("mllp", b"\x0bhello\x1c", 1, 6);
    assert_need("between:0b0b0b..1c0d", b"\x0b", 4, 1);
    assert_need("between:1c1c..1c0d", b"\x1c\x1c", 2, 2); // what starts a message is not the start of its end
    assert_need("fixed:12", b"hello", 7, 5);
    assert_need("quiet:50ms", b"hello", 1, 5);
    assert_need("until-close", b"hello", 1, 5);
}

#[test]
fn scanned_bytes_are_not_scanned_again() {
    // A scan of the bytes that count as scanned would find this delimiter.
    assert_eq!(need("line", b"a\nbc", 2).looked_at, 4);
    assert_eq!(need("line,lf", b"a\nbc", 2).looked_at, 4);
    assert_eq!(need("delim:03", b"a\x03bc", 2).looked_at, 4);
    assert_eq!(need("delim:0d0a", b"a\r\nbc", 2).looked_at, 5);
    assert_eq!(need("mllp", b"\x0b\x1c\x0dbc", 2).looked_at, 5);
}

#[test]
fn a_delimiter_that_arrives_in_parts_is_found() {
    let framing = framing("delim:0d0a0d0a");
    let wire = b"hello\r\n\r\r\n\r\n";
    for cut in 0..wire.len() {
        let looked_at = need("delim:0d0a0d0a", &wire[..cut], 0).looked_at;
        let found = framing.decode(wire, looked_at, None).unwrap();
        assert!(matches!(found, Decoded::Frame(frame) if frame.payload_end == 8), "after {cut} bytes: {found:?}");
    }
}

const BYTES: usize = 1024 * 1024;

/// Sends a message byte by byte and counts the scanned bytes. Scanning from the start each time would be half of
/// `BYTES` squared.
#[track_caller]
fn feed(notation: &str, filler: &[u8], end: &[u8]) {
    let framing = framing(&format!("{notation},max=8MiB"));
    let mut wire = filler.repeat(BYTES / filler.len());
    let payload_len = wire.len();
    wire.extend(end);
    let (mut looked_at, mut scanned) = (0, 0);
    for came in 0..wire.len() {
        scanned += came - looked_at;
        let Ok(Decoded::Incomplete(need)) = framing.decode(&wire[..came], looked_at, None) else {
            panic!("{notation}: {came} bytes")
        };
        looked_at = need.looked_at;
    }
    // Each byte once, and the longest start of a delimiter again with each byte after it.
    assert!(scanned <= 17 * wire.len(), "{notation} scanned {scanned} bytes of {}", wire.len());
    let close = end.is_empty().then_some(End::Closed);
    let Ok(Decoded::Frame(frame)) = framing.decode(&wire, looked_at, close) else { panic!("{notation}") };
    assert_eq!(frame.payload_end, payload_len, "{notation}");
}

#[test]
fn a_long_message_byte_by_byte_is_scanned_once() {
    feed("line", b"x", b"\r\n");
    feed("line,lf", b"x", b"\n");
    feed("delim:03", b"x", b"\x03");
    feed("delim:0d0a0d0a", b"x", b"\r\n\r\n");
    feed("until-close", b"x", b"");
    feed("quiet:50ms", b"x", b"");
}

#[test]
fn a_repeated_start_of_a_delimiter_costs_few_extra_scans() {
    feed("line", b"x\r", b"\r\n");
    feed("delim:0d0a0d0a", b"\r\nx", b"\r\n\r\n");
    feed("delim:61616161616161616161616161616162", b"c", b"aaaaaaaaaaaaaaab");
    feed("delim:61616161616161616161616161616162", b"b", b"aaaaaaaaaaaaaaab");
    feed("delim:61616161616161616161616161616162", b"aaaaaaaaaaaaaac", b"aaaaaaaaaaaaaaab");
}
