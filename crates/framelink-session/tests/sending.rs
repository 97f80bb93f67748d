//! The sending half of a session: messages in, bytes to write out. No socket, no runtime.

use std::time::Duration;

use framelink_profile::{EncodeError, Framing};
use framelink_session::{SendRefused, Sending, Sent, Transmit};

const ZERO: Duration = Duration::ZERO;

fn sending(notation: &str) -> Sending<Framing> {
    Sending::new(notation.parse().unwrap_or_else(|error| panic!("{notation}: {error}")))
}

/// Takes all bytes to write, `size` at a time.
fn drain(sending: &mut Sending<Framing>, size: usize) -> Vec<u8> {
    let mut wire = Vec::new();
    while let Transmit::Write(bytes) = sending.poll() {
        let count = bytes.len().min(size);
        assert!(count > 0, "nothing is no write");
        wire.extend_from_slice(&bytes[..count]);
        sending.on_written(count, ZERO);
    }
    wire
}

/// A notation, and how it writes `hello`.
const FRAMES: &[(&str, &[u8])] = &[
    ("net:2", b"\0\x05hello"),
    ("net:2,suffix=0304", b"\0\x07hello\x03\x04"),
    ("netstring", b"5:hello,"),
    ("line", b"hello\r\n"),
    ("mllp", b"\x0bhello\x1c\x0d"),
    ("fixed:5", b"hello"),
];

#[test]
fn exactly_the_rest_of_a_partly_written_message_is_queued() {
    for &(notation, wire) in FRAMES {
        for written in 0..=wire.len() {
            let mut sending = sending(notation);
            let outgoing = sending.outgoing(b"hello").unwrap();
            assert_eq!(outgoing.parts().concat(), wire, "{notation}");
            assert_eq!(outgoing.frame_len(), wire.len(), "{notation}");
            let ticket = sending.queue_rest(&outgoing, written, ZERO);
            assert_eq!(sending.queued_len(), wire.len() - written, "{notation}, {written} written");
            let is_written = written == wire.len();
            assert_eq!(sending.is_written(ticket), is_written, "{notation}, {written} written");
            assert_eq!(sending.unwritten(), usize::from(!is_written), "{notation}, {written} written");
            assert_eq!(drain(&mut sending, 3), &wire[written..], "{notation}, {written} written");
            assert!(sending.is_written(ticket) && sending.is_empty(), "{notation}, {written} written");
            assert_eq!(sending.poll(), Transmit::Idle, "{notation}, {written} written");
        }
    }
}

#[test]
fn frame_follows_frame_whatever_the_socket_takes() {
    for &(notation, wire) in FRAMES {
        for size in 1..=wire.len() + 1 {
            let mut sending = sending(notation);
            let outgoing = sending.outgoing(b"hello").unwrap();
            let _ = sending.queue_rest(&outgoing, 1, ZERO);
            let _ = sending.queue(b"there").unwrap();
            let mut out = wire[..1].to_vec();
            let Transmit::Write(bytes) = sending.poll() else { panic!() };
            let count = bytes.len().min(size);
            out.extend_from_slice(&bytes[..count]);
            sending.on_written(count, ZERO);
            // A third message while the first is partly written.
            let _ = sending.queue(b"HELLO").unwrap();
            out.extend(drain(&mut sending, size));
            let there = wire.to_vec();
            let expected = [b"hello", b"there", b"HELLO"].map(|word| {
                let at = there.windows(5).position(|window| window == b"hello").unwrap();
                [&there[..at], &word[..], &there[at + 5..]].concat()
            });
            assert_eq!(out, expected.concat(), "{notation}, {size} bytes at a time");
        }
    }
}

#[test]
fn a_message_that_ends_the_direction_is_followed_by_the_shutdown_and_by_no_other() {
    for written in 0..=5 {
        let mut sending = sending("until-close");
        let outgoing = sending.outgoing(b"hello").unwrap();
        let ticket = sending.queue_rest(&outgoing, written, ZERO);
        assert_eq!(sending.queue(b"more"), Err(SendRefused::Finished));
        assert_eq!(drain(&mut sending, 2), b"hello"[written..]);
        assert!(sending.is_written(ticket));
        assert_eq!(sending.poll(), Transmit::ShutDown, "when all is out, not before");
        assert_eq!(sending.poll(), Transmit::ShutDown, "until it is done");
        sending.on_shut_down();
        assert_eq!(sending.poll(), Transmit::Idle);
        assert_eq!(sending.queue(b"more"), Err(SendRefused::Finished));
        assert_eq!(sending.queued_len(), 0);
    }
}

