//! A connection that is served in one task, or in one event loop.

use std::time::Duration;

use framelink_codec::{Decode, Encode};

use super::output::ServedOutput;
use super::requests::ServedRequests;
use crate::drive::{Clock, Output, Progress};
use crate::error::Cause;
use crate::profile::Profile;
use crate::registry::Mailbox;
use crate::session::{Concurrency, Receiving, Sending};

/// The requests and the output of a connection. The driver reads, and runs the handlers.
///
/// ```text
///   write ─► ended? ─► next, or may_read ─► read ─► on_received ─┬─ a request ─► a handler
///     ▲                                                          └─ nothing to read: wait, until the deadline at most
///     └─ a reply is due, a message was pushed, the socket takes more, the deadline has come
/// ```
pub(crate) struct ServedMachine<C: Decode + Encode> {
    pub(crate) requests: ServedRequests<<C as Decode>::Error, <C as Encode>::Error>,
    pub(crate) output: ServedOutput<C>,
}

impl<C: Decode + Encode> ServedMachine<C> {
    pub(crate) fn begin<D: Decode, S: Encode>(
        receiving: &mut Receiving<D>,
        sending: &Sending<S>,
        mailbox: Option<Box<Mailbox<C>>>,
        profile: &Profile,
        concurrency: Concurrency,
    ) -> Self {
        let requests = ServedRequests::begin(receiving, sending, profile, concurrency);
        Self { requests, output: ServedOutput::new(mailbox, profile.timeouts().write, sending) }
    }

    /// Writes messages that are due, as far as the socket takes them now.
    pub(crate) fn write<D, S: Encode>(
        &mut self,
        sending: &mut Sending<S>,
        output: &mut impl Output,
        clock: &impl Clock,
    ) -> Result<Progress, Cause<D, S::Error>> {
        // While nothing is read, heartbeats must still be sent. Otherwise reading says when one is due.
        if sending.liveness().is_some() && !self.requests.may_read() {
            sending.on_time(clock.now());
        }
        self.output.write(&mut self.requests.replies, sending, output, clock)
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
