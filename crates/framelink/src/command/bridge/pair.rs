//! An accepted connection and the outgoing one that belongs to it.

use std::fmt;
use std::time::Duration;

use framelink_transport::Directions;
use framelink_transport::tokio::{Connection, Error, RecvHalf, SendHalf};
use tokio::io::{AsyncRead, AsyncWrite};

use super::relay::{End, Tally, relay};
use crate::drain::Drain;
use crate::output::Count;

/// How long a pair that failed may take to write what it holds, and the peers of one that ends before they did to take it.
const LINGER: Duration = Duration::from_secs(1);

/// An accepted connection, the client's, and the outgoing one to the host.
pub(crate) struct Pair<A, B, C, D> {
    from_client: RecvHalf<Directions, A>,
    to_client: SendHalf<Directions, B>,
    from_host: RecvHalf<Directions, C>,
    to_host: SendHalf<Directions, D>,
}

/// What a pair has passed on.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Passed {
    to_host: u64,
    to_client: u64,
    /// Messages that had come, wholly or in part, and did not go out before the deadline.
    pub(crate) cut: u64,
}

impl<A, B, C, D> Pair<A, B, C, D>
where
    A: AsyncRead + Unpin,
    B: AsyncWrite + Unpin,
    C: AsyncRead + Unpin,
    D: AsyncWrite + Unpin,
{
    pub(crate) fn new(client: Connection<Directions, A, B>, host: Connection<Directions, C, D>) -> Self {
        let (from_client, to_client) = client.split();
        let (from_host, to_host) = host.split();
        Self { from_client, to_client, from_host, to_host }
    }

    /// Passes messages both ways until both sides have ended, one has failed, or the time to drain is over.
    pub(crate) async fn run(mut self, drain: Drain) -> (Passed, Result<(), Error>) {
        let (up, down) = (Tally::default(), Tally::default());
        let mut deadline = drain.clone();
        let ended = tokio::select! {
            biased;
            ended = self.pass_both_ways(&up, &down, drain) => Some(ended),
            () = deadline.over() => None,
        };
        let mut passed = Passed { to_host: up.passed(), to_client: down.passed(), cut: 0 };
        let Some(ended) = ended else {
            passed.cut =
                cut(&up, &mut self.from_client, &self.to_host) + cut(&down, &mut self.from_host, &self.to_client);
            return (passed, Ok(()));
        };
        // A client that was told of the end may have sent more before it knew.
        if ended.is_err() || deadline.has_begun() {
            tokio::select! {
                () = self.linger() => {}
                () = deadline.over() => {}
            }
        }
        (passed, ended)
    }

    async fn pass_both_ways(&mut self, up: &Tally, down: &Tally, drain: Drain) -> Result<(), Error> {
        let Self { from_client, to_client, from_host, to_host } = self;
        let upwards = async {
            if relay(from_client, to_host, up, drain.clone()).await? == End::Draining {
                await_replies(up, down, drain).await;
            }
            to_host.finish().await
        };
        let downwards = async {
            relay(from_host, to_client, down, Drain::never()).await?;
            to_client.finish().await
        };
        tokio::try_join!(upwards, downwards).map(|_| ())
    }

    /// After a failure or a drain: what was passed on is written, and both peers may take it, before a socket that still
    /// holds unread bytes resets them.
    async fn linger(&mut self) {
        let finish = async {
            let _ = tokio::join!(self.to_host.finish(), self.to_client.finish());
            let _ = tokio::join!(self.from_client.discard(), self.from_host.discard());
        };
        let _ = tokio::time::timeout(LINGER, finish).await;
    }
}

/// Many hosts drop what they are working on when their client's side ends. So as long as fewer messages came back than went
/// out, its end is held back, for half of the time at most.
async fn await_replies(up: &Tally, down: &Tally, mut drain: Drain) {
    tokio::select! {
        () = down.reaches(up.passed()) => {}
        () = drain.half_over() => {}
    }
}

/// How many messages one direction holds, wholly or in part.
fn cut<R: AsyncRead + Unpin, W: AsyncWrite + Unpin>(
    tally: &Tally,
    from: &mut RecvHalf<Directions, R>,
    to: &SendHalf<Directions, W>,
) -> u64 {
    let mut cut = tally.held() + to.unwritten() as u64;
    while let Ok(Some(_)) = from.buffered() {
        cut += 1;
    }
    cut + u64::from(from.unfinished().is_some())
}

impl fmt::Display for Passed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to the host and {} to the client", Count(self.to_host, "message"), self.to_client)?;
        if self.cut > 0 {
            write!(f, ", {} cut", self.cut)?;
        }
        Ok(())
    }
}
