//! The receiving half of a session: bytes and time in, messages out. No socket, no runtime.

use std::sync::Arc;
use std::time::Duration;

use framelink_codec::{Decode, Decoded, End, EndedBy, Ends, Fault, Frame, Need};
use framelink_heartbeat::{Form, Heartbeat, Role};
use framelink_profile::{Framing, FramingPair};
use framelink_session::{Received, Receiving, Session};

const ZERO: Duration = Duration::ZERO;

fn receiving(notation: &str) -> Receiving<Framing> {
    Receiving::new(notation.parse().unwrap_or_else(|error| panic!("{notation}: {error}")))
}

fn ms(time: u64) -> Duration {
    Duration::from_millis(time)
}

/// Delivers bytes as reads do, each into the offered space.
fn read(receiving: &mut Receiving<Framing>, mut bytes: &[u8], now: Duration) {
    while !bytes.is_empty() {
        let space = receiving.space();
        let count = space.len().min(bytes.len());
        assert!(count > 0, "a read is offered space");
        space[..count].copy_from_slice(&bytes[..count]);
        receiving.on_read(count, now);
        bytes = &bytes[count..];
    }
}

/// Returns all whole messages.
fn take(receiving: &mut Receiving<Framing>) -> Vec<Vec<u8>> {
    let mut messages = Vec::new();
    while let Ok(Received::Message(message)) = receiving.poll() {
        messages.push(message.to_vec());
    }
    messages
}

fn waits_until(receiving: &mut Receiving<Framing>) -> Option<Duration> {
    match receiving.poll() {
        Ok(Received::Wait { until }) => until,
        other => panic!("expected to wait, got {other:?}"),
    }
}

fn is_closed(receiving: &mut Receiving<Framing>) -> bool {
    matches!(receiving.poll(), Ok(Received::Closed))
}

