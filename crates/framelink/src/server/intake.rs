//! Passes messages from one connection to another until the first or the drain ends.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use framelink_transport::FramingPair;
use framelink_transport::session::Lifetime;
use framelink_transport::tokio::{Error, RecvHalf, SendHalf};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::coop::unconstrained;
use tokio::time::{Instant, timeout_at};

use crate::server::drain::{Drain, DrainStage};
use crate::server::woken::WhenWoken;

/// The messages of one side, and where they go. In a drain they end at the first quiet moment: no bytes are there to
/// read, no message has begun to arrive, and no reply is owed. A new side that has sent nothing gets a short time for
/// its first message, as at a server of the library. A side that is never quiet is read for half of the drain's time.
pub(crate) struct Intake<'a, R, W> {
    from: &'a mut RecvHalf<FramingPair, R>,
    to: &'a mut SendHalf<FramingPair, W>,
    drain: Drain,
    /// Half of the drain's time is over, and the side waits for its last message, which had begun before.
    waited_for_last: bool,
    /// Until when a side that has sent nothing is new. `None` after its first message.
    new_until: Option<Instant>,
}

/// The result of passing messages.
#[derive(Debug)]
pub(crate) enum Taken {
    /// So many messages were passed on. They may still be queued.
    Messages(usize),
    /// The side has ended.
    Closed,
    /// The drain ends the side: no more messages are taken.
    Drained,
}

/// If more bytes than this are queued, they are written before another message is taken.
const QUEUED: usize = 32 * 1024;

impl<'a, R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Intake<'a, R, W> {
    pub(crate) fn new(
        from: &'a mut RecvHalf<FramingPair, R>,
        to: &'a mut SendHalf<FramingPair, W>,
        drain: Drain,
    ) -> Self {
        let new_until = Some(Instant::now() + Lifetime::CONNECT_GRACE);
        Self { from, to, drain, waited_for_last: false, new_until }
    }

    /// Passes messages on until a drain begins, and calls `passed` with their number. Returns whether the side ended
    /// before that.
    pub(crate) async fn pass_until_drain(&mut self, passed: impl Fn(usize)) -> Result<bool, Error> {
        let Self { from, to, drain, new_until, .. } = self;
        let pass_all = async {
            loop {
                let count = from.forward(to).await?;
                *new_until = None;
                if count == 0 {
                    return Ok(true);
                }
                passed(count);
            }
        };
        let begun = pin!(drain.begun());
        tokio::select! {
            biased;
            // First, because messages that never end would use up the turn of the task.
            () = WhenWoken::new(begun) => Ok(false),
            ended = pass_all => ended,
        }
    }

    /// Passes on the messages that can be had without waiting, or reports the end.
    async fn at_hand(&mut self) -> Result<Option<Taken>, Error> {
        if self.drain.stage() == DrainStage::Closing {
            return self.buffered().await;
        }
        match poll_fn(|context| Poll::Ready(self.from.poll_forward(context, self.to))).await {
            Poll::Ready(passed) => Ok(Some(self.taken(passed?))),
            Poll::Pending => Ok(None),
        }
    }

    /// Passes on one message that has been read already.
    async fn buffered(&mut self) -> Result<Option<Taken>, Error> {
        if self.to.unwritten_bytes() > QUEUED {
            self.to.flush().await?;
        }
        let Some(message) = self.from.buffered()? else { return Ok(None) };
        // There is room, so the message is not lost by a wait.
        self.to.feed(&message).await?;
        Ok(Some(Taken::Messages(1)))
    }

    /// Waits for messages or the end. `settled` completes when no reply is owed.
    pub(crate) async fn next<F: Future<Output = ()>>(&mut self, settled: impl Fn() -> F) -> Result<Taken, Error> {
        loop {
            if let Some(taken) = self.at_hand().await? {
                return Ok(taken);
            }
            // While messages are queued, it is not quiet. They are written, and what has arrived meanwhile is taken.
            if self.to.unwritten() > 0 {
                self.to.flush().await?;
                continue;
            }
            let stage = self.drain.stage();
            let begun = self.from.unfinished().is_some();
            if stage == DrainStage::Closing {
                if !begun || self.waited_for_last {
                    return Ok(Taken::Drained);
                }
                self.waited_for_last = true;
            }
            let new_until = self.new_until.filter(|&until| stage == DrainStage::Draining && Instant::now() < until);
            let changes = async {
                match stage {
                    DrainStage::Open => self.drain.begun().await,
                    DrainStage::Draining => match new_until {
                        Some(until) => drop(timeout_at(until, self.drain.half_over()).await),
                        None => self.drain.half_over().await,
                    },
                    DrainStage::Closing => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                // tokio returns `Pending` to a task that has used up its budget. That is not a quiet moment.
                passed = unconstrained(self.from.forward(self.to)) => return Ok(self.taken(passed?)),
                () = changes => {}
                () = settled(), if stage == DrainStage::Draining && !begun && new_until.is_none() => return Ok(Taken::Drained),
            }
        }
    }

    fn taken(&mut self, passed: usize) -> Taken {
        self.new_until = None;
        if passed > 0 { Taken::Messages(passed) } else { Taken::Closed }
    }
}
