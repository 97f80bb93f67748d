//! Encoder and decoder agree on the exact limit, and a message over it is refused as early as possible.

use framelink_codec::{Decode, Decoded, Encode, End, EndedBy, check};
use framelink_unframed::{DecodeError, EncodeError, Unframed};

#[track_caller]
fn framing(notation: &str) -> Unframed {
    notation.parse().expect("a notation")
}

/// The frame without a limit.
fn unlimited(notation: &str, payload: &[u8]) -> Vec<u8> {
    check::write(&framing(notation), payload)
}

const SELF_ENDING: &[&str] = &["line", "line,lf", "delim:03", "delim:1c0d", "delim:0d0a0d0a", "between:02..03", "mllp"];

#[test]
fn encoder_and_decoder_agree_below_at_and_above_the_limit() {
    for notation in SELF_ENDING {
        for max in [0_usize, 1, 2, 12, 1000] {
            let limited = framing(&format!("{notation},max={max}"));
            for len in [max.saturating_sub(1), max, max + 1, max + 2, max + 20] {
                let payload = vec![b'x'; len];
                let wire = unlimited(notation, &payload);
                let (whole, fault) = check::read(&limited, &wire, &[usize::MAX]);
                assert_eq!(check::read(&limited, &wire, &[1]), (whole.clone(), fault), "{limited}, {len} bytes");
                if len <= max {
                    assert_eq!(check::write(&limited, &payload), wire, "{limited}, {len} bytes");
                    assert_eq!(whole, [payload], "{limited}, {len} bytes");
                } else {
                    let refused = Err(EncodeError::OverLimit { payload_len: len, limit: max });
                    assert_eq!(limited.envelope(&payload), refused, "{limited}, {len} bytes");
                    let error = limited.decode(&wire, 0, None);
                    assert_eq!(error, Err(DecodeError::NoDelimiter { limit: max }), "{limited}, {len} bytes");
                    assert!(whole.is_empty(), "{limited}, {len} bytes");
                }
            }
        }
    }
}

#[test]
fn encoder_and_decoder_agree_if_silence_a_read_or_the_close_ends_messages() {
    for (notation, end, ended_by) in [
        ("until-close", End::Closed, EndedBy::Close),
        ("quiet:50ms", End::Quiet, EndedBy::Quiet),
        ("each-read", End::Read, EndedBy::Read),
    ] {
        for max in [1, 2, 12, 1000] {
            let limited = framing(&format!("{notation},max={max}"));
            for len in 1..=max {
                let payload = vec![b'x'; len];
                assert_eq!(check::write(&limited, &payload), payload, "{limited}, {len} bytes");
                let got = limited.decode(&payload, 0, Some(end));
                assert!(
                    matches!(got, Ok(Decoded::Frame(frame)) if frame.payload_len() == len && frame.ended_by == ended_by),
                    "{limited}, {len} bytes: {got:?}"
                );
            }
            let payload = vec![b'x'; max + 1];
            let refused = Err(EncodeError::OverLimit { payload_len: max + 1, limit: max });
            assert_eq!(limited.envelope(&payload), refused, "{limited}");
            for end in [None, Some(end)] {
                let got = limited.decode(&payload, 0, end);
                match (notation, end) {
                    // Our reads return at most the limit: more bytes would arrive with the next read.
                    ("each-read", None) => assert!(matches!(got, Ok(Decoded::Incomplete(_))), "{limited}: {got:?}"),
                    ("each-read", _) => {
                        assert!(
                            matches!(got, Ok(Decoded::Frame(frame)) if frame.frame_len == max),
                            "{limited}: {got:?}"
                        );
                    }
                    _ => assert_eq!(got, Err(DecodeError::OverLimit { limit: max }), "{limited}, {end:?}"),
                }
            }
        }
    }
}

#[test]
fn a_fixed_message_has_one_length() {
    let fixed = framing("fixed:12");
    for payload_len in [0, 11, 13] {
        let refused = Err(EncodeError::WrongLen { payload_len, every: 12 });
        assert_eq!(fixed.envelope(&vec![b'x'; payload_len]), refused);
    }
    assert_eq!(check::write(&fixed, b"hello, world"), b"hello, world");
    assert_eq!((fixed.least_payload(), fixed.max_payload()), (12, 12));
}

#[test]
fn defaults_are_one_mebibyte_and_for_a_read_sixteen_kibibytes() {
    for notation in ["until-close", "quiet:50ms", "line", "line,lf", "delim:03", "between:02..03", "mllp"] {
        assert_eq!(framing(notation).max_payload(), 1024 * 1024, "{notation}");
    }
    assert_eq!(framing("each-read").max_payload(), 16 * 1024);
}

