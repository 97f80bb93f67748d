//! Messages that are forwarded many at once are those that are forwarded one by one.

use std::time::Duration;

use framelink_codec::Encode;
use framelink_profile::Framing;
use framelink_session::{Received, Receiving, Sending, Transmit};

fn framing(notation: &str) -> Framing {
    notation.parse().expect("a notation")
}

/// One connection to read from, and one to write to.
struct Pair {
    receiving: Receiving<Framing>,
    sending: Sending<Framing>,
}

impl Pair {
    fn new(from: &str, to: &str) -> Self {
        Self { receiving: Receiving::new(framing(from)), sending: Sending::new(framing(to)) }
    }

    /// Passes messages one by one. Returns whether it goes on.
    fn pass_one(&mut self) -> bool {
        if !self.sending.has_room() {
            return false;
        }
        let Ok(Received::Message(place)) = self.receiving.poll_place() else { return false };
        self.sending.queue(&self.receiving.message_at(place)).is_ok()
    }

    /// Writes `most` bytes, and returns them.
    fn write(&mut self, most: usize) -> Vec<u8> {
        let Transmit::Write(bytes) = self.sending.poll() else { return Vec::new() };
        let bytes = bytes[..bytes.len().min(most)].to_vec();
        self.sending.on_written(bytes.len(), Duration::ZERO);
        bytes
    }

    /// What both connections know.
    fn state(&self) -> impl PartialEq + std::fmt::Debug + use<> {
        let (receiving, sending) = (&self.receiving, &self.sending);
        (
            (receiving.messages_received(), receiving.frames_received(), receiving.unfinished().map(|part| part.came)),
            (sending.accepted(), sending.messages_written(), sending.unwritten(), sending.queued_len()),
        )
    }
}

/// The messages of a stream: of many lengths, some of them empty, and one that four digits cannot announce.
fn stream(notation: &str) -> Vec<u8> {
    let framing = framing(notation);
    let mut stream = Vec::new();
    for len in (0..60).chain([300, 5000, 10_000, 3]) {
        let payload: Vec<u8> = (b'a'..=b'z').cycle().take(len).collect();
        // A payload that this framing cannot carry is left out.
        let _ = framing.append_frame(&payload, &mut stream);
    }
    stream
}

/// Passes the stream in both ways, and compares them after each read.
fn compare(from: &str, to: &str, read: usize, prepare: impl Fn(&mut Pair)) {
    let (mut one_by_one, mut at_once) = (Pair::new(from, to), Pair::new(from, to));
    prepare(&mut one_by_one);
    prepare(&mut at_once);
    for (number, bytes) in stream(from).chunks(read).enumerate() {
        for pair in [&mut one_by_one, &mut at_once] {
            pair.receiving.on_bytes(bytes, Duration::ZERO);
        }
        while one_by_one.pass_one() {}
        // What is not forwarded at once is passed one by one, as drivers do.
        while at_once.receiving.forward(&mut at_once.sending, 4096, 64) > 0 || at_once.pass_one() {}
        assert_eq!(one_by_one.state(), at_once.state(), "{from} to {to}, read {number} of {read} bytes");
        let most = if number % 3 == 0 { 7 } else { usize::MAX };
        assert!(one_by_one.write(most) == at_once.write(most), "{from} to {to}, read {number} of {read} bytes");
    }
    let [one, other] = [one_by_one, at_once].map(|mut pair| pair.receiving.poll_place().map(|_| ()));
    assert_eq!(one, other, "{from} to {to}");
}

const FRAMINGS: [&str; 6] = ["net:4", "ascii:4", "bcd:2,counts=self", "line", "between:02..03", "net:2,suffix=03"];

#[test]
fn messages_forwarded_at_once_are_those_forwarded_one_by_one() {
    for from in FRAMINGS {
        for to in FRAMINGS {
            for read in [5, 61, 500, 1 << 20] {
                compare(from, to, read, |_| {});
            }
        }
    }
}

#[test]
fn limits_of_queue_and_empty_messages_hold() {
    for from in ["net:4", "line"] {
        compare(from, "ascii:4", 5000, |pair| pair.sending.limit_queue(100));
        compare(from, "ascii:4", 5000, |pair| pair.sending.limit_messages(3));
        compare(from, "ascii:4", 5000, |pair| pair.receiving.limit_empty(0));
        compare(from, "ascii:4", 5000, |pair| pair.sending.finish());
    }
}

#[test]
fn large_messages_and_more_than_the_most_are_left() {
    let mut pair = Pair::new("net:2", "net:2");
    pair.receiving.on_bytes(b"\0\x01a\0\x01b\0\x04long\0\x01c", Duration::ZERO);
    assert_eq!(pair.receiving.forward(&mut pair.sending, 4, 1), 1);
    assert_eq!(pair.receiving.forward(&mut pair.sending, 4, 9), 1);
    assert_eq!(pair.receiving.forward(&mut pair.sending, 4, 9), 0);
    assert_eq!(pair.receiving.forward(&mut pair.sending, 5, 9), 2);
    assert_eq!(pair.write(99), b"\0\x01a\0\x01b\0\x04long\0\x01c");
}

#[test]
fn nothing_is_forwarded_at_once_from_a_connection_whose_messages_mean_more() {
    let mut requests = Pair::new("net:2", "net:2");
    requests.receiving.take_requests(true);
    requests.receiving.on_bytes(b"\0\x01a", Duration::ZERO);
    assert_eq!(requests.receiving.forward(&mut requests.sending, 4, 9), 0);
    assert!(requests.pass_one());
}
