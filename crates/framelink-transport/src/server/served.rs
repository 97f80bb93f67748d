//! A connection that is served in one task, or in one event loop.

use std::time::Duration;

use framelink_codec::{Decode, Encode};

use super::answer::Answer;
use super::output::ServedOutput;
use super::requests::ServedRequests;
use crate::drive::{Clock, Output, Progress};
use crate::error::Cause;
use crate::profile::Profile;
use crate::registry::Mailbox;
use crate::session::{Concurrency, Receiving, ReplySlot, Sending};

/// How long an idle connection keeps the memory for its next request. A busy one is not idle for so long, so it does not
/// allocate that memory for each request. If many connections kept the memory for long, it would be lost between smaller
/// pieces when it is freed.
pub(crate) const KEPT_FOR: Duration = Duration::from_millis(100);

/// What handlers have done with requests that need no place.
#[derive(Default)]
pub(crate) struct Handled {
    /// How many requests were taken, the one of a handler that failed included.
    pub(crate) taken: u64,
    /// How many replies were queued.
    pub(crate) replied: u64,
    /// How many requests get no reply.
    pub(crate) skipped: u64,
}

impl Handled {
    /// Takes the answer of a handler that has finished, and queues the reply.
    #[inline]
    pub(crate) fn queue<D, S: Encode>(
        &mut self,
        answer: impl Answer,
        sending: &mut Sending<S>,
    ) -> Result<(), Cause<D, S::Error>> {
        match answer.into_reply().map_err(Cause::HandlerFailed)? {
            Some(reply) => {
                sending.queue(reply.as_ref()).map_err(Cause::Refused)?;
                self.replied += 1;
            }
            None => self.skipped += 1,
        }
        Ok(())
    }
}

/// The requests and the output of a connection. The driver reads, and runs the handlers.
///
/// ```text
///   write ─► ended? ─► next, or may_read ─► read ─► on_received ─┬─ a request ─► a handler
///     ▲                                                          └─ nothing to read: wait, until the deadline at most
///     └─ a reply is due, a message was pushed, the socket takes more, the deadline has come
/// ```
pub(crate) struct ServedMachine<C: Decode + Encode, R = Vec<u8>> {
    pub(crate) requests: ServedRequests<<C as Decode>::Error, <C as Encode>::Error, R>,
    pub(crate) output: ServedOutput<C>,
}

impl<C: Decode + Encode, R: AsRef<[u8]>> ServedMachine<C, R> {
    pub(crate) fn begin<D: Decode, S: Encode>(
        receiving: &mut Receiving<D>,
        sending: &Sending<S>,
        mailbox: Option<Box<Mailbox<C>>>,
        profile: &Profile,
        concurrency: Concurrency,
    ) -> Self {
        let requests = ServedRequests::begin(receiving, sending, profile, concurrency);
        // Counted by `count_taken`, which is cheaper for many requests than to count each when it is received.
        receiving.take_requests(false);
        Self { requests, output: ServedOutput::new(mailbox, profile.timeouts().write, sending) }
    }

    /// Like `begin`, for a handler that does not wait: no request is read before its reply can be queued.
    pub(crate) fn begin_in_place<D: Decode, S: Encode>(
        receiving: &mut Receiving<D>,
        sending: &Sending<S>,
        mailbox: Option<Box<Mailbox<C>>>,
        profile: &Profile,
    ) -> Self {
        let mut machine = Self::begin(receiving, sending, mailbox, profile, Concurrency::default());
        machine.requests.read_in_turn();
        machine
    }

    /// Goes on after this many requests of the connection that were answered before.
    #[must_use]
    pub(crate) const fn count_from(mut self, answered: u64) -> Self {
        self.requests.replies.count_from(answered);
        self.output.count_from(answered);
        self
    }

    /// Returns whether this machine can be dropped, and made anew when it is needed: nothing is owed. An idle connection
    /// needs no memory for requests.
    pub(crate) fn is_idle<S: Encode>(&self, sending: &Sending<S>) -> bool {
        self.requests.is_idle() && self.output.is_idle() && !sending.has_output()
    }

