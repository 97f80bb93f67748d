//! Takes messages from a connection until the connection or the drain ends.

use std::future::poll_fn;
use std::task::Poll;

use framelink_transport::session::Lifetime;
use framelink_transport::tokio::{Error, RecvHalf};
use framelink_transport::{FramingPair, Message};
use tokio::io::AsyncRead;
use tokio::task::coop::unconstrained;
use tokio::time::{Instant, timeout_at};

use crate::server::drain::{Drain, DrainStage};

/// The messages of one side. In a drain they end at the first quiet moment: no bytes are there to read, no message has
/// begun to arrive, and no reply is owed. A new side that has sent nothing gets a short time for its first message, as
/// at a server of the library. A side that is never quiet is read for half of the drain's time.
pub(crate) struct Intake<'a, R> {
    from: &'a mut RecvHalf<FramingPair, R>,
    drain: Drain,
    /// Half of the drain's time is over, and the side waits for its last message, which had begun before.
    waited_for_last: bool,
    /// Until when a side that has sent nothing is new. `None` after its first message.
    new_until: Option<Instant>,
}

/// The result of taking a message.
#[derive(Debug)]
pub(crate) enum Taken {
    /// A message.
    Message(Message),
    /// The side has ended.
    Closed,
    /// The drain ends the side: no more messages are taken.
    Drained,
}

impl<'a, R: AsyncRead + Unpin> Intake<'a, R> {
    pub(crate) fn new(from: &'a mut RecvHalf<FramingPair, R>, drain: Drain) -> Self {
        let new_until = Some(Instant::now() + Lifetime::CONNECT_GRACE);
        Self { from, drain, waited_for_last: false, new_until }
    }

    /// Returns the next message or the end, if it can be had without waiting.
    pub(crate) async fn at_hand(&mut self) -> Result<Option<Taken>, Error> {
        if self.drain.stage() == DrainStage::Closing {
            return Ok(self.from.buffered()?.map(Taken::Message));
        }
        match poll_fn(|context| Poll::Ready(self.from.poll_recv(context))).await {
            Poll::Ready(received) => Ok(Some(self.taken(received?))),
            Poll::Pending => Ok(None),
        }
    }

    /// Waits for the next message or the end. `settled` completes when no reply is owed.
    pub(crate) async fn next<F: Future<Output = ()>>(&mut self, settled: impl Fn() -> F) -> Result<Taken, Error> {
        loop {
            if let Some(taken) = self.at_hand().await? {
                return Ok(taken);
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
                received = unconstrained(self.from.recv()) => return Ok(self.taken(received?)),
                () = changes => {}
                () = settled(), if stage == DrainStage::Draining && !begun && new_until.is_none() => return Ok(Taken::Drained),
            }
        }
    }

    fn taken(&mut self, received: Option<Message>) -> Taken {
        self.new_until = None;
        received.map_or(Taken::Closed, Taken::Message)
    }
}
