//! Taking messages from a connection until it ends, or the program is to.

use std::future::poll_fn;
use std::task::Poll;

use framelink_transport::session::Lifetime;
use framelink_transport::tokio::{Error, RecvHalf};
use framelink_transport::{FramingPair, Message};
use tokio::io::AsyncRead;
use tokio::task::coop::unconstrained;
use tokio::time::{Instant, timeout_at};

use crate::server::drain::{Drain, DrainStage};

/// The messages of one side. A drain ends them at the first quiet moment: nothing is there to be read, none has begun
/// to come, no reply is owed. A side that is new and has sent nothing has a moment for its first message, as at a server of the library. A
/// side that is never quiet is read for half of the drain's time.
pub(crate) struct Intake<'a, R> {
    from: &'a mut RecvHalf<FramingPair, R>,
    drain: Drain,
    /// The message that had begun when half of the time was over is the last that is waited for.
    waited_for_last: bool,
    /// Until then a side that has sent nothing yet may be about to. `None` after its first message.
    new_until: Option<Instant>,
}

/// What came of taking.
#[derive(Debug)]
pub(crate) enum Taken {
    /// A message.
    Message(Message),
    /// The side has ended.
    Closed,
    /// The program is to end, and no more is taken.
    Drained,
}

impl<'a, R: AsyncRead + Unpin> Intake<'a, R> {
    pub(crate) fn new(from: &'a mut RecvHalf<FramingPair, R>, drain: Drain) -> Self {
        let new_until = Some(Instant::now() + Lifetime::CONNECT_GRACE);
        Self { from, drain, waited_for_last: false, new_until }
    }

    /// What is there already, if anything is.
    pub(crate) async fn at_hand(&mut self) -> Result<Option<Taken>, Error> {
        if self.drain.stage() == DrainStage::Closing {
            return Ok(self.from.buffered()?.map(Taken::Message));
        }
        match poll_fn(|context| Poll::Ready(self.from.poll_recv(context))).await {
            Poll::Ready(received) => Ok(Some(self.taken(received?))),
            Poll::Pending => Ok(None),
        }
    }

    /// Waits for what comes next. `settled` is done when no reply is owed.
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
                // tokio answers `Pending` to a task that has used up its turn. That must not pass for a quiet moment.
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