    /// Writes messages that are due, as far as the socket takes them now.
    #[inline]
    pub(crate) fn write<D, S: Encode>(
        &mut self,
        sending: &mut Sending<S>,
        output: &mut impl Output,
        clock: &impl Clock,
    ) -> Result<Progress, Cause<D, S::Error>> {
        if self.has_nothing_due(sending) {
            return Ok(Progress::Done);
        }
        self.write_due(sending, output, clock)
    }

    /// The shortcut of [`write`](Self::write): returns whether it would do nothing.
    #[inline]
    fn has_nothing_due<S: Encode>(&self, sending: &Sending<S>) -> bool {
        let Self { requests, output } = self;
        let has_counted = requests.has_counted() && requests.replies.is_gathering();
        has_counted && sending.liveness().is_none() && output.has_nothing_due(&requests.replies, sending)
    }

    #[inline(never)] // so that `write` is short
    fn write_due<D, S: Encode>(
        &mut self,
        sending: &mut Sending<S>,
        output: &mut impl Output,
        clock: &impl Clock,
    ) -> Result<Progress, Cause<D, S::Error>> {
        self.count_taken(sending);
        // While nothing is read, heartbeats must still be sent. Otherwise reading says when one is due.
        if sending.liveness().is_some() && !self.requests.may_read() {
            sending.on_time(clock.now());
        }
        let written = self.output.write(&mut self.requests.replies, sending, output, clock)?;
        self.requests.replies.gather(written == Progress::Done);
        Ok(written)
    }

    /// Counts the requests that were taken, for the server and for the end of the connection. Called before each wait.
    pub(crate) fn count_taken<S: Encode>(&mut self, sending: &Sending<S>) {
        let taken = self.requests.newly_taken();
        if taken > 0 {
            sending.on_taken(taken);
        }
    }

    /// Takes the answer of a handler that has finished. A reply whose turn has come is queued for the next write. Returns
    /// false if the request was answered before.
    pub(crate) fn finish<D, S: Encode>(
        &mut self,
        place: ReplySlot,
        answer: impl Answer<Bytes = R>,
        sending: &mut Sending<S>,
        clock: &impl Clock,
    ) -> Result<bool, Cause<D, S::Error>> {
        let reply = answer.into_reply().map_err(Cause::HandlerFailed)?;
        // While the socket takes all bytes, the time for a reply begins at its first write: see `blocked_since`.
        let now = if self.requests.replies.is_gathering() { Duration::ZERO } else { clock.now() };
        let is_owed = self.requests.answer(place, reply, now);
        self.output.fill_replies(&mut self.requests.replies, sending)?;
        Ok(is_owed)
    }

    /// Counts requests that were handled without places.
    pub(crate) fn on_handled(&mut self, handled: &Handled) {
        self.requests.on_taken(handled.taken);
        self.requests.replies.pass(handled.replied, handled.skipped);
        self.output.on_queued(handled.replied);
    }

    /// Returns whether another request may be handled before the replies that are queued are written. Replies leave
    /// together: before the task suspends, when no whole request is left in the buffer, or when 64 KiB wait.
    pub(crate) fn may_gather<S: Encode>(&self, sending: &Sending<S>) -> bool {
        self.requests.replies.is_gathering() && ServedOutput::<C>::may_gather(sending)
    }

    /// Returns when to [`write`](Self::write) again although nothing has happened: a reply is overdue, or a heartbeat
    /// is due while nothing is read. A heartbeat that the socket did not take waits for the socket.
    pub(crate) fn deadline<S: Encode>(&self, sending: &Sending<S>) -> Option<Duration> {
        let beat_at = match self.requests.may_read() {
            true => None,
            false => sending.liveness().filter(|_| !sending.owes_beat()).and_then(|liveness| liveness.beat_at()),
        };
        [self.output.deadline(&self.requests.replies), beat_at].into_iter().flatten().min()
    }
}
