//! A PROXY protocol header at the start of an accepted connection: each framing, each header, and each way to cut the
//! header. No socket.

use std::sync::Arc;
use std::time::Duration;

use framelink_codec::Decode;
use framelink_heartbeat::{Form, Heartbeat, Role};
use framelink_profile::Framing;
use framelink_session::{ProxyHeader, Received, Receiving, Session};

const V1: &[u8] = b"PROXY TCP4 192.0.2.7 192.0.2.1 56324 7000\r\n";
const V1_6: &[u8] = b"PROXY TCP6 2001:db8::7 2001:db8::1 56324 7000\r\n";
const UNKNOWN: &[u8] = b"PROXY UNKNOWN\r\n";
const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x07\xc0\0\x02\x01\xdc\x04\x1b\x58";
const LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";
const HEADERS: [(&[u8], ProxyHeader, usize); 5] = [
    (V1, ProxyHeader::Version1, 11),
    (V1_6, ProxyHeader::Version1, 11),
    (UNKNOWN, ProxyHeader::Version1, 13),
    (V2, ProxyHeader::Version2, 12),
    (LOCAL, ProxyHeader::Version2, 12),
];
/// Framings, and a frame of each that may follow the header.
const FRAMINGS: [(&str, &[u8]); 21] = [
    ("net:1", b"\x02hi"),
    ("net:2", b"\0\x02hi"),
    ("net:4", b"\0\0\0\x02hi"),
    ("le:2", b"\x02\0hi"),
    ("ascii:4", b"0002hi"),
    ("bcd:2", b"\0\x02hi"),
    ("hex:4", b"0002hi"),
    ("netstring", b"2:hi,"),
    ("line", b"hi\r\n"),
    ("delim:0a", b"hi\n"),
    ("ebcdic:4", b"\xf0\xf0\xf0\xf2hi"),
    ("varint", b"\x02hi"),
    ("mllp", b"\x0bhi\x1c\r"),
    ("between:02..03", b"\x02hi\x03"),
    ("delim:00", b"hi\0"),
    ("fixed:1", b"h"),
    ("fixed:5", b"hello"),
    ("quiet:50ms", b"hi"),
    ("each-read", b"hi"),
    ("until-close", b"hi"),
    ("tpkt", b"\x03\0\0\x06hi"),
];

const fn ms(time: u64) -> Duration {
    Duration::from_millis(time)
}

fn accepted(notation: &str) -> Receiving<Framing> {
    let mut receiving = Receiving::new(notation.parse().unwrap_or_else(|error| panic!("{notation}: {error}")));
    receiving.refuse_proxy_header();
    receiving
}

/// Does what a driver does after each read and each deadline.
fn poll<D: Decode>(receiving: &mut Receiving<D>) -> Result<Received, String> {
    match receiving.poll_preamble() {
        Ok(true) => receiving.poll().map_err(|fault| fault.to_string()),
        Ok(false) => match receiving.proxy_header() {
            Some(header) => Err(header.to_string()),
            None => Ok(Received::Wait { until: receiving.kept_until() }),
        },
        Err(wrong) => Err(wrong.to_string()),
    }
}

/// Delivers the pieces 10 ms apart, and reports each deadline that passes.
fn bring<D: Decode>(receiving: &mut Receiving<D>, pieces: &[&[u8]]) -> Result<Vec<Vec<u8>>, String> {
    let (mut now, mut messages) = (ms(0), Vec::new());
    for piece in pieces {
        receiving.on_deadline(now);
        receiving.on_bytes(piece, now);
        while let Received::Message(message) = poll(receiving)? {
            messages.push(message.to_vec());
        }
        now += ms(10);
    }
    Ok(messages)
}

