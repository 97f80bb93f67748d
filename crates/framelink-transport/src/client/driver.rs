//! What a client needs from its driver, in addition to the trait `Driver`.

use std::fmt;
use std::time::{Duration, Instant};

use crate::driver::Driver;
use crate::error::ConnectError;
use crate::upstream::{Dialled, Dialler};

/// A driver with clients.
pub(crate) trait ClientDriver: Driver {
    type StoredDial: StoredDial<Self>;
}

/// The unfinished dial that a client with `keep-up` stores, on a driver without background tasks.
pub(crate) trait StoredDial<D: Driver>: Default + fmt::Debug + Send + Sync {
    /// Advances the dial without waiting, and begins one if there is none. An error says how soon to call this again.
    fn maintain(&mut self, _: &Dialler<D>) -> Result<Dialled<D>, Duration> {
        Err(Duration::MAX)
    }

    /// Waits for the dial in progress until the deadline. Returns `None` if there is none, or if it fails.
    fn finish(&mut self, _: &Dialler<D>, _: Instant) -> Result<Option<Dialled<D>>, ConnectError> {
        Ok(None)
    }
}

/// For drivers on which a task or thread dials.
impl<D: Driver> StoredDial<D> for () {}
