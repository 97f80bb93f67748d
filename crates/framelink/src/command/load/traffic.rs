//! What one connection sends next, and what its replies mean: the same rules for every way to move the bytes.

use std::rc::Rc;
use std::time::Duration;

use framelink_transport::Message;

use super::failures::Kind;
use super::local::Local;
use super::payloads::Wrong;
use super::schedule::{Due, Row, Schedule};
use super::tally::Tally;
use super::window::{InFlight, Window};
use crate::output::bytes_text::Line;

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// All messages of the worker have been sent and have ended.
    Done,
    /// The connection is of no use any more; the worker has messages left.
    Lost,
}

/// What a connection leaves to its worker.
pub(super) struct Ended {
    pub(super) end: End,
    /// The messages that are left.
    pub(super) schedule: Schedule,
    /// A reply arrived on the connection.
    pub(super) has_replied: bool,
}

/// Why no message can be sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    /// A reply has to come first.
    Reply,
    /// The next message is due at this time.
    Due(Duration),
    /// No message is left.
    Over,
}

/// The messages of one connection.
pub(super) struct Traffic {
    pub(super) local: Rc<Local>,
    pub(super) schedule: Schedule,
    pub(super) window: Window,
    /// When timeouts are looked at next.
    check_at: Duration,
    /// A reply came on this connection.
    pub(super) has_replied: bool,
}

impl Traffic {
    pub(super) fn new(local: Rc<Local>, schedule: Schedule) -> Self {
        let window = Window::new(local.plan.depth, local.plan.payloads.patch);
        let check_at = local.now() + local.plan.timeout;
        Self { local, schedule, window, check_at, has_replied: false }
    }

    /// Returns the number of the message to send now, which is in flight from now on.
    #[inline]
    pub(super) fn next(&mut self, now: Duration) -> Result<u64, Hold> {
        Ok(self.next_row(now, 1)?.first)
    }

    /// Returns messages to send now, up to `most`, which are in flight from now on.
    #[inline]
    pub(super) fn next_row(&mut self, now: Duration, most: usize) -> Result<Row, Hold> {
        if !self.local.is_running() {
            return Err(Hold::Over);
        }
        if !self.window.has_room() {
            return Err(Hold::Reply);
        }
        match self.schedule.due(now) {
            Due::Over => Err(Hold::Over),
            Due::At(at) => Err(Hold::Due(at)),
            Due::Now { number, .. } if !self.window.admits(number) => Err(Hold::Reply),
            Due::Now { number, intended } => {
                let len = self.schedule.due_together(most.min(self.window.room_together()));
                let row = Row { first: number, step: self.schedule.step(), len };
                self.window.begin(InFlight { number, intended, sent: now }, row.step, len);
                self.schedule.advance_by(len);
                Ok(row)
            }
        }
    }

    /// Takes a message of the peer.
    #[inline(always)] // a call with results in memory costs more than the rest
    pub(super) fn on_message(&mut self, tally: &mut Tally, message: &[u8], now: Duration) {
        match self.window.answered(message) {
            Some(in_flight) => {
                self.has_replied = true;
                on_reply(&self.local, tally, in_flight.number, message, in_flight.intended, now);
            }
            None => on_unmatched(tally, message, now),
        }
    }

    /// Looks for messages that wait too long. Returns whether the connection is to be given up: without keys, a late
    /// reply would be taken for the reply to the next message.
    pub(super) fn expire(&mut self, now: Duration) -> bool {
        if now < self.check_at {
            return false;
        }
        let timeout = self.local.plan.timeout;
        let mut has_expired = false;
        if let Some(sent) = now.checked_sub(timeout) {
            while let Some(message) = self.window.expired(sent) {
                has_expired = true;
                self.local.fail(Kind::NoReply, || format!("message {}: no reply within {timeout:?}", message.number));
            }
        }
        self.check_at = self.window.oldest().unwrap_or(now) + timeout;
        let is_given_up = has_expired && self.window.is_ordered();
        if is_given_up {
            self.fail_all(Kind::GivenUp, "an earlier reply did not come, and this one could not be told from it");
        }
        is_given_up
    }

    /// Returns when this connection is to be looked at again if no reply comes.
    pub(super) fn wake_at(&self, hold: Hold) -> Option<Duration> {
        let check_at = (!self.window.is_empty()).then_some(self.check_at);
        match hold {
            Hold::Due(at) => Some(check_at.map_or(at, |check_at| check_at.min(at))),
            Hold::Reply | Hold::Over => check_at,
        }
    }

    pub(super) fn ended(&self, end: End) -> Ended {
        Ended { end, schedule: self.schedule.clone(), has_replied: self.has_replied }
    }

    /// The connection has ended, and with it all messages in flight.
    pub(super) fn fail_all(&mut self, kind: Kind, why: &str) {
        for message in self.window.drain() {
            self.local.fail(kind, || format!("message {}: {why}", message.number));
        }
    }
}

/// Counts the reply to the message with this number, right or wrong.
#[inline(always)]
pub(super) fn on_reply(local: &Local, tally: &mut Tally, number: u64, reply: &[u8], intended: Duration, now: Duration) {
    if local.is_the_only_reply(reply) {
        tally.on_reply(intended, now, reply.len());
    } else {
        on_other_reply(local, tally, number, reply, intended, now);
    }
}

#[inline(never)]
fn on_other_reply(local: &Local, tally: &mut Tally, number: u64, reply: &[u8], intended: Duration, now: Duration) {
    match local.plan.payloads.check(number, reply) {
        Ok(()) => tally.on_reply(intended, now, reply.len()),
        Err(Wrong::Empty) => tally.on_failure(Kind::Empty, now, || format!("message {number}: the reply is empty")),
        Err(Wrong::Content) => tally.on_failure(Kind::Wrong, now, || {
            let right = local.plan.payloads.right(number);
            format!("message {number}: the reply is {}, expected {}", shown(reply), shown(&right))
        }),
    }
}

#[cold]
fn on_unmatched(tally: &mut Tally, message: &[u8], now: Duration) {
    tally.on_failure(Kind::Unmatched, now, || {
        format!("the peer sent {}, which answers no message in flight", shown(message))
    });
}

/// Counts a message of a call, and its outcome.
pub(super) fn on_called(local: &Local, number: u64, intended: Duration, called: Result<Message, (Kind, String)>) {
    let now = local.now();
    match called {
        Ok(reply) => {
            let mut tally = local.tally.borrow_mut();
            let before = tally.replied;
            on_reply(local, &mut tally, number, &reply, intended, now);
            let replied = tally.replied - before;
            tally.on_replies_at(replied, now);
            local.show(&tally);
        }
        Err((kind, why)) => local.fail(kind, || format!("message {number}: {why}")),
    }
}

/// A message in a report: its first bytes, and its length if that are not all.
fn shown(message: &[u8]) -> String {
    const MOST: usize = 48;
    match message.get(..MOST) {
        Some(start) if message.len() > MOST => format!("`{}…` ({} bytes)", Line(start), message.len()),
        _ => format!("`{}`", Line(message)),
    }
}
