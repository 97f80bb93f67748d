//! Tries the addresses of a peer and chooses the first that connects: Happy Eyeballs version 2, RFC 8305.
//!
//! ```text
//!            0 ms       250 ms                500 ms
//!   first    ├───────────────────────────────────────────── no answer: closed when another try wins
//!   second              ├──────── refused
//!   third                        ├───────────────── connected: this one is used
//! ```
//!
//! The next try begins 250 ms after the one before it, or at once when that one fails. One deadline covers all tries.
//! Tries begin earlier if that is needed to try each address before the deadline.
//!
//! The driver has the sockets and the clock. It does what [`Race::step`] returns, until that is a socket or a failure.

use std::io;
use std::mem;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use std::vec;

use super::answered::Answered;

/// The tries of one dial. When one of them wins, and when the race is dropped, the other sockets are closed.
#[derive(Debug)]
pub(crate) struct Race<S> {
    answered: Arc<Answered>,
    /// The addresses that were not tried yet.
    waiting: vec::IntoIter<SocketAddr>,
    /// The tries that have neither connected nor failed, oldest first.
    under_way: Vec<(Try, S)>,
    winner: Option<(S, SocketAddr)>,
    most_under_way: usize,
    next_at: Duration,
    deadline: Duration,
    tried: usize,
    /// Whether a try has not been looked at. It is looked at before the clock: the process may have been stopped.
    is_unseen: bool,
    /// The failure of the last address that has failed, in the order of the addresses.
    failure: Option<Failure>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Try {
    pub(crate) address: SocketAddr,
    /// The share of the time that is left for this address, if no other is tried at the time.
    pub(crate) share: Duration,
    number: usize,
    began: Duration,
}

/// A socket that was told to connect.
#[derive(Debug)]
pub(crate) enum Begun<S> {
    Connected(S),
    UnderWay(S),
}

/// Why a try failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) address: SocketAddr,
    /// `TimedOut` without a system error number means that the address did not answer.
    pub(crate) error: io::Error,
    /// How long the address had to answer.
    pub(crate) after: Duration,
    number: usize,
}

/// The next step of the driver.
#[derive(Debug)]
#[must_use]
pub(crate) enum Step<S> {
    /// Begin to connect to this address, and call [`Race::on_begun`].
    Begin(Try),
    /// Wait until a connecting socket is writable, or until this time, and call [`Race::look`].
    Wait {
        until: Duration,
    },
    Connected(S, SocketAddr),
    /// All addresses have failed. `None`: there is no address.
    Failed(Option<Failure>),
}

impl<S> Race<S> {
    /// The "Connection Attempt Delay" that RFC 8305 recommends.
    const DELAY: Duration = Duration::from_millis(250);
    /// The maximum number of open sockets. A name with more addresses costs no more descriptors.
    const MOST_UNDER_WAY: usize = 8;

    /// Makes a race that tries the addresses in this order.
    pub(crate) fn new(answered: Arc<Answered>, addresses: Vec<SocketAddr>, deadline: Duration) -> Self {
        Self {
            answered,
            waiting: addresses.into_iter(),
            under_way: Vec::new(),
            winner: None,
            most_under_way: Self::MOST_UNDER_WAY,
            next_at: Duration::ZERO,
            deadline,
            tried: 0,
            is_unseen: false,
            failure: None,
        }
    }

    /// Makes the race try one address after the other, each for its share of the time.
    pub(crate) fn one_at_a_time(self) -> Self {
        Self { most_under_way: 1, ..self }
    }

    pub(crate) fn step(&mut self, now: Duration) -> Step<S> {
        if let Some((socket, address)) = self.winner.take() {
            self.answered.on_connected(address);
            self.under_way.clear();
            return Step::Connected(socket, address);
        }
        if mem::take(&mut self.is_unseen) {
            return self.wait();
        }
        if now >= self.deadline {
            return self.give_up(now);
        }
        if now >= self.next_at
            && let Some(next) = self.next_try(now)
        {
            return Step::Begin(next);
        }
        match self.under_way.is_empty() {
            true => Step::Failed(self.failure.take()),
            false => self.wait(),
        }
    }

