//! One direction of a pair: messages from one connection to the other.

use std::future::poll_fn;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

use framelink_transport::tokio::{Error, RecvHalf, SendHalf};
use framelink_transport::{Directions, Message};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;

use crate::drain::Drain;

/// From this size on a message is written from where it lies; smaller ones are gathered and share a write.
const LARGE: usize = 4 * 1024;

/// How many messages went one way.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Taken from one side.
    taken: AtomicU64,
    /// Handed to the sending half of the other.
    passed: AtomicU64,
    changed: Notify,
}

impl Tally {
    pub(super) fn passed(&self) -> u64 {
        self.passed.load(Ordering::Relaxed)
    }

    /// Messages that are in nobody's hands but ours.
    pub(super) fn held(&self) -> u64 {
        self.taken.load(Ordering::Relaxed) - self.passed()
    }

    /// Waits until at least so many were passed on.
    pub(super) async fn reaches(&self, count: u64) {
        loop {
            let changed = self.changed.notified();
            if self.passed() >= count {
                return;
            }
            changed.await;
        }
    }

    fn count_refused(&self) {
        self.passed.fetch_sub(1, Ordering::Relaxed);
    }

    fn count_taken(&self) {
        self.taken.fetch_add(1, Ordering::Relaxed);
    }

    fn count_passed(&self) {
        self.passed.fetch_add(1, Ordering::Relaxed);
        self.changed.notify_waiters();
    }
}

/// Why no more messages are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The side they come from has ended.
    Closed,
    /// The program is to end.
    Draining,
}

/// Passes messages on until the side they come from ends, or the program is to. All that were taken are written then.
///
/// Messages that are there already are gathered before a write. A side that does not read stops us from reading.
/// While draining nothing new is read, but what has begun to come is finished.
pub(super) async fn relay<R: AsyncRead + Unpin, W: AsyncWrite + Unpin>(
    from: &mut RecvHalf<Directions, R>,
    to: &mut SendHalf<Directions, W>,
    tally: &Tally,
    mut drain: Drain,
) -> Result<End, Error> {
    loop {
        let draining = drain.has_begun();
        let at_hand = if draining {
            from.buffered().transpose().map_or(Poll::Pending, |message| Poll::Ready(message.map(Some)))
        } else {
            poll_fn(|context| Poll::Ready(from.poll_recv(context))).await
        };
        let received = match at_hand {
            Poll::Ready(received) => received,
            Poll::Pending => {
                to.flush().await?;
                if draining && from.unfinished().is_none() {
                    return Ok(End::Draining);
                }
                tokio::select! {
                    biased;
                    received = from.recv() => received,
                    () = drain.begun(), if !draining => continue,
                }
            }
        };
        match received {
            Ok(Some(message)) => {
                tally.count_taken();
                if let Err(error) = pass(&message, to, tally).await {
                    // It may be about this message only, and those before it go out.
                    let _ = to.flush().await;
                    return Err(error);
                }
            }
            Ok(None) => {
                to.flush().await?;
                return Ok(End::Closed);
            }
            Err(error) => {
                // What came before the error goes out before it is told.
                to.flush().await?;
                return Err(error);
            }
        }
    }
}

/// Hands a message to the sending half, which from then on counts it as unwritten until it is out.
async fn pass<W: AsyncWrite + Unpin>(
    message: &Message,
    to: &mut SendHalf<Directions, W>,
    tally: &Tally,
) -> Result<(), Error> {
    if message.len() < LARGE {
        to.feed(message).await?;
        tally.count_passed();
        return Ok(());
    }
    // With nothing before it, it is accepted as soon as this is polled, so it counts as passed before it is written: it would
    // be counted twice if it were cut.
    to.flush().await?;
    tally.count_passed();
    to.send(message).await.inspect_err(|_| tally.count_refused())
}
