//! Why a pool closed a connection.

use std::fmt;

use crate::error::Cause;
use crate::session::SendRefused;

/// Why a pool closed one of its connections.
///
/// ```
/// use framelink_transport::CloseReason;
///
/// assert_eq!(CloseReason::ByPeer.to_string(), "closed by the peer");
/// assert!(CloseReason::ALL.contains(&CloseReason::Lifetime));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum CloseReason {
    /// The connection was not used for `connection.idle`, and there were more connections than `connection.min`.
    Idle,
    /// The connection reached `connection.lifetime`.
    Lifetime,
    /// The connection was used `connection.uses` times.
    Uses,
    /// The profile closes each connection after one exchange (`connection.replace`).
    Replaced,
    /// The connection was released when `connection.max-idle` others were idle.
    Surplus,
    /// The policy of the upstream prefers another address for the connection.
    Moved,
    /// The pool was closed.
    PoolClosed,
    /// The connection was released with a reply owed, with unsent bytes, or after our side of it had ended.
    Dirty,
    /// The connection received a message that answers no request, or bytes that are no message.
    Unsolicited,
    /// The peer closed it.
    ByPeer,
    /// Heartbeats showed that the peer was dead.
    Dead,
    /// The connection was reset, or failed in another way.
    Failed,
}

impl CloseReason {
    /// All reasons.
    pub const ALL: &'static [Self] = &[
        Self::Idle,
        Self::Lifetime,
        Self::Uses,
        Self::Replaced,
        Self::Surplus,
        Self::Moved,
        Self::PoolClosed,
        Self::Dirty,
        Self::Unsolicited,
        Self::ByPeer,
        Self::Dead,
        Self::Failed,
    ];

    /// Returns the reason for which a connection with this error is closed.
    pub(crate) const fn of<D, E>(cause: &Cause<D, E>) -> Self {
        match cause {
            Cause::NoReply => Self::ByPeer,
            Cause::Unsolicited | Cause::Fault(_) | Cause::Preamble(_) => Self::Unsolicited,
            Cause::Dead(_) => Self::Dead,
            Cause::Unclean(_) | Cause::UnderWay | Cause::Refused(SendRefused::Finished) => Self::Dirty,
            _ => Self::Failed,
        }
    }

    /// Returns whether the connection is sound, so that it is closed in good order.
    pub(crate) const fn is_orderly(self) -> bool {
        !matches!(self, Self::Dirty | Self::Unsolicited | Self::ByPeer | Self::Dead | Self::Failed)
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Idle => "idle for too long",
            Self::Lifetime => "too old",
            Self::Uses => "used the maximum number of times",
            Self::Replaced => "replaced after its exchange",
            Self::Surplus => "too many idle connections",
            Self::Moved => "moved to another address",
            Self::PoolClosed => "the pool was closed",
            Self::Dirty => "released in the middle of an exchange",
            Self::Unsolicited => "received unsolicited bytes",
            Self::ByPeer => "closed by the peer",
            Self::Dead => "the peer was dead",
            Self::Failed => "reset or failed",
        })
    }
}
