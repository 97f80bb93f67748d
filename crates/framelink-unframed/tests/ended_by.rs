//! Each message has the rule that ended it, and each framing says what its driver has to watch.

use std::time::Duration;

use framelink_codec::{Codec, Decode, Decoded, Encode, End, EndedBy, Ends, Fault};
use framelink_unframed::{Frames, Unframed};

#[track_caller]
fn framing(notation: &str) -> Unframed {
    notation.parse().expect("a notation")
}

/// The result of decoding with each end, from no end to the close.
#[track_caller]
fn ended_by(notation: &str, input: &[u8]) -> [Option<EndedBy>; 4] {
    [None, Some(End::Read), Some(End::Quiet), Some(End::Closed)].map(|end| {
        match framing(notation).decode(input, 0, end).expect("no fault") {
            Decoded::Frame(frame) => {
                assert_eq!(frame.frame_len, input.len(), "{notation}, {end:?}: the whole input");
                Some(frame.ended_by)
            }
            Decoded::Incomplete(_) => None,
        }
    })
}

#[test]
fn a_delimiter_or_count_ends_a_message_with_any_end() {
    assert_eq!(ended_by("fixed:5", b"hello"), [Some(EndedBy::Count); 4]);
    assert_eq!(ended_by("line", b"hello\r\n"), [Some(EndedBy::Delimiter); 4]);
    assert_eq!(ended_by("line,lf", b"hello\n"), [Some(EndedBy::Delimiter); 4]);
    assert_eq!(ended_by("delim:03", b"hello\x03"), [Some(EndedBy::Delimiter); 4]);
    assert_eq!(ended_by("between:02..03", b"\x02hello\x03"), [Some(EndedBy::Delimiter); 4]);
}

#[test]
fn no_end_replaces_missing_bytes() {
    for notation in ["fixed:6", "line", "line,lf", "delim:03", "between:68..03"] {
        assert_eq!(ended_by(notation, b"hello"), [None; 4], "{notation}");
    }
}

#[test]
fn only_the_close_ends_until_close() {
    assert_eq!(ended_by("until-close", b"hello"), [None, None, None, Some(EndedBy::Close)]);
}

#[test]
fn silence_or_the_close_ends_quiet() {
    assert_eq!(ended_by("quiet:50ms", b"hello"), [None, None, Some(EndedBy::Quiet), Some(EndedBy::Close)]);
}

#[test]
fn a_read_silence_or_the_close_ends_each_read() {
    let each = [None, Some(EndedBy::Read), Some(EndedBy::Quiet), Some(EndedBy::Close)];
    assert_eq!(ended_by("each-read", b"hello"), each);
}

#[test]
fn no_bytes_are_no_message() {
    for notation in ["until-close", "quiet:50ms", "each-read", "fixed:5", "line", "delim:03", "mllp"] {
        assert_eq!(ended_by(notation, b""), [None; 4], "{notation}");
        assert!(Frames::ended(&framing(notation), b"", End::Closed).next().is_none(), "{notation}");
    }
}

#[test]
fn a_close_between_messages_is_clean_and_inside_one_names_the_missing_bytes() {
    for (notation, came, missing) in [
        ("fixed:12", "hello", 7),
        ("line", "hello", 1),
        ("delim:0d0a0d0a", "hi\r\n", 2),
        ("between:0b0b..1c0d", "\x0b", 3),
    ] {
        let mut codec: Codec<_> = framing(notation).codec();
        assert!(matches!(codec.cut(b"", Some(End::Closed)), Ok(Decoded::Incomplete(_))), "{notation}");
        let fault = codec.cut(came.as_bytes(), Some(End::Closed)).unwrap_err();
        assert_eq!(fault, Fault::Truncated { came: came.len(), missing, guess: None }, "{notation}");
    }
}

#[test]
fn a_framing_says_what_its_driver_has_to_watch() {
    assert_eq!(framing("until-close").ends(), Ends::Close);
    assert_eq!(framing("quiet:50ms").ends(), Ends::Quiet(Duration::from_millis(50)));
    assert_eq!(framing("each-read").ends(), Ends::Read(16 * 1024));
    assert_eq!(framing("each-read,max=100").ends(), Ends::Read(100));
    for notation in ["fixed:5", "line", "line,lf", "delim:03", "between:02..03", "mllp", "base24"] {
        assert_eq!(framing(notation).ends(), Ends::Itself, "{notation}");
    }
}

#[test]
fn only_until_close_ends_the_stream() {
    let mut codec = framing("until-close").codec();
    let mut envelope = framing("mllp").envelope(b"left from another message").unwrap();
    assert_eq!(codec.wrap(b"hello", &mut envelope), Ok(true));
    assert!(envelope.ends_stream && envelope.head.is_empty() && envelope.suffix.is_empty());
    assert_eq!(codec.wrap(b"hello", &mut envelope), Ok(false), "nothing follows it");
    for notation in ["quiet:50ms", "each-read", "fixed:5", "line", "line,lf", "delim:03", "between:02..03"] {
        framing(notation).wrap(b"hello", &mut envelope).unwrap();
        assert!(!envelope.ends_stream, "{notation}");
    }
}