/// The number of received bytes at which the message is refused.
#[track_caller]
fn refused_at(notation: &str, wire: &[u8]) -> Option<usize> {
    let framing = framing(notation);
    (0..=wire.len()).find(|&came| framing.decode(&wire[..came], 0, None).is_err())
}

#[test]
fn a_message_over_the_limit_is_refused_at_the_first_extra_byte() {
    assert_eq!(refused_at("line,max=4", b"hello\r\n"), Some(5), "an `o` where only LF or CR LF may come");
    assert_eq!(refused_at("line,max=4", b"hell\ro\n"), Some(6), "the CR may have been of the line end");
    assert_eq!(refused_at("line,max=4", b"hell\r\r\n"), Some(6));
    assert_eq!(refused_at("line,max=4", b"hell\r\n"), None);
    assert_eq!(refused_at("line,max=0", b"\rx"), Some(2));
    assert_eq!(refused_at("line,lf,max=4", b"hell\r\n"), Some(5));
    assert_eq!(refused_at("delim:03,max=4", b"hello\x03"), Some(5));
    assert_eq!(refused_at("delim:1c0d,max=4", b"hello\x1c\x0d"), Some(5));
    assert_eq!(refused_at("delim:1c0d,max=4", b"hell\x1co\x1c\x0d"), Some(6), "the 1c may have been of the delimiter");
    assert_eq!(refused_at("delim:1c0d,max=4", b"hell\x1c\x1c\x0d"), Some(6), "the second 1c begins at the fifth byte");
    assert_eq!(refused_at("delim:616162,max=2", b"aaaaab"), Some(5), "only the last two may be of the delimiter");
    assert_eq!(refused_at("delim:616162,max=2", b"aaaab"), None);
    assert_eq!(refused_at("mllp,max=4", b"\x0bhello\x1c\x0d"), Some(6));
    assert_eq!(refused_at("until-close,max=4", b"hello"), Some(5));
}

#[test]
fn a_delimiter_after_the_limit_is_not_found_in_one_piece_either() {
    let limited = framing("delim:0d0a,max=4");
    let wire = [&[b'x'; 1000][..], b"\r\n"].concat();
    assert_eq!(limited.decode(&wire, 0, None), Err(DecodeError::NoDelimiter { limit: 4 }));
}

#[test]
fn only_a_delimiter_can_end_an_empty_message() {
    for (notation, kind) in [("until-close", "until-close"), ("quiet:50ms", "quiet"), ("each-read", "each-read")] {
        assert_eq!(framing(notation).envelope(b""), Err(EncodeError::Empty { kind }));
        assert_eq!(framing(notation).least_payload(), 1);
    }
    for notation in SELF_ENDING {
        assert!(framing(notation).envelope(b"").is_ok(), "{notation}");
        assert_eq!(framing(notation).least_payload(), 0);
    }
}

/// Name, notation, payload, error.
type Refused = (&'static str, &'static str, &'static [u8], EncodeError);

#[test]
fn a_payload_that_the_peer_would_cut_early_is_refused() {
    let holds = |offset| EncodeError::HoldsDelimiter { offset };
    let straddles = |offset| EncodeError::StraddlesDelimiter { offset };
    #[rustfmt::skip] // one line a case
    let refused: &[Refused] = &[
        ("LF in a line", "line", b"he\nllo", holds(2)),
        ("CR LF in a line", "line", b"he\r\nllo", holds(3)),
        ("LF at the end of a line", "line,lf", b"hello\n", holds(5)),
        ("one byte", "delim:03", b"\x03", holds(0)),
        ("the first of two", "delim:1c0d", b"a\x1c\x0db\x1c\x0d", holds(1)),
        ("the end in a message between", "between:02..03", b"hi\x03", holds(2)),
        ("half a delimiter that repeats", "delim:0d0a0d0a", b"hello\r\n", straddles(5)),
        ("all bytes are of the delimiter", "delim:616161", b"aa", straddles(0)),
        ("the earliest of two places", "delim:6161", b"ba", straddles(1)),
        ("between, half an end that repeats", "between:02..0303", b"hi\x03", straddles(2)),
        ("a payload inside its own delimiter", "delim:616261", b"ab", straddles(0)),
    ];
    for (name, notation, payload, error) in refused {
        assert_eq!(framing(notation).envelope(payload).unwrap_err(), *error, "{name}");
    }
}
