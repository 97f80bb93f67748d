//! Why nothing was lent.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use framelink_codec::notation::TimeText;

use crate::error::Blame;
use crate::net::connect_error::ConnectError;
use crate::net::connect_error::in_milliseconds;

/// Why a pool lent no connection. Nothing was sent.
///
/// ```no_run
/// # #[cfg(feature = "blocking")]
/// # fn example(pool: &framelink_transport::blocking::Pool) {
/// if let Err(error) = pool.lend() {
///     // no connection was free within 1s: 4 of at most 4 lent, 0 being opened, 2 ahead in the queue
///     eprintln!("{error}");
/// }
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct NotLent {
    pub(super) after: Option<Duration>,
    pub(super) is_closed: bool,
    pub(super) lent: u32,
    pub(super) opening: u32,
    pub(super) max: u32,
    pub(super) before: usize,
    pub(crate) last_failure: Option<Arc<ConnectError>>,
}

impl NotLent {
    pub(crate) const fn closed() -> Self {
        Self { after: None, is_closed: true, lent: 0, opening: 0, max: 0, before: 0, last_failure: None }
    }

    /// Whether the pool is closed.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// How long was waited; `None` where it was not.
    #[must_use]
    pub const fn after(&self) -> Option<Duration> {
        self.after
    }

    /// Why the last connection could not be opened, where none was since.
    #[must_use]
    pub fn last_failure(&self) -> Option<&ConnectError> {
        self.last_failure.as_deref()
    }

    /// Whose fault it is: ours where all are lent, or the pool is closed; the network's where they cannot be opened.
    #[must_use]
    pub const fn blame(&self) -> Blame {
        if self.is_closed || (self.lent == self.max && self.last_failure.is_none()) {
            Blame::Ours
        } else {
            Blame::Network
        }
    }
}

impl fmt::Display for NotLent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { after, is_closed, lent, opening, max, before, last_failure } = self;
        match after {
            _ if *is_closed => return f.write_str("the pool is closed"),
            Some(after) => write!(f, "no connection was free within {}: ", TimeText(in_milliseconds(*after)))?,
            None => f.write_str("no connection is free, and none is to be waited for: ")?,
        }
        write!(f, "{lent} of at most {max} lent, {opening} being opened, {before} ahead in the queue")?;
        match last_failure {
            Some(error) => write!(f, "; the last one could not be opened: {error}"),
            None => Ok(()),
        }
    }
}

/// The source is that of the [last failure](NotLent::last_failure).
impl Error for NotLent {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.last_failure()?.source()
    }
}

#[cfg(feature = "blocking")]
impl<T> crate::driver::Suspended for Result<T, NotLent> {
    fn suspended() -> Self {
        let fault = Result::<T, ConnectError>::suspended().err().map(Arc::new);
        Err(NotLent { is_closed: false, last_failure: fault, ..NotLent::closed() })
    }
}

#[cfg(all(test, feature = "blocking"))]
mod tests {
    use super::*;
    use crate::driver::at_once;

    #[test]
    fn a_future_that_is_suspended_is_an_error() {
        let error = at_once(std::future::pending::<Result<(), NotLent>>()).unwrap_err();
        assert!(!error.is_closed());
        assert!(error.to_string().contains("a fault of framelink"), "{error}");
    }
}
