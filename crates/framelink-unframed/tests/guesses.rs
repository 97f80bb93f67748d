//! Guesses about a message with a wrong end.

use framelink_unframed::{Decode, Decoded, End, Unframed};

fn unframed(notation: &str) -> Unframed {
    notation.parse().unwrap_or_else(|error| panic!("{notation}: {error}"))
}

/// The text of the fault if the stream ends after these bytes.
fn fault(notation: &str, stream: &[u8]) -> String {
    match unframed(notation).codec().cut(stream, Some(End::Closed)) {
        Err(fault) => fault.to_string(),
        other => panic!("{notation}: {stream:02x?} is {other:?}"),
    }
}

#[test]
fn a_wrong_last_byte_of_the_end_is_named() {
    for (notation, stream, guess) in [
        ("mllp", &b"\x0bMSH\x1c\xff"[..], "has 0xff at offset 5, expected 0x0d"),
        ("mllp", b"\x0bMSH\x1c\x0a", "has 0x0a at offset 5, expected 0x0d"),
        ("mllp", b"\x0b\x1c\x0a", "has 0x0a at offset 2, expected 0x0d"),
        // Another message follows, or the byte is missing.
        ("mllp", b"\x0bMSH\x1c\xff\x0bMSH", "has 0xff at offset 5, expected 0x0d"),
        ("mllp", b"\x0bMSH\x1c\x0bMSH\x1c", "has 0x0b at offset 5, expected 0x0d"),
        // The byte within the payload is no end.
        ("mllp", b"\x0bM\x1cSH\x1c\xff", "has 0xff at offset 6, expected 0x0d"),
        ("between:0203..030304", b"\x02\x03a\x03\x03\x05", "has 0x05 at offset 5, expected 0x04"),
        ("delim:0d0a", b"hello\r\0", "has 0x00 at offset 6, expected 0x0a"),
    ] {
        let said = fault(notation, stream);
        assert!(said.ends_with(&format!("; the end of a message {guess}")), "{notation}: {stream:02x?}: {said}");
        // The guess is also made on a timeout.
        let asked = unframed(notation).codec().guess(stream).map(|guess| guess.to_string());
        assert!(asked.is_some_and(|asked| said.ends_with(&asked)), "{notation}: {stream:02x?}");
    }
}

#[test]
fn there_is_no_guess_while_the_end_may_still_arrive() {
    for (notation, stream) in [
        ("mllp", &b"\x0bMSH"[..]),
        ("mllp", b"\x0bMSH\x1c"),
        ("mllp", b"\x0bM\x1cSH"),
        ("mllp", b"\x0c\x1c\xff"),
        ("between:02..03", b"\x02hello\x04"),
        ("delim:0d0a", b"hello\r"),
        ("delim:03", b"hello\x04"),
    ] {
        assert_eq!(unframed(notation).guess(stream), None, "{notation}: {stream:02x?}");
    }
}

/// With the expected byte in place of the received one, the message is complete.
#[test]
fn the_named_byte_completes_the_message() {
    const BYTES: [u8; 5] = [0x0b, 0x1c, 0x0d, b'a', 0xff];
    let mllp = unframed("mllp");
    let mut named = 0;
    for number in 0..BYTES.len().pow(6) {
        let mut rest = number;
        let mut stream = vec![0x0b];
        for _ in 0..6 {
            stream.push(BYTES[rest % BYTES.len()]);
            rest /= BYTES.len();
        }
        if matches!(mllp.decode(&stream, 0, None), Ok(Decoded::Frame(_))) {
            continue;
        }
        let Some(framelink_unframed::Guess::OtherEnd { offset, found, expected }) = mllp.guess(&stream) else {
            continue;
        };
        named += 1;
        assert_eq!((stream[offset], expected), (found, 0x0d), "{stream:02x?}");
        stream[offset] = expected;
        let whole = mllp.decode(&stream, 0, None);
        assert!(
            matches!(whole, Ok(Decoded::Frame(frame)) if frame.frame_len == offset + 1),
            "{stream:02x?}: {whole:?}"
        );
    }
    assert!(named > 1000, "{named} were named");
}
