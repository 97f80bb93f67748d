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
    /// It was not lent for `connection.idle`, and there were more than `connection.min`.
    Idle,
    /// It was as old as `connection.lifetime` lets it be.
    Lifetime,
    /// It was lent `connection.uses` times.
    Uses,
    /// Each is closed after one exchange, as `connection.replace` says.
    Replaced,
    /// It came back, and `connection.max-idle` others waited to be lent.
    Surplus,
    /// It is wanted at another address.
    Moved,
    /// The pool was closed.
    PoolClosed,
    /// It came back with a reply owed, with something that was not sent, or with our side of it ended.
    Dirty,
    /// Something arrived on it that no request asked for, or that is no message.
    Unsolicited,
    /// The peer closed it.
    ByPeer,
    /// Heartbeats showed that the peer was dead.
    Dead,
    /// It was reset, or failed in another way.
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

    /// The reason for which a connection with this error is closed.
    pub(crate) const fn of<D, E>(cause: &Cause<D, E>) -> Self {
        match cause {
            Cause::NoReply => Self::ByPeer,
            Cause::Unsolicited | Cause::Fault(_) | Cause::Preamble(_) => Self::Unsolicited,
            Cause::Dead(_) => Self::Dead,
            Cause::Unclean(_) | Cause::UnderWay | Cause::Refused(SendRefused::Finished) => Self::Dirty,
            _ => Self::Failed,
        }
    }

    /// Whether the connection is sound, so that it is closed in good order.
    pub(crate) const fn is_orderly(self) -> bool {
        !matches!(self, Self::Dirty | Self::Unsolicited | Self::ByPeer | Self::Dead | Self::Failed)
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Idle => "idle for too long",
            Self::Lifetime => "too old",
            Self::Uses => "lent often enough",
            Self::Replaced => "replaced after its exchange",
            Self::Surplus => "one too many to keep",
            Self::Moved => "wanted at another address",
            Self::PoolClosed => "the pool was closed",
            Self::Dirty => "came back in the middle of an exchange",
            Self::Unsolicited => "something came that nobody had asked for",
            Self::ByPeer => "closed by the peer",
            Self::Dead => "the peer was dead",
            Self::Failed => "reset, or failed",
        })
    }
}
