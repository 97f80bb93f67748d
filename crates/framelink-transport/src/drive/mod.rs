//! What every driver does with its socket, written once.
//!
//! A driver lends it an [`Input`] and an [`Output`] that answer at once or wait, as its sockets do: `WouldBlock` says that
//! nothing more can be done now. What that means (suspend, give up, tell the caller) is the driver's part.

#![cfg_attr(
    not(all(feature = "blocking", feature = "nonblocking", feature = "tokio")),
    allow(
        dead_code,
        unused_imports,
        unused_macros,
        reason = "a driver uses a part; with all of them each item is used"
    )
)]

mod attend;
mod call;
mod close;
mod close_report;
mod guarded;
mod open;
mod poll;
mod reading;
mod receive;
mod send;

use std::io::{self, IoSlice};
use std::time::Duration;

pub(crate) use call::Call;
pub(crate) use close::Close;
pub use close_report::CloseReport;
pub(crate) use guarded::{guarded, is_lost};
pub(crate) use open::{Inbound, Open};
pub use poll::{TryRecv, TrySend};
pub(crate) use receive::{Came, Turn, buffered};
pub(crate) use send::{Progress, flush, put, queue, sent_of_message, try_put, try_queue, write_beats};

/// What a driver reads from.
pub(crate) trait Input {
    /// Reads what is there, or waits for it where the driver waits, until then at most.
    fn read(&mut self, space: &mut [u8], until: Option<Duration>) -> io::Result<usize>;

    /// Whether the last read was not let through, though there may be something. Whoever reads is woken to try again.
    fn is_starved(&self) -> bool {
        false
    }

    /// Whether reads wait, up to a deadline that ends them.
    fn waits(&self) -> bool {
        false
    }

    /// Waits for so long, where reads wait. False where they do not, or may not any longer.
    fn pause(&mut self, _time: Duration) -> bool {
        false
    }

    /// Reads what is there and waits for nothing.
    fn read_now(&mut self, space: &mut [u8]) -> io::Result<usize>;
}

/// What a driver writes to.
pub(crate) trait Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;
    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize>;
    /// Whether parts that are written together leave together.
    fn gathers(&self) -> bool;
    /// Whether writes wait, and hold what they write meanwhile.
    fn waits(&self) -> bool {
        false
    }
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

/// Nothing is to be waited for: there may be more to do, and others have their turn first.
pub(crate) const AT_ONCE: Option<Duration> = Some(Duration::ZERO);

/// What has to be waited for before there is more to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wants {
    /// Room to write.
    Write,
    /// Bytes, or that time.
    Read(Option<Duration>),
    /// Whichever comes first.
    Both(Option<Duration>),
}

impl Wants {
    /// When to go on though nothing can be read or written.
    pub(crate) const fn until(self) -> Option<Duration> {
        match self {
            Self::Write => None,
            Self::Read(until) | Self::Both(until) => until,
        }
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
