//! Reads bytes as a schedule: the acts of the peer and of the application, and their times.

use std::time::Duration;

use super::operation::Operation;
use super::peer::Flood;

/// One step of a schedule.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    Peer(Change),
    Wait(Duration),
    /// The peer sends without end while time passes.
    Flood(Flood, Duration),
    GiveUp(usize),
    Begin(Operation),
}

/// An act of the peer.
#[derive(Clone, Copy, Debug)]
pub(super) enum Change {
    /// Sends a message that is no reply. It arrives at once, or stays on its way.
    Message {
        len: usize,
        arrives: bool,
    },
    Probe {
        arrives: bool,
    },
    Answer,
    /// Replies to one of the requests that it has received.
    Reply {
        which: usize,
        len: usize,
        arrives: bool,
    },
    /// This many of the bytes that are on their way arrive.
    Deliver(usize),
    /// The socket takes this many more bytes.
    Open(usize),
    HalfClose,
    Reset,
}

/// The steps of a schedule, two bytes each.
#[derive(Default)]
pub(super) struct Steps<'d>(&'d [u8]);

impl<'d> Steps<'d> {
    pub(super) const fn new(data: &'d [u8]) -> Self {
        Self(data)
    }

    /// Returns the next step that is not [`Step::Begin`].
    pub(super) fn next_meanwhile(&mut self) -> Option<Step> {
        let before = self.0;
        let step = self.next()?;
        if matches!(step, Step::Begin(_)) {
            self.0 = before;
            return None;
        }
        Some(step)
    }
}

impl Iterator for Steps<'_> {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        let (&[what, how], rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(step(what, how))
    }
}

fn step(what: u8, how: u8) -> Step {
    let arrives = how >= 64;
    match what % 32 {
        0 | 1 => Step::Peer(Change::Message { len: len(how), arrives }),
        2 | 3 => Step::Peer(Change::Probe { arrives }),
        4 => Step::Peer(Change::Answer),
        5..=7 => Step::Peer(Change::Reply { which: usize::from(what >> 5), len: len(how), arrives }),
        8..=10 => Step::Peer(Change::Deliver(amount(how))),
        11..=13 => Step::Peer(Change::Open(amount(how))),
        14 if how < 80 => Step::Peer(Change::HalfClose),
        14 if how < 100 => Step::Peer(Change::Reset),
        14..=17 => Step::Wait(time(how)),
        18 => Step::Flood(flood(how), time(how.wrapping_mul(5))),
        19..=20 => Step::GiveUp(usize::from(how)),
        _ => Step::Begin(operation(what >> 5 | (what & 1) << 3, how)),
    }
}

fn operation(what: u8, how: u8) -> Operation {
    let (len, limit) = (len(how), time(how));
    match what % 16 {
        0..=3 => Operation::Call { len, limit },
        4..=6 => Operation::Receive,
        7 | 8 => Operation::ReceiveWithin { limit },
        9..=11 => Operation::Send { len },
        12 => Operation::SendWithin { len, limit },
        13 => Operation::Feed { len },
        14 => Operation::Maintain { discard_unsolicited: how.is_multiple_of(2) },
        _ if how < 100 => Operation::Finish,
        _ => Operation::Receive,
    }
}

const fn flood(how: u8) -> Flood {
    match how % 3 {
        0 => Flood::Messages,
        1 => Flood::Probes,
        _ => Flood::Answers,
    }
}

/// Returns the length of a message. Most are short, and a few fill every queue.
const fn len(how: u8) -> usize {
    match how & 31 {
        0..=15 => 2 + how as usize % 5,
        16..=23 => 40,
        24..=27 => 600,
        28..=30 => 1500,
        _ => 30_000,
    }
}

/// Returns how many bytes arrive, or may be written.
const fn amount(how: u8) -> usize {
    match how & 15 {
        0..=7 => 1 + how as usize % 8,
        8..=10 => 50,
        11..=13 => 1500,
        _ => 200_000,
    }
}

fn time(how: u8) -> Duration {
    Duration::from_millis(match how & 7 {
        0..=2 => u64::from(how / 8),
        3..=5 => u64::from(how) * 3,
        _ => u64::from(how) * 10,
    })
}
