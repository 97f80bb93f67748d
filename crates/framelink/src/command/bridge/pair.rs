//! An accepted connection and the outgoing one that belongs to it.

use std::fmt;
use std::future::ready;
use std::pin::pin;
use std::time::Duration;

use framelink_transport::Directions;
use framelink_transport::session::ByteCount;
use framelink_transport::tokio::{Connection, Error};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{sleep, timeout};

use super::relay::{Relay, Tally};
use crate::drain::{Drain, Stage};
use crate::output::Count;

/// After one side has ended, for how long nothing may move the other way before the pair is closed. As long as Linux keeps a
/// half-closed connection that nobody owns.
const HALF_CLOSED: Duration = Duration::from_secs(60);
/// After the client's direction has failed, how long the host has for the replies to what went before.
const REPLIES: Duration = Duration::from_secs(5);
/// How long the peers of a pair that ends before they did may take to close too.
const LINGER: Duration = Duration::from_secs(1);
/// How long to look for messages that have come and cannot go out any more.
const LAST_LOOK: Duration = Duration::from_millis(100);

/// An accepted connection, the client's, and the outgoing one to the host.
pub(crate) struct Pair<A, B, C, D> {
    up: Relay<A, D>,
    down: Relay<C, B>,
}

/// What a pair has passed on.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Passed {
    to_host: u64,
    to_client: u64,
    /// Messages that had come, wholly or in part, and did not go out.
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
        Self { up: Relay::new(from_client, to_host), down: Relay::new(from_host, to_client) }
    }

    /// Passes messages both ways until both sides have ended, one has failed, or the time to drain is over.
    pub(crate) async fn run(mut self, mut drain: Drain) -> (Passed, Result<(), Error>) {
        let passing = self.pass_both_ways(drain.clone());
        let ended = tokio::select! {
            biased;
            ended = passing => ended,
            () = drain.over() => Ok(()),
        };
        tokio::select! {
            biased;
            () = self.part() => {}
            () = drain.over() => {}
        }
        if drain.stage() == Stage::Closing && !drain.was_forced() {
            // What has come lies in the system's buffers too.
            let _ = timeout(LAST_LOOK, self.take_the_rest()).await;
        }
        self.up.take_what_was_read();
        self.down.take_what_was_read();
        let cut = self.up.cut() + self.down.cut();
        (Passed { to_host: self.up.written(), to_client: self.down.written(), cut }, ended)
    }

    async fn pass_both_ways(&mut self, drain: Drain) -> Result<(), Error> {
        let (up, down) = (&Tally::default(), &Tally::default());
        let [up_bytes, down_bytes] = [self.up.byte_counts(), self.down.byte_counts()];
        // Many hosts drop what they are working on when their client's side ends. So they are not told before as many messages
        // came back as went out.
        let replied = || down.reaches(up.get());
        let mut upwards = pin!(self.up.run(up, drain, replied));
        let mut downwards = pin!(self.down.run(down, Drain::never(), || ready(())));
        tokio::select! {
            ended = &mut upwards => match ended {
                Ok(()) => while_it_moves(downwards, &down_bytes).await,
                Err(error) => {
                    let _ = timeout(REPLIES, downwards).await;
                    Err(error)
                }
            },
            ended = &mut downwards => match ended {
                Ok(()) => while_it_moves(upwards, &up_bytes).await,
                // No reply would find its way back: nothing more is asked.
                Err(error) => Err(error),
            },
        }
    }

    /// What was passed on is written, and both peers may take it, before a socket that still holds unread bytes resets them.
    async fn part(&mut self) {
        let part = async {
            tokio::join!(self.up.finish(), self.down.finish());
            self.take_the_rest().await;
        };
        let _ = timeout(LINGER, part).await;
    }

    async fn take_the_rest(&mut self) {
        tokio::join!(self.up.take_the_rest(), self.down.take_the_rest());
    }
}

/// Half of a pair has ended; the other goes on while bytes come or go.
async fn while_it_moves(
    direction: impl Future<Output = Result<(), Error>>,
    bytes: &[ByteCount; 2],
) -> Result<(), Error> {
    const LOOKS: u32 = 4;
    let count = || bytes.each_ref().map(ByteCount::get);
    let stillness = async {
        let (mut before, mut still) = (count(), 0);
        while still < LOOKS {
            sleep(HALF_CLOSED / LOOKS).await;
            let now = count();
            still = if now == before { still + 1 } else { 0 };
            before = now;
        }
    };
    tokio::select! {
        biased;
        ended = direction => ended,
        () = stillness => Ok(()),
    }
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
