//! Messages that are read where they lie in the buffer: the same messages as those that are taken out.

use std::sync::Arc;
use std::time::Duration;

use framelink_heartbeat::{Form, Heartbeat, Role};
use framelink_profile::Framing;
use framelink_session::{Received, Receiving, Session};

const ZERO: Duration = Duration::ZERO;

/// A notation, and a stream with heartbeats (empty messages) between its messages.
const STREAMS: &[(&str, &[u8])] = &[
    ("net:2", b"\0\x05hello\0\0\0\x03and\0\0\0\0\0\x01!\0\x04more"),
    ("ascii:4", b"0005hello00000003and000000000001!0004more"),
    ("netstring", b"5:hello,0:,3:and,0:,0:,1:!,4:more,"),
    ("line", b"hello\r\n\r\nand\n\n\n!\r\nmore\r\n"),
    ("net:2,suffix=03", b"\0\x06hello\x03\0\x01\x03\0\x04and\x03\0\x02!\x03\0\x05more\x03"),
];

fn session(notation: &str, beats: bool) -> Session<Framing, Framing> {
    let framing: Framing = notation.parse().expect("a notation");
    let mut session = Session::new(framing, framing);
    if beats {
        session.watch(Arc::new(Heartbeat::strict(Form::empty())), Role::Client, u32::MAX, ZERO);
    }
    session
}

/// How the messages are delivered.
#[derive(Clone, Copy, Debug)]
enum Way {
    TakenOut,
    Borrowed,
    /// One way after the other, as the bits say.
    Mixed(u32),
}

impl Way {
    fn is_borrowed(self, at: usize) -> bool {
        match self {
            Self::TakenOut => false,
            Self::Borrowed => true,
            Self::Mixed(bits) => bits >> (at % 32) & 1 == 1,
        }
    }
}

/// Reads the pieces, and all whole messages after each.
fn messages(receiving: &mut Receiving<Framing>, pieces: &[&[u8]], way: Way) -> Vec<Vec<u8>> {
    let mut messages = Vec::new();
    for piece in pieces {
        receiving.on_bytes(piece, ZERO);
        loop {
            let received = if way.is_borrowed(messages.len()) {
                match receiving.poll_place().expect("frames") {
                    Received::Message(place) => Some(receiving.message_at(place).to_vec()),
                    _ => None,
                }
            } else {
                match receiving.poll().expect("frames") {
                    Received::Message(message) => Some(message.to_vec()),
                    _ => None,
                }
            };
            match received {
                Some(message) => messages.push(message),
                None => break,
            }
        }
        // As a driver does that finds nothing more to read.
        receiving.release();
    }
    messages
}

#[test]
fn messages_are_the_same_however_the_stream_is_cut_and_however_they_are_delivered() {
    for &(notation, wire) in STREAMS {
        for beats in [false, true] {
            let expected = messages(&mut session(notation, beats).receiving, &[wire], Way::TakenOut);
            assert!(expected.len() >= 4, "{notation}: {expected:?}");
            for way in [Way::Borrowed, Way::Mixed(0x5555_5555), Way::Mixed(0xb6db_6db6)] {
                for cut in 0..=wire.len() {
                    let (first, second) = wire.split_at(cut);
                    let mut session = session(notation, beats);
                    let came = messages(&mut session.receiving, &[first, second], way);
                    assert_eq!(came, expected, "{notation}, beats: {beats}, {way:?}, cut at {cut}");
                    assert_eq!(session.receiving.messages_received(), expected.len() as u64);
                }
                let bytes: Vec<&[u8]> = wire.chunks(1).collect();
                assert_eq!(messages(&mut session(notation, beats).receiving, &bytes, way), expected);
            }
        }
    }
}

/// Any sizes of pieces and any mixture of deliveries, chosen by a small generator of random numbers.
#[test]
fn property_any_pieces_and_any_mixture_deliver_the_same_messages() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).expect("small")
    };
    for _ in 0..200 {
        let sizes: Vec<usize> =
            (0..12).map(|_| [random(3), random(40), random(5000), random(200_000)][random(4)]).collect();
        let sent: Vec<Vec<u8>> =
            sizes.iter().map(|&size| vec![u8::try_from(size % 251).expect("a byte"); size]).collect();
        let mut wire = Vec::new();
        for payload in &sent {
            wire.extend_from_slice(&u32::try_from(payload.len()).expect("short").to_be_bytes());
            wire.extend_from_slice(payload);
        }
        let mut pieces = Vec::new();
        let mut rest = &wire[..];
        while !rest.is_empty() {
            let (piece, later) = rest.split_at((1 + random(70_000)).min(rest.len()));
            pieces.push(piece);
            rest = later;
        }
        let mut receiving = Receiving::new("net:4".parse::<Framing>().expect("a notation"));
        let way = Way::Mixed(u32::try_from(random(1 << 31)).expect("31 bits"));
        assert!(messages(&mut receiving, &pieces, way) == sent, "{sizes:?}, {way:?}");
    }
}

#[test]
fn a_large_borrowed_message_can_be_read_in_place_or_taken_out_without_a_copy() {
    let payload = vec![7; 200 * 1024];
    let wire = [&u32::try_from(payload.len()).expect("short").to_be_bytes()[..], &payload, b"\0\0\0\x02hi"].concat();
    let mut receiving = Receiving::new("net:4".parse::<Framing>().expect("a notation"));
    receiving.on_bytes(&wire, ZERO);
    let Received::Message(place) = receiving.poll_place().expect("a frame") else { panic!() };
    let at = receiving.message_at(place).as_ptr();
    assert!(receiving.message_at(place)[..] == payload);
    let message = receiving.take_at(place);
    assert!(message[..] == payload);
    assert_eq!(message.as_ptr(), at, "the buffer is handed over");
    let Received::Message(place) = receiving.poll_place().expect("a frame") else { panic!() };
    assert_eq!(&receiving.message_at(place)[..], b"hi", "the message behind it");
}

#[test]
fn a_place_that_is_used_too_late_shows_no_bytes_and_does_not_panic() {
    let mut receiving = Receiving::new("net:2".parse::<Framing>().expect("a notation"));
    receiving.on_bytes(b"\0\x05hello", ZERO);
    let Received::Message(place) = receiving.poll_place().expect("a frame") else { panic!() };
    receiving.release();
    assert_eq!(&receiving.message_at(place)[..], b"");
    assert_eq!(receiving.take_at(place).len(), 0);
}
