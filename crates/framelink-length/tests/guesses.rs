//! Guesses about a length that is really another kind of bytes.

use framelink_codec::Ends;
use framelink_length::{Decode, Decoded, End, Fault, Frames, Guess, Length, PRESETS};

const HTTP: &str = "the bytes begin like an HTTP request (is the peer an HTTP client?)";
const TLS: &str = "the bytes begin like a TLS handshake (does the peer expect TLS?)";
const SSH: &str = "the bytes begin like an SSH banner (is this the SSH port?)";
const PROXY: &str = "the bytes begin like a PROXY protocol header (does a proxy stand before the peer?)";
const RESPONSE: &str = "the bytes begin like an HTTP response (is the peer an HTTP server?)";
const ALERT: &str = "the bytes begin like a TLS alert (does the peer expect TLS?)";

fn length(notation: &str) -> Length {
    notation.parse().unwrap_or_else(|error| panic!("{notation}: {error}"))
}

/// The fault of a stream that has these bytes and then ends.
fn fault(notation: &str, stream: &[u8]) -> String {
    let mut codec = length(notation).codec();
    match codec.cut(stream, Some(End::Closed)) {
        Ok(Decoded::Frame(frame)) => panic!("{notation}: {stream:02x?} is {frame:?}"),
        Ok(Decoded::Incomplete(need)) => panic!("{notation}: {stream:02x?} is {need:?}"),
        Err(fault) => fault.to_string(),
    }
}

/// The framing, all received bytes, the error, and the guess after it.
type Case<'a> = (&'a str, &'a [u8], &'a str, &'a str);

