//! The error of a pool that has no connection to hand out.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::Blame;
use super::connect_error::{ConnectError, rounded};

/// Why a pool handed out no connection. Nothing was sent.
///
/// ```no_run
/// # #[cfg(feature = "blocking")]
/// # fn example(pool: &framelink_transport::blocking::Pool) {
/// if let Err(error) = pool.get() {
///     // no connection was free within 1s: 4 of at most 4 lent, 0 being opened, 2 ahead in the queue
///     eprintln!("{error}");
/// }
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct PoolError {
    pub(crate) after: Option<Duration>,
    pub(crate) is_closed: bool,
    pub(crate) lent: u32,
    pub(crate) opening: u32,
    pub(crate) max: u32,
    pub(crate) before: usize,
    pub(crate) last_failure: Option<Arc<ConnectError>>,
}

impl PoolError {
    pub(crate) const fn closed() -> Self {
        Self { after: None, is_closed: true, lent: 0, opening: 0, max: 0, before: 0, last_failure: None }
    }

    /// Returns whether the pool is closed.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Returns how long the caller waited, or `None` if the call does not wait.
    #[must_use]
    pub const fn after(&self) -> Option<Duration> {
        self.after
    }

    /// Returns why the last dial failed, if none has succeeded since.
    #[must_use]
    pub fn last_failure(&self) -> Option<&ConnectError> {
        self.last_failure.as_deref()
    }

    /// Returns whose fault it is: `Ours` if the pool is closed, or if all connections are in use and the last dial did
    /// not fail; otherwise `Network`.
    #[must_use]
    pub const fn blame(&self) -> Blame {
        if self.is_closed || (self.lent == self.max && self.last_failure.is_none()) {
            Blame::Ours
        } else {
            Blame::Network
        }
    }
}

impl fmt::Display for PoolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { after, is_closed, lent, opening, max, before, last_failure } = self;
        match after {
            _ if *is_closed => return f.write_str("the pool is closed"),
            Some(after) => write!(f, "no connection was free within {}: ", rounded(*after))?,
            None => f.write_str("no connection is free now, and the call does not wait: ")?,
        }
        write!(f, "{lent} of at most {max} lent, {opening} being opened, {before} ahead in the queue")?;
        match last_failure {
            Some(error) => write!(f, "; the last one could not be opened: {error}"),
            None => Ok(()),
        }
    }
}

/// The source is that of the [last failure](PoolError::last_failure).
impl Error for PoolError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.last_failure()?.source()
    }
}
