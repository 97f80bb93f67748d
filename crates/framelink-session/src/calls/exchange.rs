//! Exchanges of one request and one reply at a time.

use std::error::Error;
use std::fmt;

/// Tracks whether a reply is owed, so that a late reply is never taken for the reply to the next request.
///
/// ```text
///             begin                    settle
///   Clean ───────────► reply owed ───────────────► Clean
///                          │
///                          │ timed out, cancelled, failed: anything but settle
///                          ▼
///                       Unclean, for good
/// ```
///
/// ```
/// use framelink_session::{Exchange, Unclean};
///
/// let mut exchange = Exchange::new();
/// exchange.begin()?;
/// exchange.settle();
/// exchange.begin()?;
/// // The caller gave up. The connection is unclean and cannot be used again.
/// assert_eq!(exchange.begin(), Err(Unclean));
/// assert_eq!(exchange.check(), Err(Unclean));
/// # Ok::<(), Unclean>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exchange {
    reply_owed: bool,
}

impl Exchange {
    /// Creates an exchange that owes no reply.
    #[must_use]
    pub const fn new() -> Self {
        Self { reply_owed: false }
    }

    /// Records that a request is about to be sent.
    ///
    /// # Errors
    /// Returns [`Unclean`] if the reply to an earlier request is still owed.
    pub const fn begin(&mut self) -> Result<(), Unclean> {
        if self.reply_owed {
            return Err(Unclean);
        }
        self.reply_owed = true;
        Ok(())
    }

    /// Records that the reply arrived, or that no byte of the request was sent.
    pub const fn settle(&mut self) {
        self.reply_owed = false;
    }

    /// Checks whether messages may be sent and received.
    ///
    /// # Errors
    /// Returns [`Unclean`] if the reply to a request that was given up is still owed.
    pub const fn check(&self) -> Result<(), Unclean> {
        if self.reply_owed { Err(Unclean) } else { Ok(()) }
    }
}

/// A request was given up and its reply may still arrive, so the connection cannot be used again.
///
/// ```
/// use framelink_session::{Exchange, Unclean};
///
/// let mut exchange = Exchange::new();
/// exchange.begin()?;
/// assert_eq!(exchange.check(), Err(Unclean), "until the reply is there");
/// # Ok::<(), Unclean>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unclean;

impl fmt::Display for Unclean {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an earlier request was given up and its reply may still come, the connection must be closed")
    }
}

impl Error for Unclean {}
