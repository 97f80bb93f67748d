//! Whether what comes answers what went.

use std::error::Error;
use std::fmt;

/// Whether a reply is owed, so that a late one never answers another request.
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
/// // The caller gave up. Whoever comes next learns it, and the connection is of no more use.
/// assert_eq!(exchange.begin(), Err(Unclean));
/// assert_eq!(exchange.check(), Err(Unclean));
/// # Ok::<(), Unclean>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exchange {
    reply_owed: bool,
}

impl Exchange {
    /// No reply is owed.
    #[must_use]
    pub const fn new() -> Self {
        Self { reply_owed: false }
    }

    /// A request is about to go out.
    ///
    /// # Errors
    /// When the reply to an earlier one is still owed.
    pub const fn begin(&mut self) -> Result<(), Unclean> {
        if self.reply_owed {
            return Err(Unclean);
        }
        self.reply_owed = true;
        Ok(())
    }

    /// The reply came, or nothing of the request was sent.
    pub const fn settle(&mut self) {
        self.reply_owed = false;
    }

    /// Whether messages may be sent and received.
    ///
    /// # Errors
    /// When the reply to a request that was given up is still owed.
    pub const fn check(&self) -> Result<(), Unclean> {
        if self.reply_owed { Err(Unclean) } else { Ok(()) }
    }
}

/// A request on this connection was given up, and its reply may still come: the connection is of no more use.
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
