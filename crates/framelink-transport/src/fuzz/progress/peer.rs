//! The other side of a connection: the frames that it sends, and how it reads the bytes that it receives.

use std::collections::VecDeque;

/// The peer's probe, and its answer to ours.
pub(super) const PROBE: &[u8] = b"PING";
pub(super) const ANSWER: &[u8] = b"PONG";
/// The first byte of a message that is no reply, of a request, and of a reply. The second byte is the key.
pub(super) const OTHER: u8 = b'n';
pub(super) const REQUEST: u8 = b'r';
const REPLY: u8 = b'R';
/// A key that no request has.
pub(super) const NO_KEY: u8 = 0xFF;

pub(super) fn message(kind: u8, key: u8, len: usize) -> Vec<u8> {
    let mut message = vec![b'.'; len.max(2)];
    (message[0], message[1]) = (kind, key);
    message
}

/// The frames that were received: two bytes of length, then the payload.
#[derive(Debug, Default)]
pub(super) struct Received {
    head: [u8; 2],
    start: [u8; 4],
    /// How many bytes of the frame have arrived.
    len: usize,
    /// The requests that were not answered.
    pub(super) requests: VecDeque<u8>,
    /// How many probes were not answered.
    pub(super) probes: usize,
}

impl Received {
    pub(super) fn take(&mut self, mut bytes: &[u8]) {
        while let Some((&byte, rest)) = bytes.split_first() {
            match self.len {
                0 | 1 => self.head[self.len] = byte,
                2..=5 => self.start[self.len - 2] = byte,
                _ => {}
            }
            let frame_len = 2 + usize::from(u16::from_be_bytes(self.head));
            if self.len < 6 {
                self.len += 1;
                bytes = rest;
            } else {
                let count = bytes.len().min(frame_len - self.len);
                self.len += count;
                bytes = &bytes[count..];
            }
            if self.len >= 2 && self.len == frame_len {
                self.whole(frame_len - 2);
            }
        }
    }

    /// Returns whether a frame has begun to arrive and is not whole.
    pub(super) const fn is_inside_frame(&self) -> bool {
        self.len > 0
    }

    fn whole(&mut self, len: usize) {
        self.len = 0;
        match &self.start[..len.min(4)] {
            PROBE => self.probes += 1,
            ANSWER => {}
            &[REQUEST, key, ..] => self.requests.push_back(key),
            &[_, _, ..] => {}
            short => panic!("a frame of {} bytes, which was never sent", short.len()),
        }
    }
}

/// Returns the header of the payload's frame.
pub(super) fn header(payload: &[u8]) -> [u8; 2] {
    u16::try_from(payload.len()).expect("a short message").to_be_bytes()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flood {
    Messages,
    Probes,
    Answers,
}

pub(super) fn flooding(flood: Flood) -> &'static [u8] {
    match flood {
        Flood::Messages => &[OTHER, NO_KEY, b'.'],
        Flood::Probes => PROBE,
        Flood::Answers => ANSWER,
    }
}

/// Makes a reply to the request with this key.
pub(super) fn reply(key: u8, len: usize) -> Vec<u8> {
    message(REPLY, key, len)
}