#[test]
fn finishing_sends_what_is_queued_and_takes_no_more() {
    let mut sending = sending("net:2");
    let _ = sending.queue(b"hello").unwrap();
    sending.finish();
    assert_eq!(sending.queue(b"more"), Err(SendRefused::Finished));
    sending.on_shut_down();
    assert_eq!(drain(&mut sending, 100), b"\0\x05hello");
    sending.finish();
    sending.on_shut_down();
    assert_eq!(sending.poll(), Transmit::Idle);
    assert_eq!(sending.queue(b"more"), Err(SendRefused::Finished));
    let text = SendRefused::<EncodeError>::Finished.to_string();
    assert_eq!(text, "our side of the connection has ended, no message can follow");
}

#[test]
fn a_refused_message_leaves_no_byte_and_others_may_follow() {
    let mut sending = sending("ascii:2");
    let refused = sending.queue(&[0; 100]).unwrap_err();
    assert_eq!(refused.to_string(), "payload is 100 bytes, the header can announce at most 99");
    assert_eq!(sending.poll(), Transmit::Idle);
    let _ = sending.queue(b"ok").unwrap();
    assert_eq!(drain(&mut sending, 9), b"02ok");
}

#[test]
fn each_message_reports_what_the_peer_may_have_seen() {
    let mut sending = sending("net:2");
    let first = sending.queue(b"one").unwrap();
    let second = sending.queue(b"two").unwrap();
    let states =
        |sending: &Sending<Framing>| [first, second].map(|ticket| (sending.sent(ticket), sending.is_written(ticket)));
    for written in 0..=10_usize {
        let of_first = if written == 0 { Sent::Not } else { Sent::Perhaps };
        let of_second = if written <= 5 { Sent::Not } else { Sent::Perhaps };
        assert_eq!(states(&sending), [(of_first, written >= 5), (of_second, written >= 10)], "{written} bytes written");
        assert_eq!(
            sending.unwritten(),
            usize::from(written < 5) + usize::from(written < 10),
            "{written} bytes written"
        );
        sending.on_written(1, ZERO);
    }
    assert_eq!(
        [Sent::Not, Sent::Perhaps, Sent::NoReply].map(|sent| sent.to_string()),
        ["not sent", "perhaps sent", "sent, no reply"]
    );
}

#[test]
fn a_failed_connection_drops_the_queue_and_reports_failure() {
    let mut sending = sending("net:2");
    let first = sending.queue(b"one").unwrap();
    let second = sending.queue(b"two").unwrap();
    sending.on_written(2, ZERO);
    sending.on_failed();
    assert_eq!(sending.poll(), Transmit::Failed, "what was queued never leaves");
    assert_eq!(sending.queued_len(), 0);
    assert_eq!((sending.sent(first), sending.sent(second)), (Sent::Perhaps, Sent::Not));
    assert!(!sending.is_written(first));
    assert_eq!(sending.queue(b"more"), Err(SendRefused::Failed));
    // Neither the end of this side nor a late report of a write changes the state.
    sending.finish();
    sending.on_written(5, ZERO);
    sending.on_shut_down();
    assert_eq!(sending.poll(), Transmit::Failed);
    assert_eq!((sending.sent(second), sending.is_written(first)), (Sent::Not, false));
    assert_eq!(sending.queue(b"more"), Err(SendRefused::Failed));
}

#[test]
fn the_queue_has_room_up_to_64_kib() {
    let mut sending = sending("net:2");
    let mut queued = 0;
    while sending.has_room() {
        assert!(queued < 64 * 1024);
        let _ = sending.queue(&[7; 998]).unwrap();
        queued += 1000;
    }
    assert!(queued >= 64 * 1024);
    assert_eq!(sending.queued_len(), queued);
    sending.on_written(queued - 64 * 1024, ZERO);
    assert!(!sending.has_room());
    sending.on_written(1, ZERO);
    assert!(sending.has_room());
}