#[test]
fn a_header_is_recognised_with_any_framing_however_it_is_cut() {
    let mut cells = 0;
    for (notation, frame) in FRAMINGS {
        for (header, version, signature) in HEADERS {
            let stream = [header, frame].concat();
            let bytes: Vec<&[u8]> = stream.chunks(1).collect();
            let mut cuts = vec![vec![&stream[..]], bytes, vec![&stream[..signature]]];
            cuts.extend((1..stream.len()).map(|at| vec![&stream[..at], &stream[at..]]));
            cells += cuts.len();
            for pieces in cuts {
                let mut receiving = accepted(notation);
                let came = bring(&mut receiving, &pieces);
                assert_eq!(came, Err(version.to_string()), "{notation}: {pieces:02x?}");
                assert_eq!(receiving.proxy_header(), Some(version));
                assert!(poll(&mut receiving).is_err() && receiving.messages_received() == 0, "it stays so");
            }
        }
    }
    println!("{cells} cells");
}

#[test]
fn the_beginning_of_a_header_that_goes_on_otherwise_is_data() {
    for (notation, sent, messages) in [
        ("line", &b"PROXY\r\n"[..], &[&b"PROXY"[..]][..]),
        ("line", b"PROXY TCP5 \r\n", &[b"PROXY TCP5 "]),
        ("line", b"PROXIES\r\n", &[b"PROXIES"]),
        ("line", b"\r\n\r\nhi\r\n", &[b"", b"", b"hi"]),
        ("line", b"\r\n\r\n\0\r\n\r\n", &[b"", b"", b"\0", b""]),
        ("delim:0a", b"\r\n\r\n\0\n", &[b"\r", b"\r", b"\0"]),
        ("net:1", b"\x0d\n\r\n\0\r\nQUIT\r\n!", &[b"\n\r\n\0\r\nQUIT\r\n!"]),
        ("fixed:2", b"PRO!", &[b"PR", b"O!"]),
    ] {
        for at in 0..sent.len() {
            let mut receiving = accepted(notation);
            let came = bring(&mut receiving, &[&sent[..at], &sent[at..]]).unwrap();
            assert_eq!(came, messages, "{notation}: {} in two from {at} on", sent.escape_ascii());
            assert!(!receiving.may_be_proxy_header());
        }
    }
}

#[test]
fn a_message_that_may_become_a_header_is_delivered_soon_and_one_that_goes_on_is_recognised_still() {
    let mut receiving = accepted("line");
    receiving.on_bytes(b"\r\n", ms(1000));
    assert!(matches!(poll(&mut receiving), Ok(Received::Wait { until: Some(at) }) if at == ms(1250)));
    receiving.on_deadline(ms(1249));
    assert!(matches!(poll(&mut receiving), Ok(Received::Wait { until: Some(at) }) if at == ms(1250)));
    receiving.on_deadline(ms(1250));
    assert!(matches!(poll(&mut receiving), Ok(Received::Message(message)) if message.is_empty()));
    assert!(matches!(poll(&mut receiving), Ok(Received::Wait { until: None })));
    receiving.on_bytes(&V2[2..], ms(2000));
    assert_eq!(poll(&mut receiving).unwrap_err(), ProxyHeader::Version2.to_string());
}

#[test]
fn only_the_first_of_several_empty_lines_is_kept() {
    let mut receiving = accepted("line");
    receiving.on_bytes(b"\r\n", ms(0));
    assert!(matches!(poll(&mut receiving), Ok(Received::Wait { until: Some(_) })));
    receiving.on_deadline(ms(250));
    assert!(matches!(poll(&mut receiving), Ok(Received::Message(_))));
    assert!(matches!(poll(&mut receiving), Ok(Received::Wait { .. })));
    receiving.on_bytes(b"\r\n", ms(300));
    assert!(matches!(poll(&mut receiving), Ok(Received::Message(message)) if message.is_empty()));
    receiving.on_bytes(&V2[4..], ms(400));
    assert_eq!(poll(&mut receiving).unwrap_err(), ProxyHeader::Version2.to_string(), "it is recognised still");
}

