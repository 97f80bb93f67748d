//! Blocking streams as the session's drive sees them: what must wait does, and gives up when its time is over.

use std::io::{self, IoSlice};
use std::time::Duration;

use super::{ReadStream, WriteStream};
use crate::clock::Clock;
use crate::drive::{Clock as _, Input, Output};

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
}

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
    /// How long may be waited until the earlier of both; an error when that is over.
    fn left(&self, until: Option<Duration>) -> io::Result<Option<Duration>> {
        let Some(at) = [self.deadline, until].into_iter().flatten().min() else { return Ok(None) };
        match at.saturating_sub(self.clock.now()) {
            Duration::ZERO => Err(io::ErrorKind::WouldBlock.into()),
            left => Ok(Some(left)),
        }
    }

    /// Waits as long as it may.
    fn wait<T>(
        &mut self,
        until: Option<Duration>,
        tell: impl FnOnce(&mut S, Option<Duration>) -> io::Result<()>,
        operation: impl FnOnce(&mut S) -> io::Result<T>,
    ) -> io::Result<T> {
        let left = self.left(until)?;
        if let Some(timeout) = self.timeout.change(left) {
            *self.timeout = Timeout::Unknown;
            tell(self.stream, timeout)?;
            *self.timeout = Timeout::Told(timeout);
        }
        match operation(self.stream) {
            // Windows says that its time is over in the words for a connection that was given up.
            Err(error) if cfg!(windows) && error.kind() == io::ErrorKind::TimedOut && left.is_some() => {
                Err(io::ErrorKind::WouldBlock.into())
            }
            // A stream that does not wait would have us spin.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && self.waited_too_little(until, left) => {
                Err(io::Error::other("the stream is non-blocking, the blocking driver needs one that waits"))
            }
            done => done,
        }
    }

    fn waited_too_little(&self, until: Option<Duration>, left: Option<Duration>) -> bool {
        match (left, self.left(until)) {
            (None, _) => true,
            (Some(before), Ok(Some(now))) => now > before / 2,
            _ => false,
        }
    }
}

impl<R: ReadStream> Input for Port<'_, R> {
    fn read(&mut self, space: &mut [u8], until: Option<Duration>) -> io::Result<usize> {
        // What has come counts, however late it is.
        if self.left(until).is_err() {
            return self.stream.read_now(space);
        }
        self.wait(until, R::set_read_timeout, |stream| stream.read(space))
    }

    fn read_now(&mut self, space: &mut [u8]) -> io::Result<usize> {
        self.stream.read_now(space)
    }
}

impl<W: WriteStream> Output for Port<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.wait(None, W::set_write_timeout, |stream| stream.write(bytes))
    }

    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.wait(None, W::set_write_timeout, |stream| stream.write_parts(parts))
    }

    fn gathers(&self) -> bool {
        self.stream.gathers()
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }

    fn shut_down(&mut self) -> io::Result<()> {
        self.stream.shut_down()
    }
}
