//! The use of a socket, written once for all drivers.
//!
//! A driver provides an [`Input`] and an [`Output`] that return at once or wait, as its sockets do. `WouldBlock` means
//! that nothing more can be done now. The driver then suspends the task, waits, or returns to the caller.

mod attend;
mod call;
mod close;
mod close_report;
mod forward;
mod guarded;
mod handshake;
mod layers;
mod open;
mod opening;
mod poll;
mod reading;
mod receive;
mod secured;
mod send;

use std::io::{self, IoSlice};
use std::time::Duration;

pub(crate) use call::Call;
pub(crate) use close::Close;
pub use close_report::CloseReport;
pub(crate) use forward::forward;
pub(crate) use guarded::{guarded, is_lost};
pub(crate) use layers::{Layers, LayersBox};
pub(crate) use open::{Inbound, Open};
pub use poll::{TryRecv, TrySend};
pub(crate) use receive::{Came, Delivery, Turn, at_hand, buffered, deliver, place_at_hand};
pub(crate) use secured::Secured;
pub(crate) use send::{Progress, flush, put, queue, queue_now, sent_of_message, try_put, try_queue, write_beats};

/// The reading side of a socket.
pub(crate) trait Input {
    /// Reads what is available. On a blocking driver, waits until `until` at most.
    fn read(&mut self, space: &mut [u8], until: Option<Duration>) -> io::Result<usize>;

    /// Returns whether the last read was refused because the task's budget is used up. The task is woken again.
    fn is_starved(&self) -> bool {
        false
    }

    /// Returns whether reads wait for data, up to a deadline.
    fn waits(&self) -> bool {
        false
    }

    /// Sleeps for `time` if reads wait. Returns false if they do not, or may not wait any longer.
    fn pause(&mut self, _time: Duration) -> bool {
        false
    }

    /// Reads what is available, without waiting.
    fn read_now(&mut self, space: &mut [u8]) -> io::Result<usize>;

    /// Returns the deadline of the PROXY protocol header or the TLS handshake, if there is one and it is not over.
    #[inline]
    fn handshake_until(&self) -> Option<Duration> {
        None
    }

    /// Returns whether the handshake is that of TLS.
    fn is_tls_handshake(&self) -> bool {
        false
    }

    /// Returns the error that the handshake was not over in time.
    fn handshake_timed_out(&self, _after: Duration) -> io::Error {
        io::ErrorKind::TimedOut.into()
    }
}

/// The writing side of a socket.
pub(crate) trait Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;
    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize>;
    /// Returns whether `write_vectored` writes all parts in one operation.
    fn gathers(&self) -> bool;
    /// Returns whether writes wait, and hold their bytes meanwhile.
    fn waits(&self) -> bool {
        false
    }
    fn flush(&mut self) -> io::Result<()>;
    fn shut_down(&mut self) -> io::Result<()>;
}

/// Both sides of a socket.
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

/// A deadline that has passed: there may be more to do, after others have had their turn.
pub(crate) const AT_ONCE: Option<Duration> = Some(Duration::ZERO);

/// What to wait for before there is more to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wants {
    /// Wait until the socket is writable.
    Write,
    /// Wait until the socket is writable, or until this time.
    WriteUntil(Duration),
    /// Wait until the socket is readable, or until this time.
    Read(Option<Duration>),
    /// Wait until the socket is readable or writable, or until this time.
    Both(Option<Duration>),
}

impl Wants {
    /// Returns when to continue even if the socket is not ready.
    pub(crate) const fn until(self) -> Option<Duration> {
        match self {
            Self::Write => None,
            Self::WriteUntil(until) => Some(until),
            Self::Read(until) | Self::Both(until) => until,
        }
    }
}

/// The clock of a session. It counts from a moment that the driver chose.
pub(crate) trait Clock {
    fn now(&self) -> Duration;
}

/// Returns whether the operation would have to wait. (`TimedOut` differs: the system has given up the connection.)
fn is_wait(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}
