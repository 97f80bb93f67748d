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
    /// Consecutive messages of one kind, with their number, in the order of the queue. There is rarely more than one run.
    run: Option<(OutputKind, u64)>,
    more_runs: VecDeque<(OutputKind, u64)>,
    /// How many messages the socket had taken at the last look.
    written: u64,
    /// How many requests were answered at the last look.
    answered: u64,
    /// Since when the socket has not taken all bytes. A reply that became due before is not late because of that time.
    blocked_since: Option<Duration>,
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
        let (more_runs, written) = (VecDeque::new(), sending.messages_written());
        let mut output = Self { mailbox, within, run: None, more_runs, written, answered: 0, blocked_since: None };
        output.push(OutputKind::Earlier, sending.unwritten() as u64);
        output
    }

    /// Goes on after this many requests of the connection that were answered before.
    pub(super) const fn count_from(&mut self, answered: u64) {
        self.answered = answered;
    }

    /// Returns whether no queued message is to be counted.
    pub(super) fn is_idle(&self) -> bool {
        self.run.is_none() && self.blocked_since.is_none()
    }

    /// Takes the queue of pushed messages out.
    pub(crate) const fn take_mailbox(&mut self) -> Option<Box<Mailbox<C>>> {
        self.mailbox.take()
    }

    /// Sets what is woken when a message is pushed, or the connection is to be closed. Call this before
    /// [`fill`](Self::fill), so that no wake-up is missed.
    pub(crate) fn wake(&self, waker: &Waker) {
        if let Some(mailbox) = &self.mailbox {
            mailbox.slot.wake(waker);
        }
    }

    /// Returns whether the reply to another request may wait in the queue for the next write.
    pub(crate) fn may_gather<E: Encode>(sending: &Sending<E>) -> bool {
        sending.queued_len() < GATHER && sending.has_room()
    }

    /// Returns how many queued bytes are worth a write.
    pub(crate) fn most_gathered<E: Encode>(sending: &Sending<E>) -> usize {
        GATHER.min(sending.queue_limit())
    }

    /// Queues messages that are due, enough for one write.
    pub(crate) fn fill<D, E: Encode, R: AsRef<[u8]>>(
        &mut self,
        replies: &mut Replies<R>,
        sending: &mut Sending<E>,
    ) -> Result<(), Cause<D, E::Error>> {
        self.fill_replies(replies, sending)?;
        let Some(mailbox) = &self.mailbox else { return Ok(()) };
        if mailbox.slot.is_closed() {
            return Err(Cause::TooSlow);
        }
        let count = mailbox.slot.fill(sending, Self::most_gathered(sending)).map_err(Cause::Refused)?;
        self.push(OutputKind::Pushed, count);
        Ok(())
    }

    /// Queues replies that are due.
    pub(crate) fn fill_replies<D, E: Encode, R: AsRef<[u8]>>(
        &mut self,
        replies: &mut Replies<R>,
        sending: &mut Sending<E>,
    ) -> Result<(), Cause<D, E::Error>> {
        while sending.has_room()
            && let Some(since) = replies.due_since()
            && let Some(reply) = replies.next_reply()
        {
            sending.queue(reply.as_ref()).map_err(Cause::Refused)?;
            self.push(OutputKind::Reply(since), 1);
        }
        Ok(())
    }

    /// Notes replies that were queued elsewhere, while the socket was ready for more bytes.
    #[inline]
    pub(crate) fn on_queued(&mut self, count: u64) {
        self.push(OutputKind::Reply(Duration::ZERO), count);
    }

    /// Counts the messages that were written since the last call.
    pub(crate) fn settle<E: Encode, R>(&mut self, replies: &mut Replies<R>, sending: &Sending<E>, now: Duration) {
        let mut fresh = sending.messages_written() - self.written;
        self.written += fresh;
        let (mut replied, mut pushed) = (0, 0);
        while fresh > 0
            && let Some((kind, left)) = &mut self.run
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
                self.run = self.more_runs.pop_front();
            }
        }
        replies.on_written(usize::try_from(replied).unwrap_or(usize::MAX));
        self.answered = replies.answered();
        sending.on_answered(self.answered, now);
        if let Some(mailbox) = self.mailbox.as_ref().filter(|_| pushed > 0) {
            mailbox.slot.on_written(pushed);
        }
        if self.run.is_none() {
            // An idle connection holds no buffer.
            self.more_runs = VecDeque::new();
        }
        if replies.is_empty()
            && let Some(liveness) = sending.liveness()
        {
            // Heartbeats are held during a request if the peer has one request at a time.
            liveness.resume(now);
        }
    }

    /// Returns whether a message is due that is not queued.
    fn has_more<R>(&self, replies: &Replies<R>) -> bool {
        replies.due_since().is_some() || self.mailbox.as_ref().is_some_and(|mailbox| !mailbox.slot.is_empty())
    }

    /// Returns the deadline of the reply being written. Pushed messages have none: the registry limits them.
    pub(crate) fn deadline<R>(&self, replies: &Replies<R>) -> Option<Duration> {
        let being_written = self.run.iter().chain(&self.more_runs).find_map(|(kind, _)| match kind {
            OutputKind::Reply(since) => Some(*since),
            _ => None,
        });
        let since = being_written.or_else(|| replies.due_since())?;
        let since = self.blocked_since.map_or(since, |blocked| since.max(blocked));
        Some(since.saturating_add(self.within))
    }

    /// Returns an error after that deadline.
    pub(crate) fn check<D, E: Encode, R>(
        &self,
        replies: &Replies<R>,
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
    pub(crate) fn write<D, E: Encode, R: AsRef<[u8]>>(
        &mut self,
        replies: &mut Replies<R>,
        sending: &mut Sending<E>,
        output: &mut impl Output,
        clock: &impl Clock,
    ) -> Result<Progress, Cause<D, E::Error>> {
        loop {
            self.fill(replies, sending)?;
            if self.is_settled(replies, sending) {
                self.blocked_since = None;
                return Ok(Progress::Done);
            }
            let progress = flush(sending, output, clock)?;
            let now = clock.now();
            self.settle(replies, sending, now);
            sending.memory().settle();
            if progress == Progress::Blocked {
                self.blocked_since.get_or_insert(now);
                self.check(replies, sending, clock)?;
                return Ok(Progress::Blocked);
            }
            self.blocked_since = None;
            if !self.has_more(replies) {
                return Ok(Progress::Done);
            }
        }
    }

    /// Returns whether [`write`](Self::write) would do nothing, on a connection without pushed messages.
    #[inline]
    pub(super) fn has_nothing_due<E: Encode, R>(&self, replies: &Replies<R>, sending: &Sending<E>) -> bool {
        self.mailbox.is_none()
            && self.blocked_since.is_none()
            && replies.due_since().is_none()
            && self.is_settled(replies, sending)
    }

    /// Returns whether there is nothing to write and nothing to count.
    #[inline]
    fn is_settled<E: Encode, R>(&self, replies: &Replies<R>, sending: &Sending<E>) -> bool {
        let is_counted = self.answered == replies.answered() && self.written == sending.messages_written();
        is_counted && !sending.has_output() && sending.told().is_none()
    }

    fn push(&mut self, kind: OutputKind, count: u64) {
        match self.more_runs.back_mut().or(self.run.as_mut()) {
            _ if count == 0 => {}
            Some((last, length)) if *last == kind => *length += count,
            Some(_) => self.more_runs.push_back((kind, count)),
            None => self.run = Some((kind, count)),
        }
    }
}
