//! The output of a connection that is served: replies, and pushed messages between them.

use std::collections::VecDeque;
use std::task::Waker;
use std::time::Duration;

use framelink_codec::Encode;

use crate::drive::Clock;
use crate::drive::{Output, Progress, flush};
use crate::error::Cause;
use crate::registry::Mailbox;
use crate::session::{Replies, Sending};

/// How many bytes of frames are gathered for one write.
const GATHER: usize = 64 * 1024;

/// The queued messages that are not written yet. Replies go before pushed messages; each message is one whole frame.
pub(crate) struct ServedOutput<C> {
    mailbox: Option<Box<Mailbox<C>>>,
    /// How long writing a reply may take, from when it is due.
    within: Duration,
    /// Consecutive messages of one kind, with their number, in the order of the queue.
    runs: VecDeque<(OutputKind, u64)>,
    /// How many messages the socket had taken at the last look.
    written: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum OutputKind {
    Earlier,
    /// A reply that is due since this time.
    Reply(Duration),
    Pushed,
}

impl<C> ServedOutput<C> {
    pub(crate) fn new<E: Encode>(mailbox: Option<Box<Mailbox<C>>>, within: Duration, sending: &Sending<E>) -> Self {
        let mut output = Self { mailbox, within, runs: VecDeque::new(), written: sending.messages_written() };
        output.push(OutputKind::Earlier, sending.unwritten() as u64);
        output
    }

    /// Sets what is woken when a message is pushed, or the connection is to be closed. Call this before
    /// [`fill`](Self::fill), so that no wake-up is missed.
    pub(crate) fn wake(&self, waker: &Waker) {
        if let Some(mailbox) = &self.mailbox {
            mailbox.slot.wake(waker);
        }
    }

    /// Queues messages that are due, enough for one write.
    pub(crate) fn fill<D, E: Encode>(
        &mut self,
        replies: &mut Replies,
        sending: &mut Sending<E>,
    ) -> Result<(), Cause<D, E::Error>> {
        while sending.has_room()
            && let Some(since) = replies.due_since()
            && let Some(reply) = replies.next_reply()
        {
            sending.queue(&reply).map_err(Cause::Refused)?;
            self.push(OutputKind::Reply(since), 1);
        }
        let Some(mailbox) = &self.mailbox else { return Ok(()) };
        if mailbox.slot.is_closed() {
            return Err(Cause::TooSlow);
        }
        let count = mailbox.slot.fill(sending, GATHER.min(sending.queue_limit())).map_err(Cause::Refused)?;
        self.push(OutputKind::Pushed, count);
        Ok(())
    }

    /// Counts the messages that were written since the last call.
    pub(crate) fn settle<E: Encode>(&mut self, replies: &mut Replies, sending: &Sending<E>, now: Duration) {
        let mut fresh = sending.messages_written() - self.written;
        self.written += fresh;
        let (mut replied, mut pushed) = (0, 0);
        while fresh > 0
            && let Some((kind, left)) = self.runs.front_mut()
        {
            let count = fresh.min(*left);
            fresh -= count;
            *left -= count;
            match kind {
                OutputKind::Earlier => {}
                OutputKind::Reply(_) => replied += count,
                OutputKind::Pushed => pushed += count,
            }
            if *left == 0 {
                self.runs.pop_front();
            }
        }
        replies.on_written(usize::try_from(replied).unwrap_or(usize::MAX));
        sending.on_answered(replies.answered(), now);
        if let Some(mailbox) = self.mailbox.as_ref().filter(|_| pushed > 0) {
            mailbox.slot.on_written(pushed);
        }
        if self.runs.is_empty() {
            // An idle connection holds no buffer.
            self.runs = VecDeque::new();
        }
        if replies.is_empty()
            && let Some(liveness) = sending.liveness()
        {
            // Heartbeats are held during a request if the peer has one request at a time.
            liveness.resume(now);
        }
    }

    /// Returns whether a message is due that is not queued.
    fn has_more(&self, replies: &Replies) -> bool {
        replies.due_since().is_some() || self.mailbox.as_ref().is_some_and(|mailbox| !mailbox.slot.is_empty())
    }

    /// Returns the deadline of the reply being written. Pushed messages have none: the registry limits them.
    pub(crate) fn deadline(&self, replies: &Replies) -> Option<Duration> {
        let being_written = self.runs.iter().find_map(|(kind, _)| match kind {
            OutputKind::Reply(since) => Some(*since),
            _ => None,
        });
        let since = being_written.or_else(|| replies.due_since())?;
        Some(since.saturating_add(self.within))
    }

    /// Returns an error after that deadline.
    pub(crate) fn check<D, E: Encode>(
        &self,
        replies: &Replies,
        sending: &Sending<E>,
        clock: &impl Clock,
    ) -> Result<(), Cause<D, E::Error>> {
        match self.deadline(replies) {
            Some(at) if at <= clock.now() => {
                let unwritten_bytes = sending.queued_len();
                Err(Cause::TimedOut { after: self.within, unwritten_bytes, unfinished: None })
            }
            _ => Ok(()),
        }
    }

    /// Writes messages that are due, as far as the socket takes them now.
    pub(crate) fn write<D, E: Encode>(
        &mut self,
        replies: &mut Replies,
        sending: &mut Sending<E>,
        output: &mut impl Output,
        clock: &impl Clock,
    ) -> Result<Progress, Cause<D, E::Error>> {
        loop {
            self.fill(replies, sending)?;
            let progress = flush(sending, output, clock)?;
            self.settle(replies, sending, clock.now());
            sending.memory().settle();
            if progress == Progress::Blocked {
                self.check(replies, sending, clock)?;
                return Ok(Progress::Blocked);
            }
            if !self.has_more(replies) {
                return Ok(Progress::Done);
            }
        }
    }

    fn push(&mut self, kind: OutputKind, count: u64) {
        match self.runs.back_mut() {
            _ if count == 0 => {}
            Some((last, length)) if *last == kind => *length += count,
            _ => self.runs.push_back((kind, count)),
        }
    }
}
