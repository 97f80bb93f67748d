//! The bodies of the fuzz targets on fixed inputs.

use framelink_codec::check;
use framelink_unframed::fuzz::{any_bytes, notation, round_trip};

/// Four bytes that choose the framing, then bytes of a few values, so that delimiters are frequent.
fn run(body: fn(&[u8])) {
    let letters = [&b"ab"[..], b"\r\na", b"abcdefgh"];
    let pick = |round: usize, place: usize, byte: u8| {
        let letters = letters[round % letters.len()];
        if place < 4 { byte } else { letters[usize::from(byte) % letters.len()] }
    };
    check::pseudo_random(40_000, pick, body);
}

#[test]
fn any_bytes_by_any_framing() {
    run(any_bytes);
}

#[test]
fn any_payloads_by_any_framing() {
    run(round_trip);
}

#[test]
fn any_text() {
    run(notation);
    let texts = ["line", "line,lf,max=9KiB", "mllp,max=0", "quiet:90s", "quiet:0ms", "fixed:12,max=12", "delim:"];
    for text in texts.iter().chain(&["between:02", "between:0b..1c0d", "é:1", "each-read,", "base24,lf"]) {
        notation(text.as_bytes());
    }
}
