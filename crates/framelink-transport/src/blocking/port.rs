//! Adapts blocking streams to `drive`: an operation waits, and stops waiting at its deadline.

use std::io::{self, IoSlice};
use std::time::Duration;

use super::stopper::Interrupt;
use super::{ReadStream, WriteStream};
use crate::drive::{Clock as _, Input, Output, Secured};
use crate::net::clock::Clock;

/// The timeout that the system has for reads or writes, so that it is set again only when it changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Timeout {
    /// We have not set it; the application may have.
    #[default]
    Unknown,
    Told(Option<Duration>),
}

/// A stream and the deadline of its operations.
pub(super) struct Port<'p, S> {
    pub(super) stream: &'p mut S,
    pub(super) timeout: &'p mut Timeout,
    pub(super) clock: Clock,
    pub(super) deadline: Option<Duration>,
    /// The longest wait of one write, when there is other work between two writes.
    pub(super) slice: Option<Duration>,
    /// Ends a read that waits.
    pub(super) interrupt: Option<&'p Interrupting<S>>,
}

/// A stream, with TLS if the connection has it.
pub(super) type SecuredPort<'p, S> = Secured<'p, Port<'p, S>>;

/// Ends the waits for this stream from elsewhere.
#[derive(Debug)]
pub(super) struct Interrupting<S> {
    pub(super) interrupt: Interrupt,
    /// Waits for the stream or the interrupt. Returns whether the stream is readable.
    pub(super) wait: fn(&Interrupt, &S, Option<Duration>) -> io::Result<bool>,
}

/// How long a write waits while reads must go on as well, because the peer may be waiting for us to read.
pub(super) const SLICE: Duration = Duration::from_millis(10);

/// How long bytes that had arrived at the deadline are still taken, even if the peer never stops sending.
const GRACE: Duration = Duration::from_millis(50);

impl Timeout {
    /// Returns the timeout to set so that the system waits for `left`, or `None` if the present one is good enough.
    ///
    /// A slightly longer timeout is good enough, because setting it costs a system call, and each message of a steady
    /// exchange has a few microseconds less than its whole time.
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

/// Rounds up.
fn in_milliseconds(time: Duration) -> Duration {
    let millis = time.saturating_add(MILLISECOND - Duration::from_nanos(1)).as_millis();
    Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}

impl<S> Port<'_, S> {
    /// Returns the time and how long to wait, or `WouldBlock` after the deadline. Without a limit it reads no clock.
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

    fn wait<T>(
        &mut self,
        (began, left): (Duration, Option<Duration>),
        tell: impl Fn(&mut S, Option<Duration>) -> io::Result<()>,
        mut operation: impl FnMut(&mut S) -> io::Result<T>,
    ) -> io::Result<T> {
        /// A system whose tick count lags behind its clock ends a wait too early, but not this many times in a row.
        const EARLY_ENDS: u32 = 8;
        let mut early_ends = 0;
        loop {
            if let Some(timeout) = self.timeout.change(left) {
                *self.timeout = Timeout::Unknown;
                tell(self.stream, timeout)?;
                *self.timeout = Timeout::Told(timeout);
            }
            match operation(self.stream) {
                // Windows reports an expired timeout with the error of a connection that timed out.
                Err(error) if cfg!(windows) && error.kind() == io::ErrorKind::TimedOut && left.is_some() => {
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && self.waited_too_little(began, left) => {
                    early_ends += 1;
                    if early_ends > EARLY_ENDS {
                        // A non-blocking stream would make this loop spin.
                        let message = "the stream is non-blocking; the blocking driver needs a blocking stream";
                        return Err(io::Error::other(message));
                    }
                    // The application may have changed the timeout.
                    *self.timeout = Timeout::Unknown;
                }
                done => return done,
            }
        }
    }

    fn waited_too_little(&self, began: Duration, left: Option<Duration>) -> bool {
        left.is_none_or(|left| self.clock.now().saturating_sub(began) < left / 2)
    }

    /// Returns whether the stream is readable. Without an interrupt this is always true, and the read itself waits.
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
            // Bytes that have arrived count, however late we read.
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
