//! One direction of a pair: messages from one connection to the other.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use framelink_transport::session::ByteCount;
use framelink_transport::tokio::{Cause, Error, Operation, RecvHalf, SendHalf};
use framelink_transport::{FramingPair, HeldBytes, Message};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::server::drain::Drain;
use crate::server::intake::{Intake, Taken};

/// From this size on a message is written from where it lies; smaller ones are gathered and share a write.
const LARGE: usize = 4 * 1024;

/// For how long replies may be owed to a client that was idle for too long, or there for its lifetime.
const OWED: Duration = Duration::from_secs(60);

/// How many messages were passed on, for the other direction to watch.
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

    /// Waits until at least so many were passed on, or no more can be.
    pub(super) async fn reaches(&self, count: u64) {
        loop {
            let changed = self.changed.notified();
            if self.get() >= count || self.has_ended.load(Ordering::Relaxed) {
                return;
            }
            changed.await;
        }
    }

    fn add_one(&self) {
        self.passed.fetch_add(1, Ordering::Relaxed);
        self.changed.notify_waiters();
    }

    fn end(&self) {
        self.has_ended.store(true, Ordering::Relaxed);
        self.changed.notify_waiters();
    }
}

/// Messages from one connection to the other.
pub(super) struct Relay<R, W> {
    from: RecvHalf<FramingPair, R>,
    to: SendHalf<FramingPair, W>,
    /// How many messages came.
    taken: u64,
    /// The one that is being passed on, so that nothing is lost when that is given up.
    in_hand: Option<Message>,
    /// That one, counted in the memory of the clients.
    held: HeldBytes,
    /// What comes is no message, or none any more.
    is_spoilt: bool,
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Relay<R, W> {
    pub(super) const fn new(from: RecvHalf<FramingPair, R>, to: SendHalf<FramingPair, W>, held: HeldBytes) -> Self {
        Self { from, to, taken: 0, in_hand: None, held, is_spoilt: false }
    }

    /// Passes messages on until the side they come from ends, or the program is to, and then ends the other side.
    ///
    /// Messages that are there already are gathered before a write. A side that does not read stops us from reading. A drain
    /// waits until `settled` is done: no reply is owed.
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
            // It was idle, or its time is over, by our own rule: what it asked before is not for nothing.
            self.wait_for(settled()).await;
        }
        self.is_spoilt = ended.as_ref().is_err_and(|error| error.operation() == Operation::Receive);
        // An error may be about one message only, or one direction: what was taken before it goes out.
        let finished = self.to.finish().await;
        tally.end();
        ended.and(finished)
    }

    /// Waits until no reply is owed, but not for a host that owes one for ever. Heartbeats go on.
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
        let mut intake = Intake::new(&mut self.from, drain);
        loop {
            let taken = match intake.at_hand().await? {
                Some(taken) => taken,
                None => {
                    self.to.flush().await?;
                    tokio::select! {
                        biased;
                        taken = intake.next(settled) => taken?,
                        // Heartbeats, and answers to them.
                        error = self.to.keep() => return Err(error),
                    }
                }
            };
            let Taken::Message(message) = taken else { return Ok(()) };
            self.taken += 1;
            self.held.set(message.len());
            pass(self.in_hand.insert(message), &mut self.to).await?;
            self.in_hand = None;
            self.held.set(0);
            tally.add_one();
        }
    }

    /// Writes what was taken, also when that was given up in the middle, and ends the other side. Meanwhile it takes what still
    /// comes, until the side it comes from ends too, so that no reset destroys what is on its way there: those messages are
    /// counted, and not passed on.
    pub(super) async fn part(&mut self) {
        let given_up = self.taken > self.written() + self.to.unwritten() as u64;
        let Self { from, to, taken, in_hand, is_spoilt, .. } = self;
        let finish = async {
            if let Some(message) = in_hand
                && given_up
            {
                let _ = pass(message, to).await;
                *in_hand = None;
            }
            let _ = to.finish().await;
        };
        let take_the_rest = async {
            while let Ok(Some(_)) = from.recv().await {
                *taken += 1;
            }
            *is_spoilt = true;
            let _ = from.discard().await;
        };
        tokio::join!(finish, take_the_rest);
    }

    /// Counts what has been read already and is not passed on.
    pub(super) fn take_what_was_read(&mut self) {
        while let Ok(Some(_)) = self.from.buffered() {
            self.taken += 1;
        }
    }

    /// How many messages have gone out whole.
    pub(super) fn written(&self) -> u64 {
        self.to.messages_written()
    }

    /// A message that has begun to come is missed by its sender alone.
    pub(super) const fn leave_what_has_begun(&mut self) {
        self.is_spoilt = true;
    }

    /// How many messages came, wholly or in part, and did not go out.
    pub(super) fn cut(&self) -> u64 {
        let in_part = !self.is_spoilt && self.from.unfinished().is_some();
        self.taken - self.written() + u64::from(in_part)
    }

    /// The bytes that come, and those that go.
    pub(super) fn byte_counts(&self) -> [ByteCount; 2] {
        [self.from.byte_count(), self.to.byte_count()]
    }
}

async fn pass<W: AsyncWrite + Unpin>(message: &Message, to: &mut SendHalf<FramingPair, W>) -> Result<(), Error> {
    if message.len() < LARGE {
        return to.feed(message).await;
    }
    to.flush().await?;
    to.send(message).await
}
