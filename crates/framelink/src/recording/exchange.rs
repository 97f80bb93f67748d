//! Requests with their replies.

use std::ops::Range;
use std::time::Duration;

use super::card_numbers::{Hidden, hidden_in, hide_copies};
use super::clock::Clock;

/// A request and its reply.
pub(super) struct Exchange {
    pub(super) request: Vec<u8>,
    pub(super) reply: Vec<u8>,
    /// The time at which the reply arrived.
    pub(super) clock: Clock,
    /// What is hidden of each byte of the request.
    pub(super) hidden: Vec<Hidden>,
}

impl Exchange {
    /// `now` is the time since 1970-01-01 00:00:00 UTC. `local_offset` is how many seconds local time is ahead of UTC.
    pub(super) fn new(request: &[u8], reply: &[u8], now: Duration, local_offset: i32) -> Self {
        let mut hidden = hidden_in(request, |_| true);
        hide_copies((reply, &hidden_in(reply, |_| true)), (request, &mut hidden));
        Self { request: request.to_vec(), reply: reply.to_vec(), clock: Clock::at(now, local_offset), hidden }
    }
}

/// One of the two messages of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Request,
    Reply,
}

impl Side {
    pub(super) fn of(self, exchange: &Exchange) -> &[u8] {
        match self {
            Self::Request => &exchange.request,
            Self::Reply => &exchange.reply,
        }
    }

    /// Returns the length of the shortest message.
    pub(super) fn least_len(self, group: &[&Exchange]) -> usize {
        group.iter().map(|exchange| self.of(exchange).len()).min().unwrap_or_default()
    }

    /// Returns whether all messages have the same bytes in this range, and have all of it.
    pub(super) fn is_constant(self, group: &[&Exchange], range: Range<usize>) -> bool {
        let Some(first) = group.first().and_then(|first| self.of(first).get(range.clone())) else { return false };
        group.iter().all(|exchange| self.of(exchange).get(range.clone()) == Some(first))
    }

    /// Returns whether this holds for the byte at a place of each message.
    pub(super) fn all(self, group: &[&Exchange], at: usize, is: impl Fn(u8) -> bool) -> bool {
        group.iter().all(|exchange| self.of(exchange).get(at).is_some_and(|byte| is(*byte)))
    }
}
