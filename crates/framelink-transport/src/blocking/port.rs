//! Blocking streams as the session's drive sees them: what must wait does, and gives up when its time is over.

use std::io::{self, IoSlice};
use std::time::Duration;

use super::stopper::Interrupt;
use super::{ReadStream, WriteStream};
use crate::drive::{Clock as _, Input, Output};
use crate::net::clock::Clock;

/// How long the system lets a read or write wait: what it was told last, so that it is told again only when that changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Timeout {
    /// It was told nothing by us, and may have been by others.
    #[default]
    Unknown,
    Told(Option<Duration>),
}

/// A stream, and until when its operations may wait.
pub(super) struct Port<'p, S> {
    pub(super) stream: &'p mut S,
    pub(super) timeout: &'p mut Timeout,
    pub(super) clock: Clock,
    /// `None`: for ever.
    pub(super) deadline: Option<Duration>,
    /// Writes wait no longer than this at a time: between two there is something else to do.
    pub(super) slice: Option<Duration>,
    /// What ends a read that waits.
    pub(super) interrupt: Option<&'p Interrupting<S>>,
}

/// What ends the waits for this stream, from elsewhere.
#[derive(Debug)]
pub(super) struct Interrupting<S> {
    pub(super) interrupt: Interrupt,
    /// Waits for either: whether the stream has something to read.
    pub(super) wait: fn(&Interrupt, &S, Option<Duration>) -> io::Result<bool>,
}

/// How long a write waits where what comes must be looked at as well: the peer may wait for us to read.
pub(super) const SLICE: Duration = Duration::from_millis(10);

/// What had come when the time was over is taken, but a peer that never stops sending does not stop the clock.
const GRACE: Duration = Duration::from_millis(50);

impl Timeout {
    /// What to tell the system so that it waits as long as `left` says, if what it was told does not do.
    ///
    /// A little longer does, for telling costs a system call: each message of a steady exchange is left some microseconds less
    /// than its whole time.
    fn change(self, left: Option<Duration>) -> Option<Option<Duration>> {
        let does = match (self, left) {
            (Self::Unknown, _) | (Self::Told(None), Some(_)) => false,
            (Self::Told(told), None) => told.is_none(),
            (Self::Told(Some(told)), Some(left)) => told >= left && told - left <= (left / 256).max(MILLISECOND),
        };
        (!does).then(|| left.map(in_milliseconds))
    }
}

const MILLISECOND: Duration = Duration::from_millis(1);

/// Rounded up.
fn in_milliseconds(time: Duration) -> Duration {
    let millis = time.saturating_add(MILLISECOND - Duration::from_nanos(1)).as_millis();
    Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}

impl<S> Port<'_, S> {
    /// The time now and how long may be waited from now on; `WouldBlock` when that is over. Without a limit no clock is read.
    fn left(&self, until: Option<Duration>, most: Option<Duration>) -> io::Result<(Duration, Option<Duration>)> {
        let at = [self.deadline, until].into_iter().flatten().min();
        if at.is_none() && most.is_none() {
            return Ok((Duration::ZERO, None));
        }
        let now = self.clock.now();
        let left = at.map(|at| at.saturating_sub(now));
        match [left, most].into_iter().flatten().min() {
            Some(Duration::ZERO) => Err(io::ErrorKind::WouldBlock.into()),
            left => Ok((now, left)),
        }
    }

    /// Does what may wait.
    fn wait<T>(
        &mut self,
        (began, left): (Duration, Option<Duration>),
        tell: impl Fn(&mut S, Option<Duration>) -> io::Result<()>,
        mut operation: impl FnMut(&mut S) -> io::Result<T>,
    ) -> io::Result<T> {
        /// A system whose count of ticks lags behind its clock ends a wait too early, but not so many in a row.
        const EARLY_ENDS: u32 = 8;
        let mut early_ends = 0;
        loop {
            if let Some(timeout) = self.timeout.change(left) {
                *self.timeout = Timeout::Unknown;
                tell(self.stream, timeout)?;
                *self.timeout = Timeout::Told(timeout);
            }
            match operation(self.stream) {
                // Windows says that its time is over in the words for a connection that was given up.
                Err(error) if cfg!(windows) && error.kind() == io::ErrorKind::TimedOut && left.is_some() => {
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && self.waited_too_little(began, left) => {
                    early_ends += 1;
                    if early_ends > EARLY_ENDS {
                        // A stream that does not wait would have us spin.
                        let message = "the stream is non-blocking, the blocking driver needs one that waits";
                        return Err(io::Error::other(message));
                    }
                    // The application may have changed the timeout since.
                    *self.timeout = Timeout::Unknown;
                }
                done => return done,
            }
        }
    }

    fn waited_too_little(&self, began: Duration, left: Option<Duration>) -> bool {
        left.is_none_or(|left| self.clock.now().saturating_sub(began) < left / 2)
    }

    /// Whether there is something to read, where that may be interrupted; otherwise reading tells.
    fn is_readable(&self, left: Option<Duration>) -> io::Result<bool> {
        self.interrupt.map_or(Ok(true), |by| (by.wait)(&by.interrupt, self.stream, left))
    }

    fn is_long_over(&self) -> bool {
        self.deadline.is_some_and(|at| at.saturating_add(GRACE) <= self.clock.now())
    }
}

impl<R: ReadStream> Input for Port<'_, R> {
    fn read(&mut self, space: &mut [u8], until: Option<Duration>) -> io::Result<usize> {
        match self.left(until, self.interrupt.and(Interrupt::SLICE)) {
            Ok((_, left)) if !self.is_readable(left)? => Err(io::ErrorKind::WouldBlock.into()),
            Ok(left) => self.wait(left, R::set_read_timeout, |stream| stream.read(space)),
            Err(over) if self.is_long_over() => Err(over),
            // What has come counts, however late we look.
            Err(_) => self.stream.read_now(space),
        }
    }

    fn pause(&mut self, time: Duration) -> bool {
        let left = self.left(None, Some(time)).ok().and_then(|(_, left)| left);
        left.inspect(|left| std::thread::sleep(*left)).is_some()
    }

    fn read_now(&mut self, space: &mut [u8]) -> io::Result<usize> {
        self.stream.read_now(space)
    }

    fn waits(&self) -> bool {
        true
    }
}

impl<W: WriteStream> Output for Port<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.left(None, self.slice) {
            Ok(left) => self.wait(left, W::set_write_timeout, |stream| stream.write(bytes)),
            Err(_) => self.stream.write_now(bytes),
        }
    }

    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let left = self.left(None, self.slice)?;
        self.wait(left, W::set_write_timeout, |stream| stream.write_parts(parts))
    }

    fn gathers(&self) -> bool {
        self.stream.gathers()
    }

    fn waits(&self) -> bool {
        true
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.left(None, self.slice) {
            Ok(left) => self.wait(left, W::set_write_timeout, |stream| stream.flush()),
            Err(_) => self.stream.flush(),
        }
    }

    fn shut_down(&mut self) -> io::Result<()> {
        match self.left(None, self.slice) {
            Ok(left) => self.wait(left, W::set_write_timeout, |stream| stream.shut_down()),
            Err(_) => self.stream.shut_down(),
        }
    }
}
