//! Taking messages from a connection until it ends, or the program is to.

use std::future::poll_fn;
use std::task::Poll;

use framelink_transport::tokio::{Error, RecvHalf};
use framelink_transport::{Directions, Message};
use tokio::io::AsyncRead;
use tokio::task::coop::unconstrained;

use crate::drain::{Drain, Stage};

/// The messages of one side. A drain ends them at the first quiet moment: nothing is there to be read, none has begun
/// to come, no reply is owed. Whoever never is quiet is taken from for half of the time.
pub(crate) struct Intake<'a, R> {
    from: &'a mut RecvHalf<Directions, R>,
    drain: Drain,
    /// The message that had begun when half of the time was over is the last that is waited for.
    waited_for_last: bool,
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
    pub(crate) const fn new(from: &'a mut RecvHalf<Directions, R>, drain: Drain) -> Self {
        Self { from, drain, waited_for_last: false }
    }

    /// What is there already, if anything is.
    pub(crate) async fn at_hand(&mut self) -> Result<Option<Taken>, Error> {
        if self.drain.stage() == Stage::Closing {
            return Ok(self.from.buffered()?.map(Taken::Message));
        }
        match poll_fn(|context| Poll::Ready(self.from.poll_recv(context))).await {
            Poll::Ready(received) => Ok(Some(Taken::of(received?))),
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
            if stage == Stage::Closing {
                if !begun || self.waited_for_last {
                    return Ok(Taken::Drained);
                }
                self.waited_for_last = true;
            }
            let changes = async {
                match stage {
                    Stage::Open => self.drain.begun().await,
                    Stage::Draining => self.drain.half_over().await,
                    Stage::Closing => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                // Whoever has used up its turn is told that nothing is there, which must not pass for a quiet moment.
                received = unconstrained(self.from.recv()) => return Ok(Taken::of(received?)),
                () = changes => {}
                () = settled(), if stage == Stage::Draining && !begun => return Ok(Taken::Drained),
            }
        }
    }
}

impl Taken {
    fn of(received: Option<Message>) -> Self {
        received.map_or(Self::Closed, Self::Message)
    }
}