type Messages = [&'static [u8]; 3];

/// A notation, a stream, and the messages in it. One message is empty if the framing allows it.
const STREAMS: &[(&str, &[u8], Messages)] = &[
    ("net:2", b"\0\x05hello\0\0\0\x03and", [b"hello", b"", b"and"]),
    ("ascii:4", b"0005hello00000003and", [b"hello", b"", b"and"]),
    ("bcd:2", b"\0\x05hello\0\0\0\x03and", [b"hello", b"", b"and"]),
    ("netstring", b"5:hello,0:,3:and,", [b"hello", b"", b"and"]),
    ("net:2,suffix=03", b"\0\x06hello\x03\0\x01\x03\0\x04and\x03", [b"hello", b"", b"and"]),
    ("line", b"hello\r\n\r\nand\n", [b"hello", b"", b"and"]),
    ("mllp", b"\x0bhello\x1c\x0d\x0b\x1c\x0d\x0band\x1c\x0d", [b"hello", b"", b"and"]),
    ("fixed:3", b"hiyhoyand", [b"hiy", b"hoy", b"and"]),
];

#[test]
fn messages_are_the_same_however_the_bytes_are_cut() {
    for &(notation, wire, messages) in STREAMS {
        for first in 0..=wire.len() {
            for second in first..=wire.len() {
                let mut receiving = receiving(notation);
                let mut came = Vec::new();
                for piece in [&wire[..first], &wire[first..second], &wire[second..]] {
                    read(&mut receiving, piece, ZERO);
                    came.extend(take(&mut receiving));
                }
                assert_eq!(came, messages, "{notation}: cut at {first} and {second}");
                assert_eq!(waits_until(&mut receiving), None, "{notation}");
                receiving.on_closed();
                assert!(
                    is_closed(&mut receiving) && is_closed(&mut receiving),
                    "{notation}: closed, and that stays so"
                );
            }
        }
    }
}

#[test]
fn a_message_longer_than_any_read_comes_whole_and_the_next_one_behind_it() {
    let long: Vec<u8> = (0..300_000_u32).map(|i| (i % 251) as u8).collect();
    let mut wire = [&300_000_u32.to_be_bytes()[..], &long].concat();
    wire.extend_from_slice(b"\0\0\0\x03and");
    for size in [1, 1000, 65_536, 1 << 20] {
        let mut receiving = receiving("net:4");
        let mut came = Vec::new();
        for piece in wire.chunks(size) {
            read(&mut receiving, piece, ZERO);
            came.extend(take(&mut receiving));
        }
        assert!(came == [&long[..], b"and"], "in pieces of {size}");
    }
}

#[test]
fn the_quiet_deadline_moves_with_each_read() {
    let mut receiving = receiving("quiet:50ms");
    assert_eq!(waits_until(&mut receiving), None, "before the first byte silence means nothing");
    receiving.on_deadline(ms(1000));
    assert_eq!(waits_until(&mut receiving), None);
    for at in [10, 40, 85] {
        read(&mut receiving, b"x", ms(at));
        assert_eq!(waits_until(&mut receiving), Some(ms(at + 50)));
        receiving.on_deadline(ms(at + 49));
        assert_eq!(waits_until(&mut receiving), Some(ms(at + 50)), "before the deadline nothing changes");
    }
    receiving.on_deadline(ms(135));
    let Ok(Received::Message(message)) = receiving.poll() else { panic!() };
    assert_eq!((&message[..], message.ended_by()), (&b"xxx"[..], EndedBy::Quiet));
    assert_eq!(waits_until(&mut receiving), None, "what was taken owes nothing");
}

#[test]
fn bytes_from_elsewhere_begin_the_silence_as_a_read_does() {
    let mut receiving = receiving("quiet:50ms");
    receiving.on_bytes(b"hi", ms(1000));
    assert_eq!(waits_until(&mut receiving), Some(ms(1050)));
    receiving.on_deadline(ms(1049));
    assert_eq!(waits_until(&mut receiving), Some(ms(1050)));
    receiving.on_deadline(ms(1050));
    assert_eq!(take(&mut receiving), [b"hi"]);
}

#[test]
fn received_bytes_are_handled_before_the_clock() {
    let mut receiving = receiving("quiet:50ms");
    read(&mut receiving, b"one", ms(0));
    assert_eq!(waits_until(&mut receiving), Some(ms(50)));
    // The program was stopped for a minute. Bytes that arrived meanwhile are handled before the clock.
    read(&mut receiving, b" message", ms(60_000));
    receiving.on_deadline(ms(60_000));
    assert_eq!(waits_until(&mut receiving), Some(ms(60_050)));
    receiving.on_deadline(ms(60_050));
    assert_eq!(take(&mut receiving), [b"one message"]);
    // The deadline passed, but bytes arrived before the application asked for the message.
    read(&mut receiving, b"two", ms(60_100));
    receiving.on_deadline(ms(60_200));
    read(&mut receiving, b" more", ms(60_200));
    assert_eq!(waits_until(&mut receiving), Some(ms(60_250)));
}

#[test]
fn silence_does_not_end_frames_with_a_length() {
    for notation in ["net:2", "line", "until-close", "fixed:9"] {
        let mut receiving = receiving(notation);
        read(&mut receiving, b"\0\x05he", ms(0));
        assert_eq!(waits_until(&mut receiving), None, "{notation}");
        receiving.on_deadline(ms(1_000_000));
        assert_eq!(waits_until(&mut receiving), None, "{notation}");
    }
}

#[test]
fn a_quiet_message_ends_with_the_close_too() {
    let mut receiving = receiving("quiet:50ms");
    read(&mut receiving, b"hi", ZERO);
    receiving.on_closed();
    let Ok(Received::Message(message)) = receiving.poll() else { panic!() };
    assert_eq!((&message[..], message.ended_by()), (&b"hi"[..], EndedBy::Close));
    assert!(is_closed(&mut receiving));
}

#[test]
fn each_read_is_offered_the_limit_and_is_a_message() {
    for (notation, offered) in [("each-read", 16 * 1024), ("each-read,max=10", 10), ("each-read,max=1MiB", 1 << 20)] {
        let mut receiving = receiving(notation);
        for message in [&b"one"[..], b"another", b"x"] {
            assert_eq!(receiving.space().len(), offered, "{notation}");
            read(&mut receiving, message, ZERO);
            let Ok(Received::Message(came)) = receiving.poll() else { panic!("{notation}") };
            assert_eq!((&came[..], came.ended_by()), (message, EndedBy::Read), "{notation}");
            assert_eq!(waits_until(&mut receiving), None, "{notation}");
        }
        assert_eq!(receiving.space().len(), offered, "{notation}");
        receiving.on_closed();
        assert!(is_closed(&mut receiving), "{notation}");
    }
}

#[test]
fn until_close_makes_one_message_of_all_bytes() {
    let mut receiving = receiving("until-close,max=10");
    for piece in [&b"one"[..], b" two"] {
        read(&mut receiving, piece, ZERO);
        assert_eq!(waits_until(&mut receiving), None);
    }
    receiving.on_closed();
    let Ok(Received::Message(message)) = receiving.poll() else { panic!() };
    assert_eq!((&message[..], message.ended_by()), (&b"one two"[..], EndedBy::Close));
    assert!(is_closed(&mut receiving) && is_closed(&mut receiving));
}

#[test]
fn a_close_before_the_first_byte_is_no_message() {
    for notation in ["until-close", "quiet:1s", "each-read", "net:2", "line"] {
        let mut receiving = receiving(notation);
        receiving.on_closed();
        assert!(is_closed(&mut receiving) && is_closed(&mut receiving), "{notation}");
    }
}

#[test]
fn closed_inside_a_frame_is_a_fault_with_counts_again_and_again() {
    for &(notation, wire, _) in STREAMS {
        // The length of the first frame alone: with its last byte, a message is whole.
        let first = (1..).find(|&len| {
            let mut receiving = receiving(notation);
            read(&mut receiving, &wire[..len], ZERO);
            !take(&mut receiving).is_empty()
        });
        for cut in 1..first.unwrap() {
            let mut receiving = receiving(notation);
            read(&mut receiving, &wire[..cut], ZERO);
            receiving.on_closed();
            let fault = receiving.poll().expect_err(notation);
            let Fault::Truncated { came, missing, .. } = fault else { panic!("{notation}: {fault}") };
            assert_eq!(came, cut, "{notation}");
            assert!((1..=first.unwrap() - cut).contains(&missing), "{notation}: {missing} after {cut} bytes");
            for _ in 0..3 {
                assert_eq!(receiving.poll().expect_err(notation), fault, "{notation}");
            }
            // More bytes do not repair the stream.
            read(&mut receiving, wire, ZERO);
            assert_eq!(receiving.poll().expect_err(notation), fault, "{notation}");
        }
    }
}

#[test]
fn whole_messages_are_delivered_before_the_fault() {
    for (notation, wire) in [
        ("ascii:4", &b"0002one0"[..]),
        ("ascii:4", b"0002on0002tw0x00"),
        ("net:1", b"\x02on\x02tw\x05th"),
        ("line,max=2", b"on\r\ntw\nthree"),
        ("mllp", b"\x0bon\x1c\x0d\x0btw\x1c\x0dthree"),
    ] {
        for size in [1, 3, wire.len()] {
            let mut receiving = receiving(notation);
            let mut came = Vec::new();
            for piece in wire.chunks(size) {
                read(&mut receiving, piece, ZERO);
                came.extend(take(&mut receiving));
            }
            receiving.on_closed();
            came.extend(take(&mut receiving));
            let whole: &[&[u8]] = if wire.starts_with(b"0002one") { &[b"on"] } else { &[b"on", b"tw"] };
            assert_eq!(came, whole, "{notation} in pieces of {size}");
            let fault = receiving.poll().expect_err(notation);
            assert_eq!(receiving.poll().expect_err(notation), fault, "{notation} in pieces of {size}");
        }
    }
}

#[test]
fn a_fault_stays_after_the_buffer_is_empty() {
    let mut receiving = receiving("ascii:4");
    read(&mut receiving, b"oops", ZERO);
    let fault = receiving.poll().unwrap_err();
    receiving.discard();
    receiving.release();
    assert_eq!(receiving.poll().unwrap_err(), fault);
    assert_eq!(fault.to_string(), "header byte 0 is 0x6f, expected an ASCII digit");
}

#[test]
fn an_unfinished_message_is_described_and_a_whole_one_is_not() {
    let mut receiving = receiving("net:2");
    assert_eq!(receiving.unfinished(), None);
    read(&mut receiving, b"\0\x05hel", ZERO);
    assert_eq!(waits_until(&mut receiving), None);
    let unfinished = receiving.unfinished().unwrap();
    assert_eq!((unfinished.came, unfinished.missing), (5, 2));
    assert!(receiving.is_inside_message());
    read(&mut receiving, b"lo", ZERO);
    assert_eq!(take(&mut receiving), [b"hello"]);
    assert_eq!((receiving.unfinished(), receiving.is_inside_message()), (None, false));
}

#[test]
fn each_direction_is_cut_by_its_own_framing() {
    let framing: FramingPair = FramingPair { receive: "line".parse().unwrap(), send: "net:2".parse().unwrap() };
    let mut receiving = Receiving::new(framing);
    receiving.on_bytes(b"hello\r\n\0\x05", ZERO);
    assert!(matches!(receiving.poll(), Ok(Received::Message(message)) if &message[..] == b"hello"));
    assert!(matches!(receiving.poll(), Ok(Received::Wait { .. })));
}

#[test]
fn debug_shows_lengths_and_times_and_no_payload() {
    let mut receiving = receiving("quiet:50ms");
    read(&mut receiving, b"4111111111111111", ms(7));
    let shown = format!("{receiving:?}");
    assert!(shown.contains("len: 16") && shown.contains("heard_at: 7ms"), "{shown}");
    assert!(!shown.contains("4111") && !shown.contains("52, 49"), "{shown}");
    receiving.on_deadline(ms(57));
    let shown = format!("{:?}", receiving.poll().unwrap());
    assert_eq!(shown, "Message(Message { payload_len: 16, ended_by: Quiet })");
}

/// A framing that ends messages with silence, but only after four bytes.
struct FourAtLeast;

impl Decode for FourAtLeast {
    type Error = std::convert::Infallible;

    fn decode(&self, input: &[u8], _: usize, end: Option<End>) -> Result<Decoded, Self::Error> {
        let frame_len = input.len();
        Ok(match end {
            Some(_) if frame_len >= 4 => {
                Decoded::Frame(Frame { payload_start: 0, payload_end: frame_len, frame_len, ended_by: EndedBy::Quiet })
            }
            _ => Decoded::Incomplete(Need { missing: 1, looked_at: 0 }),
        })
    }

    fn ends(&self) -> Ends {
        Ends::Quiet(ms(50))
    }
}

/// A deadline that stays in the past would make every driver spin.
#[test]
fn a_silence_that_ends_nothing_is_over() {
    let mut receiving = Receiving::new(FourAtLeast);
    receiving.on_bytes(b"ab", ms(10));
    assert!(matches!(receiving.poll(), Ok(Received::Wait { until: Some(at) }) if at == ms(60)));
    receiving.on_deadline(ms(60));
    assert!(matches!(receiving.poll(), Ok(Received::Wait { until: None })));
    receiving.on_bytes(b"cd", ms(70));
    assert!(matches!(receiving.poll(), Ok(Received::Wait { until: Some(at) }) if at == ms(120)));
    receiving.on_deadline(ms(120));
    assert!(matches!(receiving.poll(), Ok(Received::Message(message)) if &message[..] == b"abcd"));
}

#[test]
fn the_time_of_a_waiting_message_starts_when_the_application_asks_for_it() {
    let mut receiving = receiving("net:2");
    receiving.limit_frame(ms(100));
    receiving.on_bytes(b"\0\x01a\0\x05he", ms(10));
    assert!(matches!(receiving.poll(), Ok(Received::Message(_))));
    assert_eq!(receiving.overdue_at(), Some((ms(110), ms(100))));
    assert!(receiving.wants_asking());
    receiving.on_asked(ms(500));
    assert_eq!(receiving.overdue_at(), Some((ms(600), ms(100))));
    // The time restarts only once, so a slow sender cannot extend it for ever.
    receiving.on_asked(ms(550));
    receiving.on_bytes(b"l", ms(550));
    assert!(!receiving.wants_asking());
    assert_eq!(receiving.overdue_at(), Some((ms(600), ms(100))));
}

#[test]
fn a_preamble_has_a_limit_of_its_own_or_that_of_the_first_message() {
    let mut receiving = receiving("net:2");
    receiving.expect_preamble(b"HELLO");
    assert_eq!(receiving.overdue_at(), None);
    receiving.limit_first(ms(100));
    assert_eq!(receiving.overdue_at(), Some((ms(100), ms(100))));
    receiving.limit_preamble(ms(50));
    receiving.on_bytes(b"HEL", ms(10));
    assert!(!receiving.poll_preamble().unwrap());
    assert_eq!(receiving.overdue_at(), Some((ms(50), ms(50))), "dribbling does not help");
    receiving.on_bytes(b"LO", ms(20));
    assert!(receiving.poll_preamble().unwrap());
    assert_eq!(receiving.overdue_at(), Some((ms(100), ms(100))));
}

/// A stranger tries to hold a connection with empty frames, with or without pauses.
#[test]
fn heartbeats_do_not_count_as_a_first_message() {
    for longer in [None, Some(ms(1000))] {
        let mut session = watched();
        let receiving = &mut session.receiving;
        receiving.limit_first(ms(100));
        receiving.limit_frame(ms(50));
        if let Some(longer) = longer {
            receiving.limit_first_request(longer);
        }
        assert_eq!(receiving.overdue_at(), Some((ms(100), ms(100))), "a peer that says nothing has no more time");
        receiving.on_bytes(b"\0\0", ms(10));
        assert!(matches!(receiving.poll(), Ok(Received::Wait { .. })));
        let limit = longer.unwrap_or(ms(100));
        assert_eq!(receiving.overdue_at(), Some((limit, limit)));
        // A message that began in time may be finished. After it, the limit is gone for good.
        let mut late = limit - ms(1);
        receiving.on_bytes(b"\0\0\0", late);
        assert!(matches!(receiving.poll(), Ok(Received::Wait { .. })));
        assert_eq!(receiving.overdue_at(), Some((late + ms(50), ms(50))));
        // Heartbeats without pauses do not avoid the limit.
        for _ in 0..3 {
            late += ms(40);
            receiving.on_bytes(b"\0\0", late);
            assert!(matches!(receiving.poll(), Ok(Received::Wait { .. })));
            assert_eq!(receiving.overdue_at(), Some((limit, limit)), "the next one began too late");
        }
        receiving.on_bytes(b"\x01a", late);
        assert!(matches!(receiving.poll(), Ok(Received::Message(_))));
        assert_eq!(receiving.overdue_at(), None);
        receiving.on_bytes(b"\0\0", late + ms(5000));
        assert!(matches!(receiving.poll(), Ok(Received::Wait { .. })));
        assert_eq!(receiving.overdue_at(), None, "it is known");
    }
}

/// Empty frames are heartbeats.
fn watched() -> Session<Framing, Framing> {
    let framing: Framing = "net:2".parse().expect("a notation");
    let mut session = Session::new(framing, framing);
    session.watch(Arc::new(Heartbeat::strict(Form::empty())), Role::Server, 0, Duration::ZERO);
    session
}

#[test]
fn the_report_of_an_overdue_message_names_the_guess() {
    for (notation, bytes, guess) in [
        ("mllp", &b"\x0bMSH\x1c\xff"[..], "the end of a message has 0xff at offset 5, expected 0x0d"),
        ("net:2", b"0012hello, world", "the length field is the ASCII digits \"00\""),
        ("net:2", b"\xf0\xf5hello", "the length field is the EBCDIC digits \"05\""),
        ("net:2", b"\x05\0hello\x02\0hi", "in the other byte order the length field says 5, which fits"),
        ("net:2", b"\0\x12hello, world", "read as packed BCD the length field says 12, which fits"),
        (
            "net:2",
            b"<34>su: failed\n",
            "the bytes begin like a syslog message without its length (does the peer end messages",
        ),
    ] {
        let mut receiving = receiving(notation);
        read(&mut receiving, bytes, ZERO);
        assert!(matches!(receiving.poll(), Ok(Received::Wait { .. })), "{notation}: {bytes:02x?}");
        let said = receiving.unfinished().unwrap().to_string();
        assert!(said.contains(&format!("; {guess}")), "{notation}: {bytes:02x?}: {said}");
    }
}

#[test]
fn heartbeats_are_taken_and_the_message_behind_them_stays() {
    let framing: Framing = "net:2".parse().unwrap();
    let mut session = Session::new(framing, framing);
    session.watch(Arc::new("empty,interval=1s".parse().unwrap()), Role::Client, 0, ZERO);
    let receiving = &mut session.receiving;
    read(receiving, b"\0\0\0\0\0\x02", ZERO);
    assert!(!receiving.take_heartbeats().unwrap(), "two heartbeats, and the beginning of a message");
    read(receiving, b"hi\0\0", ZERO);
    for _ in 0..2 {
        assert!(receiving.take_heartbeats().unwrap(), "it stays");
    }
    assert!(matches!(receiving.poll().unwrap(), Received::Message(message) if &message[..] == b"hi"));
    assert!(!receiving.take_heartbeats().unwrap());
    assert_eq!((receiving.frames_received(), receiving.is_inside_message()), (4, false));
}
