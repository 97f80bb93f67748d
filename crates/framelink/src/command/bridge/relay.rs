//! One direction of a pair: passes messages from one connection to the other.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use framelink_transport::FramingPair;
use framelink_transport::session::ByteCount;
use framelink_transport::tokio::{Cause, Error, Operation, RecvHalf, SendHalf};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::server::drain::Drain;
use crate::server::intake::{Intake, Taken};

/// How long a client that reached its idle time or its lifetime waits for replies that are owed to it.
const OWED: Duration = Duration::from_secs(60);

/// Counts the messages that were passed on. The other direction watches the count.
#[derive(Debug, Default)]
pub(super) struct Tally {
    passed: AtomicU64,
    has_ended: AtomicBool,
    changed: Notify,
}

impl Tally {
    pub(super) fn get(&self) -> u64 {
        self.passed.load(Ordering::Relaxed)
    }

    /// Waits until at least `count` messages were passed on, or the direction has ended.
    pub(super) async fn reaches(&self, count: u64) {
        loop {
            let changed = self.changed.notified();
            if self.get() >= count || self.has_ended.load(Ordering::Relaxed) {
                return;
            }
            changed.await;
        }
    }

    fn add(&self, count: usize) {
        self.passed.fetch_add(count as u64, Ordering::Relaxed);
        self.changed.notify_waiters();
    }

    fn end(&self) {
        self.has_ended.store(true, Ordering::Relaxed);
        self.changed.notify_waiters();
    }
}

/// Passes messages from one connection to the other.
pub(super) struct Relay<R, W> {
    from: RecvHalf<FramingPair, R>,
    to: SendHalf<FramingPair, W>,
    /// The bytes that arrive are no message, or are not counted as one any more.
    is_spoilt: bool,
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Relay<R, W> {
    pub(super) const fn new(from: RecvHalf<FramingPair, R>, to: SendHalf<FramingPair, W>) -> Self {
        Self { from, to, is_spoilt: false }
    }

    /// Passes messages on until their source or the drain ends, and then ends the other side.
    ///
    /// Messages that can be had without waiting are gathered before a write. If the other side does not read, nothing
    /// is read from the source. A drain waits until `settled` completes: no reply is owed.
    pub(super) async fn run<F: Future<Output = ()>>(
        &mut self,
        tally: &Tally,
        drain: Drain,
        settled: impl Fn() -> F,
    ) -> Result<(), Error> {
        let ended = self.pass_all(tally, drain, &settled).await;
        if let Err(error) = &ended
            && matches!(error.cause(), Cause::Ended(ending) if !ending.is_abrupt())
        {
            // Our own limit ended the client. It still gets the replies to its earlier messages.
            self.wait_for(settled()).await;
        }
        self.is_spoilt = ended.as_ref().is_err_and(|error| error.operation() == Operation::Receive);
        // The error may concern one message or one direction only, so earlier messages still go out.
        let finished = self.to.finish().await;
        tally.end();
        ended.and(finished)
    }

    /// Waits until no reply is owed, up to `OWED`. Heartbeats go on.
    async fn wait_for(&mut self, settled: impl Future<Output = ()>) {
        tokio::select! {
            _ = timeout(OWED, settled) => {}
            _ = self.to.keep() => {}
        }
    }

    async fn pass_all<F: Future<Output = ()>>(
        &mut self,
        tally: &Tally,
        drain: Drain,
        settled: &impl Fn() -> F,
    ) -> Result<(), Error> {
        let mut intake = Intake::new(&mut self.from, &mut self.to, drain);
        if intake.pass_until_drain(|count| tally.add(count)).await? {
            return Ok(());
        }
        while let Taken::Messages(count) = intake.next(settled).await? {
            tally.add(count);
        }
        Ok(())
    }

    /// Writes the messages that were taken, and ends the other side. Meanwhile it reads from the source until the source
    /// ends, so that no reset destroys bytes on their way to it. Messages that are read here are counted and not passed
    /// on.
    pub(super) async fn part(&mut self) {
        let Self { from, to, is_spoilt } = self;
        let take_the_rest = async {
            while let Ok(Some(_)) = from.recv_ref().await {}
            *is_spoilt = true;
            let _ = from.discard().await;
        };
        // An error of the writing side leaves nothing to do.
        let _ = tokio::join!(to.finish(), take_the_rest);
    }

    /// Counts messages that are already read and not passed on.
    pub(super) fn take_what_was_read(&mut self) {
        while let Ok(Some(_)) = self.from.buffered() {}
    }

    /// Returns how many messages have gone out whole.
    pub(super) fn written(&self) -> u64 {
        self.to.messages_written()
    }

    /// Stops counting a message that has begun to arrive: only its sender knows of it.
    pub(super) const fn leave_what_has_begun(&mut self) {
        self.is_spoilt = true;
    }

    /// Returns how many messages arrived, wholly or in part, and did not go out.
    pub(super) fn cut(&self) -> u64 {
        let in_part = !self.is_spoilt && self.from.unfinished().is_some();
        self.from.messages_received().saturating_sub(self.written()) + u64::from(in_part)
    }

    /// Returns the counts of received and of sent bytes.
    pub(super) fn byte_counts(&self) -> [ByteCount; 2] {
        [self.from.byte_count(), self.to.byte_count()]
    }
}