fn check(cases: &[Case<'_>]) {
    for &(notation, stream, error, guess) in cases {
        assert_eq!(fault(notation, stream), format!("{error}; {guess}"), "{notation}: {stream:02x?}");
        // A timeout gives this guess too.
        let asked = length(notation).codec().guess(stream).map(|guess| guess.to_string());
        assert_eq!(asked.as_deref(), Some(guess), "{notation}: {stream:02x?}");
    }
}

#[test]
fn an_http_client_is_recognised_by_every_method() {
    let methods =
        ["GET /", "POST /", "PUT /", "HEAD /", "DELETE /", "OPTIONS *", "PATCH /", "CONNECT a:1", "TRACE /", "PRI *"];
    for method in methods {
        let request = format!("{method} HTTP/2.0\r\n\r\n");
        for notation in ["net:4", "le:4", "net:2", "le:2", "bcd:2", "ascii:4", "hex:4", "ebcdic:4", "decimal:3a"] {
            let said = fault(notation, request.as_bytes());
            assert!(said.ends_with(&format!("; {HTTP}")), "{notation}: {request:?}: {said}");
        }
    }
}

#[test]
fn another_protocol_is_named_by_its_first_bytes() {
    let hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    let proxy2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c";
    check(&[
        ("net:4", b"GET / HTTP/1.1\r\n\r\n", "header announces 1195725856 payload bytes, limit is 1048576", HTTP),
        (
            "net:2",
            b"GET / HTTP/1.1\r\n\r\n",
            "stream ended inside a frame: 18 bytes came, at least 18229 more were owed",
            HTTP,
        ),
        ("ascii:4", b"GET / HTTP/1.1\r\n\r\n", "header byte 0 is 0x47, expected an ASCII digit", HTTP),
        (
            "bcd:2",
            b"GET / HTTP/1.1\r\n\r\n",
            "stream ended inside a frame: 18 bytes came, at least 4729 more were owed",
            HTTP,
        ),
        (
            "bcd:2",
            b"POST / HTTP/1.1\r\n\r\n",
            "header byte 1 is 0x4f, expected two decimal digits, one in each half",
            HTTP,
        ),
        ("tpkt", b"GET / HTTP/1.1\r\n\r\n", "prefix byte at offset 0 is 0x47, expected 0x03", HTTP),
        (
            "net:4",
            b"HTTP/1.1 400 Bad Request\r\n",
            "header announces 1213486160 payload bytes, limit is 1048576",
            RESPONSE,
        ),
        ("net:4", hello, "header announces 369295618 payload bytes, limit is 1048576", TLS),
        ("net:2", hello, "stream ended inside a frame: 11 bytes came, at least 5626 more were owed", TLS),
        ("ascii:4", hello, "header byte 0 is 0x16, expected an ASCII digit", TLS),
        ("varint", hello, "stream ended inside a frame: 11 bytes came, at least 12 more were owed", TLS),
        (
            "net:2",
            b"\x15\x03\x03\0\x02\x02\x28",
            "stream ended inside a frame: 7 bytes came, at least 5374 more were owed",
            ALERT,
        ),
        ("net:4", b"SSH-2.0-OpenSSH_9.6\r\n", "header announces 1397966893 payload bytes, limit is 1048576", SSH),
        (
            "bcd:2",
            b"SSH-2.0-OpenSSH_9.6\r\n",
            "stream ended inside a frame: 21 bytes came, at least 5334 more were owed",
            SSH,
        ),
        ("net:4", b"PROXY TCP4 10.0.0.1", "header announces 1347571544 payload bytes, limit is 1048576", PROXY),
        (
            "net:2",
            b"PROXY TCP4 10.0.0.1",
            "stream ended inside a frame: 19 bytes came, at least 20545 more were owed",
            PROXY,
        ),
        ("net:4", proxy2, "header announces 218762506 payload bytes, limit is 1048576", PROXY),
        ("net:2", proxy2, "stream ended inside a frame: 16 bytes came, at least 3324 more were owed", PROXY),
        ("ascii:4", proxy2, "header byte 0 is 0x0d, expected an ASCII digit", PROXY),
    ]);
}

#[test]
fn ascii_where_a_binary_number_should_be_is_shown() {
    check(&[
        (
            "net:4",
            b"0012hello, world",
            "header announces 808464690 payload bytes, limit is 1048576",
            "the length field is the ASCII digits \"0012\"",
        ),
        (
            "net:2",
            b"12hello, world",
            "stream ended inside a frame: 14 bytes came, at least 12582 more were owed",
            "the length field is the ASCII digits \"12\"",
        ),
        (
            "le:4",
            b"0012hello, world",
            "header announces 842084400 payload bytes, limit is 1048576",
            "the length field is the ASCII digits \"0012\"",
        ),
        (
            "bcd:2",
            b"12hello, world",
            "stream ended inside a frame: 14 bytes came, at least 3120 more were owed",
            "the length field is the ASCII digits \"12\"",
        ),
        (
            "net:8",
            b"00000012hello, world",
            "header announces 3472328296227680562 payload bytes, limit is 1048576",
            "the length field is the ASCII digits \"00000012\"",
        ),
        (
            "net:4",
            b"HELO there",
            "header announces 1212501071 payload bytes, limit is 1048576",
            "the length field is the ASCII text \"HELO\"",
        ),
        (
            "net:4,at=1",
            b"\x02ISO0",
            "header announces 1230196528 payload bytes, limit is 1048576",
            "the length field is the ASCII text \"ISO0\"",
        ),
        (
            "net:2,max=1000",
            b"<?xml version=\"1.0\"?>",
            "header announces 15423 payload bytes, limit is 1000",
            "the length field is the ASCII text \"<?\"",
        ),
        (
            "bcd:2",
            b"{\"a\": 1}",
            "header byte 0 is 0x7b, expected two decimal digits, one in each half",
            "the length field is the ASCII text \"{\\\"\"",
        ),
    ]);
}

#[test]
fn the_other_byte_order_is_named_if_it_fits() {
    let says_12 = "in the other byte order the length field says 12, which fits";
    check(&[
        ("net:4", b"\x0c\0\0\0hello, world", "header announces 201326592 payload bytes, limit is 1048576", says_12),
        // Only the header was received: the guess says how much of that frame is missing.
        (
            "net:4",
            b"\x0c\0\0\0",
            "header announces 201326592 payload bytes, limit is 1048576",
            "read as le:4 the length field says 12, and 12 bytes of that frame are missing",
        ),
        ("le:4", b"\0\0\0\x0chello, world", "header announces 201326592 payload bytes, limit is 1048576", says_12),
        (
            "net:8",
            b"\x0c\0\0\0\0\0\0\0hello",
            "header announces 864691128455135232 payload bytes, limit is 1048576",
            "read as le:8 the length field says 12, and 7 bytes of that frame are missing",
        ),
        (
            "net:2",
            b"\x0c\0hello, world",
            "stream ended inside a frame: 14 bytes came, at least 3060 more were owed",
            says_12,
        ),
        (
            "le:2",
            b"\0\x0chello, world",
            "stream ended inside a frame: 14 bytes came, at least 3060 more were owed",
            says_12,
        ),
        // A second frame follows the first.
        (
            "net:4",
            b"\x0c\0\0\0hello, world\x05\0\0\0hello",
            "header announces 201326592 payload bytes, limit is 1048576",
            says_12,
        ),
        ("net:2,max=2KiB", b"\x0c\0hello, world\x05", "header announces 3072 payload bytes, limit is 2048", says_12),
    ]);
}

#[test]
fn packed_and_binary_numbers_are_told_apart() {
    check(&[
        (
            "net:2",
            b"\0\x12hello, world",
            "stream ended inside a frame: 14 bytes came, at least 6 more were owed",
            "read as packed BCD the length field says 12, which fits",
        ),
        (
            "net:2,max=15",
            b"\0\x12hello, world",
            "header announces 18 payload bytes, limit is 15",
            "read as packed BCD the length field says 12, which fits",
        ),
        (
            "net:2,max=15",
            b"\0\x12hello, world\0\x02hi",
            "header announces 18 payload bytes, limit is 15",
            "read as packed BCD the length field says 12, which fits",
        ),
        (
            "bcd:2",
            b"\0\x0chello, world",
            "header byte 1 is 0x0c, expected two decimal digits, one in each half",
            "read as a binary number the length field says 12, which fits",
        ),
        (
            "bcd:2",
            b"\0\x0chello, worl",
            "header byte 1 is 0x0c, expected two decimal digits, one in each half",
            "read as net:2 the length field says 12, and 1 byte of that frame is missing",
        ),
    ]);
}

#[test]
fn a_peer_whose_number_counts_its_header_is_recognised_when_it_closes() {
    check(&[
        (
            "net:2",
            b"\0\x0ehello, world",
            "stream ended inside a frame: 14 bytes came, at least 2 more were owed",
            "the frame is complete if the number counts 2 header bytes too",
        ),
        (
            "net:4",
            b"\0\0\0\x10hello, world",
            "stream ended inside a frame: 16 bytes came, at least 4 more were owed",
            "the frame is complete if the number counts 4 header bytes too",
        ),
        (
            "ascii:4",
            b"0016hello, world",
            "stream ended inside a frame: 16 bytes came, at least 4 more were owed",
            "the frame is complete if the number counts 4 header bytes too",
        ),
        (
            "net:2,prefix=0300",
            b"\x03\0\0\x10hello, world",
            "stream ended inside a frame: 16 bytes came, at least 4 more were owed",
            "the frame is complete if the number counts 4 header bytes too",
        ),
        (
            "net:2,prefix=0300",
            b"\x03\0\0\x0ehello, world",
            "stream ended inside a frame: 16 bytes came, at least 2 more were owed",
            "the frame is complete if the number counts 2 header bytes too",
        ),
        (
            "decimal:3a",
            b"15:hello, world",
            "stream ended inside a frame: 15 bytes came, at least 3 more were owed",
            "the frame is complete if the number counts 3 header bytes too",
        ),
    ]);
}

/// Errors without a guess: the bytes are an ordinary frame, or no reading is likelier than another.
#[test]
fn ordinary_frames_produce_no_guess() {
    let cases: &[(&str, &[u8], &str)] = &[
        ("net:2", b"\0\x0chello", "stream ended inside a frame: 7 bytes came, at least 7 more were owed"),
        ("net:2", b"\0", "stream ended inside a frame: 1 byte came, at least 1 more were owed"),
        ("ascii:4", b"0012hello", "stream ended inside a frame: 9 bytes came, at least 7 more were owed"),
        ("net:2,suffix=03", b"\0\x03hi\x04", "suffix byte at offset 4 is 0x04, expected 0x03"),
        // 0x0065 and 0x0a00 could be read in other ways, but all announced bytes were received.
        ("net:2,max=100", &[&b"\0\x65"[..], &[7; 101]].concat(), "header announces 101 payload bytes, limit is 100"),
        (
            "net:2,max=2000",
            &[&b"\x0a\0"[..], &[0; 2560]].concat(),
            "header announces 2560 payload bytes, limit is 2000",
        ),
        (
            "net:2,max=2000",
            &[&b"00"[..], &[b'0'; 12_336]].concat(),
            "header announces 12336 payload bytes, limit is 2000",
        ),
        // Four numbers in ten have no nibble above 9. That alone is no evidence of packed BCD.
        ("net:2,max=100", b"\0\x65", "header announces 101 payload bytes, limit is 100"),
        ("net:2,max=100", b"\0\x65start", "header announces 101 payload bytes, limit is 100"),
        // In the other byte order the number is 12, but the next length would be 0x7a7a, which is too large too.
        ("net:2,max=2KiB", b"\x0c\0hello, worldzz", "header announces 3072 payload bytes, limit is 2048"),
        // The first byte is no prefix, so the next bytes are no length.
        ("net:2,at=2,prefix=03", b"\x04\0\x0c\0", "prefix byte at offset 0 is 0x04, expected 0x03"),
        // A framing of TLS expects TLS.
        ("tls", b"\x16\x03\x01\x02\0\x01", "stream ended inside a frame: 6 bytes came, at least 511 more were owed"),
        ("tls,max=2", b"\x15\x03\x03\0\x03", "header announces 3 payload bytes, limit is 2"),
    ];
    for &(notation, stream, expected) in cases {
        assert_eq!(fault(notation, stream), expected, "{notation}: {:02x?}", &stream[..stream.len().min(16)]);
    }
}

#[test]
fn whole_frames_are_no_fault_even_if_their_numbers_look_like_text() {
    // 0x4745 is "GE", 0x1603 begins a TLS record, 0x3030 is "00".
    for number in [0x4745_u16, 0x1603, 0x1503, 0x3030, 0x0d0a, 0x0c00, 0x0012] {
        let wire = [&number.to_be_bytes()[..], &vec![b' '; usize::from(number)]].concat();
        let length = length("net:2");
        let mut frames = Frames::new(&length, &wire);
        assert!(matches!(frames.next(), Some(Ok(frame)) if frame.payload.len() == usize::from(number)));
        assert!(frames.next().is_none());
    }
}

#[test]
fn frames_and_codec_report_equal_faults() {
    let net4 = length("net:4");
    let stream = b"\0\0\0\x02hiGET / HTTP/1.1\r\n";
    let mut frames = Frames::new(&net4, stream);
    assert!(matches!(frames.next(), Some(Ok(frame)) if frame.payload == b"hi"));
    let Some(Err(fault)) = frames.next() else { panic!("no fault") };
    assert_eq!(fault.to_string(), format!("header announces 1195725856 payload bytes, limit is 1048576; {HTTP}"));
    assert_eq!(net4.codec().cut(frames.rest(), None), Err(fault));
    assert!(matches!(fault, Fault::Wrong { .. }));
}

#[test]
fn guessing_at_any_bytes_with_any_preset_does_not_panic() {
    let bytes: Vec<u8> = (0..=u8::MAX).chain(*b"GET / HTTP/1.1\r\n").rev().collect();
    for preset in PRESETS {
        let length = length(preset.name);
        assert_eq!(length.ends(), Ends::Itself);
        for start in 0..bytes.len() {
            for len in 0..20.min(bytes.len() - start) {
                // Without bytes there is no guess.
                let said = length.codec().guess(&bytes[start..start + len]);
                assert!(len > 0 || said.is_none());
            }
        }
    }
}

#[test]
fn a_peer_whose_number_counts_less_than_ours_is_recognised() {
    check(&[
        (
            "2I",
            b"\x00\x01x",
            "header says 1, but what it counts is at least 2 bytes",
            "the frame is complete if the number counts 2 bytes less: not its header, say",
        ),
        (
            "tpkt",
            b"\x03\0\0\x01x",
            "header says 1, but what it counts is at least 4 bytes",
            "the frame is complete if the number counts 4 bytes less: not its header, say",
        ),
    ]);
}

#[test]
fn a_framing_that_counts_its_header_gets_no_such_guess() {
    for (notation, wire) in [("2I", &b"\x00\x09hello"[..]), ("smpp", b"\0\0\0\x0dhello")] {
        let fault = fault(notation, wire);
        assert!(!fault.contains("header byte"), "{notation}: {fault}");
    }
}

#[test]
fn an_ordinary_length_that_looks_like_text_gets_no_guess_while_its_frame_is_incomplete() {
    // 0x30 0x39 announces 12345 bytes and is the digits "09". Some of the bytes were received.
    let wire = [b"\x30\x39".as_slice(), &[b'x'; 500]].concat();
    let fault = fault("net:2", &wire);
    assert!(!fault.contains("ASCII"), "{fault}");
}

#[test]
fn digits_of_another_character_set_are_named() {
    let digit = "header byte 0 is 0xf0, expected an ASCII digit";
    check(&[
        ("ascii:4", b"\xf0\xf0\xf1\xf2hello, world", digit, "the length field is the EBCDIC digits \"0012\""),
        (
            "ascii:4",
            b"\xf0\xf0\xf1\xf2hello",
            digit,
            "read as ebcdic:4 the length field says 12, and 7 bytes of that frame are missing",
        ),
        (
            "ebcdic:4",
            b"0012hello, world",
            "header byte 0 is 0x30, expected an EBCDIC digit, 0xf0 to 0xf9",
            "the length field is the ASCII digits \"0012\"",
        ),
        (
            "net:4",
            b"\xf0\xf0\xf1\xf2hello, world",
            "header announces 4042322418 payload bytes, limit is 1048576",
            "the length field is the EBCDIC digits \"0012\"",
        ),
    ]);
}

#[test]
fn a_binary_or_packed_number_where_digits_should_be_is_named() {
    let zero = "header byte 0 is 0x00, expected an ASCII digit";
    check(&[
        ("ascii:4", b"\0\x0chello, world", zero, "read as net:2 the length field says 12, which fits"),
        ("ascii:4", b"\0\0\0\x0chello, world", zero, "read as net:4 the length field says 12, which fits"),
        ("ascii:4", b"\0\x12hello, world", zero, "read as bcd:2 the length field says 12, which fits"),
        ("ascii:4", b"\0\x0chello, world\0\x05hello", zero, "read as net:2 the length field says 12, which fits"),
        (
            "ascii:4",
            b"\x0c\0hello, world",
            "header byte 0 is 0x0c, expected an ASCII digit",
            "read as le:2 the length field says 12, which fits",
        ),
        (
            "ebcdic:4",
            b"\0\x0chello, world",
            "header byte 0 is 0x00, expected an EBCDIC digit, 0xf0 to 0xf9",
            "read as net:2 the length field says 12, which fits",
        ),
        (
            "hex:4",
            b"\0\x0chello, world",
            "header byte 0 is 0x00, expected an ASCII hexadecimal digit",
            "read as net:2 the length field says 12, which fits",
        ),
    ]);
}

#[test]
fn blanks_in_place_of_zeros_are_named() {
    check(&[
        (
            "ascii:4",
            b"  12hello, world",
            "header byte 0 is 0x20, expected an ASCII digit",
            "the length field is \"  12\", with blanks in place of zeros",
        ),
        (
            "ascii:4",
            b"12  hello, world",
            "header byte 2 is 0x20, expected an ASCII digit",
            "the length field is \"12  \", with blanks in place of zeros",
        ),
        (
            "ascii:4",
            b"  12",
            "header byte 0 is 0x20, expected an ASCII digit",
            "read as 4 digits with blanks in place of zeros the length field says 12, and 12 bytes of that frame are missing",
        ),
        (
            "ebcdic:4",
            b"\x40\x40\xf1\xf2hello, world",
            "header byte 0 is 0x40, expected an EBCDIC digit, 0xf0 to 0xf9",
            "the length field is \"  12\", with blanks in place of zeros",
        ),
    ]);
}

#[test]
fn syslog_that_ends_with_a_newline_is_recognised_where_a_length_should_be() {
    let syslog =
        "the bytes begin like a syslog message without its length (does the peer end messages with a newline?)";
    check(&[
        ("syslog", b"<34>Oct 11 22:14:15 su: failed\n", "header byte 0 is 0x3c, expected an ASCII digit", syslog),
        ("ascii:4", b"<0>x\n", "header byte 0 is 0x3c, expected an ASCII digit", syslog),
        ("net:2", b"<191>1 x\n", "stream ended inside a frame: 9 bytes came, at least 15402 more were owed", syslog),
    ]);
    for none in [&b"<192>x\n"[..], b"<>x\n", b"<1", b"<a>x"] {
        assert_eq!(length("syslog").guess(none), None, "{none:02x?}");
    }
}

#[test]
fn a_number_that_does_not_fit_is_no_guess() {
    for (notation, stream) in [("bcd:2", &b"\x1a\x0dhello"[..]), ("ascii:4", b"\x1a\x0dhello"), ("ascii:4", b"\x7fELF")]
    {
        assert_eq!(length(notation).guess(stream), None, "{notation}: {stream:02x?}");
    }
}

/// The framings that a guess suggests.
fn meant(ours: &str, guess: &Guess) -> Vec<String> {
    let (_, width) = ours.split_once(':').expect("a width");
    match guess {
        Guess::OtherByteOrder(_) if ours.starts_with("net") => vec![format!("le:{width}")],
        Guess::OtherByteOrder(_) | Guess::Binary(_) => vec![format!("net:{width}")],
        Guess::PackedBcd(_) => vec![format!("bcd:{width}")],
        Guess::ReadAs { reading, .. } | Guess::Lacks { reading, .. } => vec![reading.to_string()],
        Guess::AsciiDigits(_) => {
            (2..=8).flat_map(|width| [format!("ascii:{width}"), format!("ascii:{width},counts=self")]).collect()
        }
        Guess::EbcdicDigits(_) => (2..=8).map(|width| format!("ebcdic:{width}")).collect(),
        Guess::CountsHeader(by) | Guess::CountsMore(by) => vec![format!("{ours},adjust=-{by}")],
        Guess::CountsLess(by) => vec![format!("{ours},adjust=+{by}")],
        _ => Vec::new(),
    }
}

/// Whether the framing that a guess suggests fits these bytes.
fn is_true(ours: &str, guess: &Guess, input: &[u8]) -> bool {
    match guess {
        // These guesses describe the field and do not claim that it fits.
        Guess::Text(_) | Guess::Foreign(_) | Guess::SyslogLine => true,
        Guess::BlankPadded(_) | Guess::Lacks { reading: framelink_length::Reading::BlankPadded(_), .. } => {
            let width = ours.rsplit(':').next().and_then(|width| width.parse().ok()).unwrap_or(0);
            let field = &input[..width];
            let text: String =
                field.iter().map(|&byte| if byte >= 0xf0 { byte - 0xc0 } else { byte } as char).collect();
            let number: usize = text.trim_matches([' ', '@']).parse().expect("digits");
            match guess {
                Guess::Lacks { missing, .. } => width + number == input.len() + *missing as usize,
                _ => width + number <= input.len(),
            }
        }
        _ => meant(ours, guess).iter().any(|notation| match (length(notation).decode(input, 0, None), guess) {
            (Ok(Decoded::Incomplete(need)), Guess::Lacks { missing, .. }) => need.missing == *missing as usize,
            (Ok(Decoded::Frame(frame)), guess) => {
                !matches!(guess, Guess::Lacks { .. }) && frame.frame_len <= input.len()
            }
            _ => false,
        }),
    }
}

fn check_truth(ours: &str, framing: &Length, input: &[u8]) -> bool {
    if matches!(framing.decode(input, 0, None), Ok(Decoded::Frame(_))) {
        return false;
    }
    let Some(guess) = framing.guess(input) else { return false };
    assert!(is_true(ours, &guess, input), "{ours}: {input:02x?} is said to be: {guess}");
    true
}

/// For every header, the suggested framing decodes a whole frame, or the guess names the missing bytes of that frame.
#[test]
fn every_guess_is_true_of_the_bytes_for_all_headers_of_two_bytes() {
    let mut guesses = 0;
    for ours in ["net:2", "le:2", "bcd:2", "ascii:2", "ebcdic:2", "hex:2"] {
        let framing = length(ours);
        for (header, behind) in (0..=u16::MAX).flat_map(|header| [(header, &b""[..]), (header, b"hello")]) {
            let input = [&header.to_be_bytes()[..], behind].concat();
            guesses += usize::from(check_truth(ours, &framing, &input));
        }
    }
    assert!(guesses > 10_000, "{guesses} guesses");
}

#[test]
fn every_guess_is_true_of_the_bytes_for_headers_of_four_bytes() {
    const BYTES: [u8; 10] = [0, 1, 5, 0x0c, 0x12, b' ', b'0', b'2', 0xf0, 0xf2];
    let headers =
        || (0..10_000_usize).map(|n| [BYTES[n / 1000], BYTES[n / 100 % 10], BYTES[n / 10 % 10], BYTES[n % 10]]);
    let mut guesses = 0;
    for ours in ["net:4", "le:4", "bcd:4", "ascii:4", "ebcdic:4", "hex:4", "net:3"] {
        let framing = length(ours);
        for (header, behind) in
            headers().flat_map(|header| [(header, &b""[..]), (header, b"hello"), (header, b"hello, world")])
        {
            guesses += usize::from(check_truth(ours, &framing, &[&header[..], behind].concat()));
        }
    }
    assert!(guesses > 10_000, "{guesses} guesses");
}
