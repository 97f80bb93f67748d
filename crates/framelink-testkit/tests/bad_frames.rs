//! The decoder refuses bad frames for the stated reason.

mod support;

use framelink_codec::{Decode, Decoded, Encode};
use framelink_testkit::BadFrames;
use support::{length, unframed};

/// Framing, whether it has headers that are no length, and whether it has lengths over the limit.
const LENGTHS: &[(&str, bool, bool)] = &[
    ("net:1", false, false),
    ("net:2", false, false),
    ("net:2,counts=self", true, false),
    ("net:2,max=2KiB", false, true),
    ("net:2,max=5", true, true),
    ("le:2,max=700", false, true),
    ("net:4", true, true),
    ("net:4,max=200", true, true),
    ("net:4,counts=frame,at=2,max=3KiB", true, true),
    ("ascii:4", true, false),
    ("ascii:4,max=2048", true, true),
    ("ascii:1,max=5", true, true),
    ("hex:4", true, false),
    ("hex:4,max=9KiB", true, true),
    ("ebcdic:4,max=5000", true, true),
    ("bcd:2", true, false),
    ("bcd:2,max=2048", true, true),
    ("bcd:2,infix=6000010002", true, false),
    ("decimal:20", true, true),
    ("varint", false, true),
    ("tpkt", true, false),
    ("tpkt,max=4KiB", true, true),
    ("netstring", true, true),
    ("base24-tcp", true, false),
    ("smpp", true, true),
    ("postgres", true, true),
    ("modbus", false, false),
];

/// The payload of which bad frames are made; with `keep`, a whole frame.
fn good<F: Decode + Encode>(framing: &F, notation: &str) -> Vec<u8> {
    let kept: &[&[u8]] = &[b"\0\0\0\x10\0\0\0\x15\0\0\0\0\0\0\0\x01", b"Q\0\0\0\x05\0", b"\0\x01\0\0\0\x02\x01\x07"];
    let all = [&[&b"hello"[..]], kept].concat();
    let payload = all.into_iter().find(|payload| framing.envelope(payload).is_ok());
    payload.unwrap_or_else(|| panic!("a payload for {notation}")).to_vec()
}

#[test]
fn the_decoder_refuses_bad_frames_and_says_why() {
    for &(notation, has_garbage, has_oversize) in LENGTHS {
        let framing = length(notation);
        let bad = BadFrames::new(&framing, &good(&framing, notation));
        let found = (!bad.garbage().is_empty(), !bad.oversize().is_empty());
        assert_eq!(found, (has_garbage, has_oversize), "{notation}: {:02x?}", bad.garbage().first());
        for frame in bad.garbage() {
            assert!(framing.decode(frame, 0, None).is_err(), "{notation}: {frame:02x?}");
        }
        for frame in bad.oversize() {
            let error = framing.decode(frame, 0, None).expect_err(notation).to_string();
            assert!(error.contains("limit is"), "{notation}: {frame:02x?}: {error}");
        }
    }
}

/// A message without a header is oversize if it does not end within the limit.
#[test]
fn without_a_length_a_message_is_too_long_by_its_bytes() {
    for (notation, has_garbage, has_oversize) in [
        ("line,max=2KiB", false, true),
        ("delim:03,max=2KiB", false, true),
        ("mllp,max=2KiB", true, true),
        ("quiet:1s,max=2KiB", false, true),
        ("until-close,max=2KiB", false, true),
        ("each-read", false, false),
        ("fixed:5", false, false),
    ] {
        let framing = unframed(notation);
        let bad = BadFrames::new(&framing, b"hello");
        let found = (!bad.garbage().is_empty(), !bad.oversize().is_empty());
        assert_eq!(found, (has_garbage, has_oversize), "{notation}");
        for frame in bad.garbage().iter().chain(bad.oversize()) {
            assert!(framing.decode(frame, 0, None).is_err(), "{notation}: {} bytes", frame.len());
        }
        for frame in bad.oversize() {
            let limit = framing.decode(&frame[..2048], 0, None);
            assert!(matches!(limit, Ok(Decoded::Incomplete(_))), "{notation}: up to the limit it is good");
        }
    }
}

#[test]
fn a_payload_that_cannot_be_sent_makes_no_bad_frames() {
    let bad = BadFrames::new(&length("ascii:1"), &[b'm'; 10]);
    assert_eq!(format!("{bad:?}"), "BadFrames { garbage: 0, oversize: 0 }");
}