    /// Notes that a try has begun, or has failed at once.
    pub(crate) fn on_begun(&mut self, begun: Try, socket: io::Result<Begun<S>>) {
        match socket {
            Ok(Begun::Connected(socket)) => self.winner = Some((socket, begun.address)),
            Ok(Begun::UnderWay(socket)) => {
                self.under_way.push((begun, socket));
                self.is_unseen = true;
            }
            Err(error) => self.fail(begun, error, begun.share),
        }
    }

    /// Makes the next step a look at the sockets, however late it is.
    pub(crate) const fn look_first(&mut self) {
        self.is_unseen = !self.under_way.is_empty();
    }

    /// Returns the sockets to wait for.
    #[cfg(any(test, all(unix, any(feature = "blocking", feature = "nonblocking"))))]
    pub(crate) fn sockets(&self) -> impl Iterator<Item = &S> {
        self.under_way.iter().map(|(_, socket)| socket)
    }

    /// Looks at each connecting socket in the order of [`sockets`](Self::sockets): `is_connected` says if it has
    /// connected or failed. Returns `Ready` if one has. If several are connected, the first of them wins.
    pub(crate) fn look(&mut self, mut is_connected: impl FnMut(&S) -> Poll<io::Result<()>>) -> Poll<()> {
        let (mut at, mut looked) = (0, Poll::Pending);
        while let Some((_, socket)) = self.under_way.get(at) {
            let Poll::Ready(connected) = is_connected(socket) else {
                at += 1;
                continue;
            };
            let (tried, socket) = self.under_way.remove(at);
            looked = Poll::Ready(());
            match connected {
                Ok(()) => {
                    self.winner = Some((socket, tried.address));
                    break;
                }
                Err(error) => self.fail(tried, error, tried.share),
            }
        }
        looked
    }

    fn wait(&self) -> Step<S> {
        let until = if self.waiting.len() > 0 { self.next_at.min(self.deadline) } else { self.deadline };
        Step::Wait { until }
    }

    fn next_try(&mut self, now: Duration) -> Option<Try> {
        let share = (self.deadline - now) / u32::try_from(self.waiting.len()).unwrap_or(u32::MAX).max(1);
        let address = self.waiting.next()?;
        if self.under_way.len() == self.most_under_way {
            let (oldest, _) = self.under_way.remove(0);
            self.time_out(oldest, now);
        }
        self.next_at = now.saturating_add(if self.most_under_way == 1 { share } else { share.min(Self::DELAY) });
        self.tried += 1;
        Some(Try { address, share, number: self.tried, began: now })
    }

    fn give_up(&mut self, now: Duration) -> Step<S> {
        for (tried, _) in mem::take(&mut self.under_way) {
            self.time_out(tried, now);
        }
        // There was no time to try any address.
        if self.failure.is_none()
            && let Some(address) = self.waiting.next()
        {
            self.time_out(Try { address, share: Duration::ZERO, number: 0, began: now }, now);
        }
        Step::Failed(self.failure.take())
    }

    fn time_out(&mut self, tried: Try, now: Duration) {
        self.fail(tried, io::ErrorKind::TimedOut.into(), now.saturating_sub(tried.began));
    }

    fn fail(&mut self, tried: Try, error: io::Error, after: Duration) {
        let Try { address, number, .. } = tried;
        self.answered.on_failed(address);
        if number == self.tried {
            self.next_at = Duration::ZERO;
        }
        if self.failure.as_ref().is_none_or(|failure| failure.number < number) {
            self.failure = Some(Failure { address, error, after, number });
        }
    }
}

/// Sorts the addresses so that IPv4 and IPv6 alternate while there are both, beginning with the first address.
pub(crate) fn alternating(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let is_ipv4 = addresses.first().is_some_and(SocketAddr::is_ipv4);
    let (first, other): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|address| address.is_ipv4() == is_ipv4);
    let mut other = other.into_iter();
    let mut sorted: Vec<_> = first.into_iter().flat_map(|address| [Some(address), other.next()]).flatten().collect();
    sorted.extend(other);
    sorted
}

#[cfg(test)]
mod tests;