#[test]
fn bytes_that_become_neither_a_frame_nor_a_header_are_a_fault() {
    let mut receiving = accepted("ascii:4");
    receiving.on_bytes(b"PROX", ms(0));
    assert!(matches!(poll(&mut receiving), Ok(Received::Wait { until: Some(at) }) if at == ms(1000)));
    receiving.on_deadline(ms(1000));
    assert!(poll(&mut receiving).unwrap_err().starts_with("header byte 0 is 0x50"));
    let mut closed = accepted("ascii:4");
    closed.on_bytes(b"PROX", ms(0));
    assert!(poll(&mut closed).is_ok());
    closed.on_closed();
    assert!(poll(&mut closed).unwrap_err().starts_with("header byte 0 is 0x50"));
}

#[test]
fn silence_and_the_end_judge_the_beginning_of_a_header_as_they_judge_any_bytes() {
    let mut quiet = accepted("quiet:50ms");
    quiet.on_bytes(b"PROXY ", ms(0));
    assert!(matches!(poll(&mut quiet), Ok(Received::Wait { until: Some(at) }) if at == ms(50)));
    quiet.on_deadline(ms(50));
    assert!(matches!(poll(&mut quiet), Ok(Received::Message(message)) if &message[..] == b"PROXY "));
    for (notation, message) in [("until-close", &b"PROXY "[..]), ("fixed:3", b"PRO"), ("line", b"")] {
        let mut closed = accepted(notation);
        closed.on_bytes(if message.is_empty() { b"\r\n" } else { message }, ms(0));
        assert!(matches!(poll(&mut closed), Ok(Received::Wait { .. })), "{notation}");
        closed.on_closed();
        assert!(matches!(poll(&mut closed), Ok(Received::Message(came)) if came[..] == *message), "{notation}");
        assert!(matches!(poll(&mut closed), Ok(Received::Closed)), "{notation}");
    }
}

#[test]
fn a_header_comes_before_the_preamble_of_the_client() {
    for at in 1..V1.len() {
        let mut receiving = accepted("line");
        receiving.expect_preamble(b"HELLO");
        receiving.refuse_proxy_header();
        let stream = [V1, b"HELLOhi\r\n"].concat();
        let came = bring(&mut receiving, &[&stream[..at], &stream[at..]]);
        assert_eq!(came, Err(ProxyHeader::Version1.to_string()), "in two from {at} on");
    }
    let mut receiving = accepted("line");
    receiving.expect_preamble(b"PING");
    receiving.refuse_proxy_header();
    assert_eq!(bring(&mut receiving, &[b"P", b"INGhi", b"\r\n"]), Ok(vec![b"hi".to_vec()]));
    let mut expected = accepted("line");
    expected.expect_preamble(V1);
    expected.refuse_proxy_header();
    assert_eq!(bring(&mut expected, &[V1, b"hi\r\n"]), Ok(vec![b"hi".to_vec()]), "the profile asks for it");
}

#[test]
fn a_heartbeat_is_not_kept() {
    let framing: Framing = "line".parse().unwrap();
    let mut session = Session::new(framing, framing);
    session.receiving.refuse_proxy_header();
    session.watch(Arc::new(Heartbeat::strict(Form::empty())), Role::Server, 0, ms(0));
    session.receiving.on_bytes(b"\r\n", ms(1));
    assert!(matches!(poll(&mut session.receiving), Ok(Received::Wait { .. })));
    assert!(!session.receiving.is_inside_message() && session.receiving.kept_until().is_none());
    session.receiving.on_bytes(&V2[2..], ms(500));
    assert_eq!(poll(&mut session.receiving).unwrap_err(), ProxyHeader::Version2.to_string());
}

#[test]
fn a_side_that_dials_takes_a_header_as_data() {
    let mut receiving: Receiving<Framing> = Receiving::new("line".parse().unwrap());
    assert_eq!(bring(&mut receiving, &[V1]), Ok(vec![V1[..V1.len() - 2].to_vec()]));
}

#[test]
fn the_error_says_what_was_received_and_what_to_do() {
    let told = ProxyHeader::Version2.to_string();
    assert!(
        told.contains("PROXY protocol header (version 2)") && told.contains("switch the header off at the proxy"),
        "{told}"
    );
}
