//! What a client needs of its driver, beside what every role needs.

use std::fmt;
#[cfg(feature = "nonblocking")]
use std::time::Duration;
use std::time::Instant;

use crate::driver::Driver;
use crate::error::ConnectError;
use crate::upstream::{Dialled, Dialler};

/// A driver that has clients.
pub(crate) trait ClientDriver: Driver {
    type StoredDial: StoredDial<Self>;
}

/// The dial that a client with `keep-up` stores where nothing goes on in the background.
pub(crate) trait StoredDial<D: Driver>: Default + fmt::Debug + Send + Sync {
    /// Goes on without waiting, and begins a dial if there is none. How soon to call this again, if there is no connection yet.
    #[cfg(feature = "nonblocking")]
    fn maintain(&mut self, _: &Dialler<D>) -> Result<Dialled<D>, Duration> {
        Err(Duration::MAX)
    }

    /// Waits for the dial that is under way, until the deadline. `None` if there is none, or if it fails.
    fn finish(&mut self, _: &Dialler<D>, _: Instant) -> Result<Option<Dialled<D>>, ConnectError> {
        Ok(None)
    }
}

/// Where a task or thread dials.
impl<D: Driver> StoredDial<D> for () {}