#[test]
fn debug_shows_lengths_and_states_and_no_payload() {
    let mut sending = sending("net:2");
    let outgoing = sending.outgoing(b"4111111111111111").unwrap();
    let shown = format!("{outgoing:?}");
    assert!(shown.contains("payload_len: 16, frame_len: 18"), "{shown}");
    let _ = sending.queue_rest(&outgoing, 3, ZERO);
    let all = format!("{shown} {sending:?}");
    assert!(all.contains("queued_len: 15") && all.contains("state: Open") && all.contains("written: 3"), "{all}");
    assert!(!all.contains("4111") && !all.contains("52, 49"), "{all}");
}

#[test]
fn waiting_messages_are_limited_by_number_and_by_bytes() {
    let mut sending = Sending::new("net:2".parse::<Framing>().unwrap());
    sending.limit_messages(2);
    sending.queue(b"a").unwrap();
    assert_eq!((sending.has_room(), sending.messages_left()), (true, 1));
    sending.queue(b"b").unwrap();
    assert_eq!((sending.has_room(), sending.messages_left()), (false, 0), "two wait");
    sending.on_written(2, Duration::ZERO);
    assert!(!sending.has_room(), "half of the first one went");
    sending.on_written(1, Duration::ZERO);
    assert!(sending.has_room());
}

#[test]
fn a_message_that_is_written_in_place_is_the_same_on_the_wire() {
    let kinds = ["net:2", "net:2,counts=self", "net:2,suffix=0304", "varint", "netstring", "line", "mllp", "ascii:4"];
    for notation in kinds {
        let (mut in_place, mut copied) = (sending(notation), sending(notation));
        // The head grows, shrinks and stays.
        for len in [0, 1, 127, 128, 300, 300, 20_000, 5, 5, 0, 9000] {
            let payload = vec![b'a'; len];
            let other = copied.queue(&payload);
            let ticket = in_place.queue_in_place(|reply| reply.extend_from_slice(&payload));
            assert_eq!(ticket.map(|((), ticket)| ticket.unwrap()), other, "{notation}, {len} bytes");
            if len == 300 {
                assert_eq!(in_place.poll(), copied.poll(), "{notation}");
                in_place.on_written(3, ZERO);
                copied.on_written(3, ZERO);
            }
        }
        assert_eq!(in_place.unwritten(), copied.unwritten());
        assert_eq!(drain(&mut in_place, usize::MAX), drain(&mut copied, usize::MAX), "{notation}");
    }
}

#[test]
fn a_message_in_place_that_is_refused_or_skipped_or_panics_leaves_the_queue_as_it_was() {
    let mut sending = sending("net:1");
    sending.queue(b"before").unwrap();
    let refused = sending.queue_in_place(|reply| reply.resize(256, 0));
    assert!(matches!(refused, Err(SendRefused::Encode(EncodeError::Length(_)))), "{refused:?}");
    let ((), ticket) = sending
        .queue_in_place(|reply| {
            reply.push(1);
            reply.skip();
        })
        .unwrap();
    assert_eq!(ticket, None);
    let panics = std::panic::AssertUnwindSafe(|| {
        sending.queue_in_place(|reply| -> () {
            reply.push(1);
            panic!("a panic on purpose")
        })
    });
    assert!(std::panic::catch_unwind(panics).is_err());
    assert_eq!(sending.unwritten(), 1);
    sending.queue_in_place(|reply| reply.extend(*b"after")).unwrap();
    assert_eq!(drain(&mut sending, 3), b"\x06before\x05after");
    assert_eq!(sending.messages_written(), 2);
}

#[test]
fn no_message_in_place_follows_one_that_ends_the_stream() {
    let mut sending = sending("until-close");
    sending.queue_in_place(|reply| reply.extend_from_slice(b"last")).unwrap();
    let refused = sending.queue_in_place(|reply| reply.push(1));
    assert_eq!(refused.map(drop), Err(SendRefused::Finished));
    assert_eq!(drain(&mut sending, usize::MAX), b"last");
    assert_eq!(sending.poll(), Transmit::ShutDown);
}
