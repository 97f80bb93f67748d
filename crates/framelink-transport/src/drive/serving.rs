//! What goes out on a connection that is served: replies, and between them what is pushed.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;
use std::time::Duration;

use framelink_codec::Encode;

use super::Clock;
#[cfg(any(feature = "tokio", feature = "nonblocking"))]
use super::{Output, Progress, flush};
#[cfg(any(feature = "blocking", all(feature = "nonblocking", unix)))]
use crate::Answer;
use crate::error::Cause;
use crate::registry::Mailbox;
use crate::session::{Ending, Replies, Sending};

/// Frames are put together until there are so many bytes for one write.
const GATHER: usize = 64 * 1024;

/// What serving a connection came to.
#[cfg(any(feature = "blocking", feature = "tokio"))]
pub(crate) struct Outcome<E> {
    /// How many requests were answered wholly.
    pub(crate) answered: u64,
    /// How many messages came when it was closed already.
    pub(crate) discarded: usize,
    pub(crate) ended: Result<(), E>,
}

/// What is on its way out, and since when. Replies go before what is pushed, and each is one whole frame.
pub(crate) struct Outgoing<C> {
    mailbox: Option<Mailbox<C>>,
    /// How long a reply may take from when it is due until it is written.
    within: Duration,
    /// What was accepted and is not written, in this order.
    runs: VecDeque<Run>,
    /// How many messages the socket had taken when it was looked at last.
    written: u64,
}

/// Messages of one kind that follow one another.
struct Run {
    kind: Kind,
    count: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// What had been accepted before.
    Earlier,
    /// One that is due since then.
    Reply(Duration),
    Pushed,
}

impl<C> Outgoing<C> {
    pub(crate) fn new<E: Encode>(mailbox: Option<Mailbox<C>>, within: Duration, sending: &Sending<E>) -> Self {
        let mut outgoing = Self { mailbox, within, runs: VecDeque::new(), written: sending.messages_written() };
        outgoing.push(Kind::Earlier, sending.unwritten() as u64);
        outgoing
    }

    /// Whom to tell when something is pushed, or the connection is to be closed. To be said before [`fill`](Self::fill), so that
    /// nothing is missed.
    pub(crate) fn tell(&self, waker: &Waker) {
        if let Some(mailbox) = &self.mailbox {
            mailbox.tell(waker);
        }
    }

    /// Hands on what is due, as much as one write is worth.
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
            self.push(Kind::Reply(since), 1);
        }
        let Some(mailbox) = &self.mailbox else { return Ok(()) };
        if mailbox.is_closed() {
            return Err(Cause::TooSlow);
        }
        let count = mailbox.fill(sending, GATHER.min(sending.queue_limit())).map_err(Cause::Refused)?;
        self.push(Kind::Pushed, count);
        Ok(())
    }

    /// Looks what was written since.
    pub(crate) fn settle<E: Encode>(&mut self, replies: &mut Replies, sending: &Sending<E>, now: Duration) {
        let mut fresh = sending.messages_written() - self.written;
        self.written += fresh;
        let (mut replied, mut pushed) = (0, 0);
        while fresh > 0
            && let Some(run) = self.runs.front_mut()
        {
            let count = run.count.min(fresh);
            fresh -= count;
            run.count -= count;
            match run.kind {
                Kind::Earlier => {}
                Kind::Reply(_) => replied += count,
                Kind::Pushed => pushed += count,
            }
            if run.count == 0 {
                self.runs.pop_front();
            }
        }
        replies.on_written(usize::try_from(replied).unwrap_or(usize::MAX));
        sending.on_answered(replies.answered(), now);
        if let Some(mailbox) = self.mailbox.as_ref().filter(|_| pushed > 0) {
            mailbox.on_written(pushed);
        }
        if self.runs.is_empty() {
            // An idle connection holds no buffer.
            self.runs = VecDeque::new();
        }
        if replies.is_empty()
            && let Some(pulse) = sending.pulse()
        {
            // It was held where the peer has one request at a time.
            pulse.resume(now);
        }
    }

    /// Whether something is due that was not handed on.
    #[cfg(any(feature = "tokio", feature = "nonblocking"))]
    fn has_more(&self, replies: &Replies) -> bool {
        replies.due_since().is_some() || self.mailbox.as_ref().is_some_and(|mailbox| !mailbox.is_empty())
    }

    /// When the peer has not taken a reply in time. What is pushed may wait for ever: the backlog has its own rule.
    pub(crate) fn deadline(&self, replies: &Replies) -> Option<Duration> {
        let being_written = self.runs.iter().find_map(|run| match run.kind {
            Kind::Reply(since) => Some(since),
            _ => None,
        });
        let since = being_written.or_else(|| replies.due_since())?;
        Some(since.saturating_add(self.within))
    }

    /// An error if that is over.
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

    /// Writes what is due, as far as the socket takes it now.
    #[cfg(any(feature = "tokio", feature = "nonblocking"))]
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

    fn push(&mut self, kind: Kind, count: u64) {
        match self.runs.back_mut() {
            _ if count == 0 => {}
            Some(run) if run.kind == kind => run.count += count,
            _ => self.runs.push_back(Run { kind, count }),
        }
    }
}

/// Runs what is the application's. A panic there ends the connection that it was about, and nothing else: what it left half done
/// is given up with that connection, and whoever shares more with it has to think of that.
pub(crate) fn guarded<T, D, E>(run: impl FnOnce() -> T) -> Result<T, Cause<D, E>> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|_| Cause::HandlerPanicked)
}

/// Whether our side ends in good order after this, so that what was answered before it arrives.
pub(crate) const fn ends_in_order<D, E>(cause: &Cause<D, E>) -> bool {
    matches!(
        cause,
        Cause::Fault(_)
            | Cause::Preamble(_)
            | Cause::Refused(_)
            | Cause::TooManyEmpty { .. }
            | Cause::HandlerFailed(_)
            | Cause::HandlerPanicked
            | Cause::Ended(Ending::Idle { .. } | Ending::Lifetime { .. } | Ending::Drained)
    )
}

/// Runs a handler: what it says, where it neither panicked nor failed.
#[cfg(any(feature = "blocking", all(feature = "nonblocking", unix)))]
pub(crate) fn answered<A: Answer, D, E>(run: impl FnOnce() -> A) -> Result<Option<Vec<u8>>, Cause<D, E>> {
    guarded(run)?.into_reply().map_err(Cause::HandlerFailed)
}

/// Whether there is nobody left to answer.
pub(crate) const fn is_lost<D, E>(cause: &Cause<D, E>) -> bool {
    matches!(cause, Cause::Reset(_) | Cause::Io(_)) || matches!(cause, Cause::Ended(ending) if ending.is_abrupt())
}
