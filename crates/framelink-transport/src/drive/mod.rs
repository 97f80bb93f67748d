//! What every driver does with its socket, written once.
//!
//! A driver lends it an [`Input`] and an [`Output`] that answer at once or wait, as its sockets do: `WouldBlock` says that
//! nothing more can be done now. What that means (suspend, give up, tell the caller) is the driver's part.

mod call;
mod receive;
mod send;

use std::io::{self, IoSlice};
use std::time::Duration;

#[cfg(any(feature = "tokio", feature = "nonblocking"))]
pub(crate) use call::Wants;
pub(crate) use call::{Answer, Call};
pub(crate) use receive::{Came, discard, receive};
pub(crate) use send::{Progress, flush, put, queue};

/// What a driver reads from.
pub(crate) trait Input {
    /// Reads what is there, or waits for it where the driver waits, until then at most.
    fn read(&mut self, space: &mut [u8], until: Option<Duration>) -> io::Result<usize>;

    /// Reads what is there and waits for nothing.
    fn read_now(&mut self, space: &mut [u8]) -> io::Result<usize>;
}

/// What a driver writes to.
pub(crate) trait Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;
    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize>;
    /// Whether parts that are written together leave together.
    fn gathers(&self) -> bool;
    fn flush(&mut self) -> io::Result<()>;
    fn shut_down(&mut self) -> io::Result<()>;
}

/// Both at once, for what reads and writes.
pub(crate) trait Port {
    fn input(&mut self) -> &mut impl Input;
    fn output(&mut self) -> &mut impl Output;
}

impl<I: Input, O: Output> Port for (I, O) {
    fn input(&mut self) -> &mut impl Input {
        &mut self.0
    }

    fn output(&mut self) -> &mut impl Output {
        &mut self.1
    }
}

/// Time, as sessions take it: since a moment that the driver chose.
pub(crate) trait Clock {
    fn now(&self) -> Duration;
}

/// Nothing more can be done now. (`TimedOut` is something else: the system has given the connection up.)
fn is_wait(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}
