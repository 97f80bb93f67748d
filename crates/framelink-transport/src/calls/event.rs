//! What happens on a connection with calls in flight, as an event loop is told.

use crate::error::CallError;
use crate::session::CallId;
use crate::{DecodeError, EncodeError, Incoming, Message};

/// What happened on a connection with calls in flight. Complete by nature.
///
/// See [`Duplex`](crate::nonblocking::Duplex) for an example.
#[derive(Debug)]
pub enum Event<D = DecodeError, E = EncodeError> {
    /// A call was answered.
    Reply {
        /// Which call.
        call: CallId,
        /// The reply.
        message: Message,
    },
    /// A call will not be answered, or too late.
    Failed {
        /// Which call.
        call: CallId,
        /// Why, and what the peer may have seen of the request.
        error: CallError<D, E>,
    },
    /// A message came that answers no call that is waited for.
    Incoming(Incoming),
}

/// Whether a call has begun. Complete by nature.
///
/// See [`Duplex`](crate::nonblocking::Duplex) for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum TryCall {
    /// The request is on its way.
    Begun(CallId),
    /// Nothing was sent: too many calls are in flight, too many bytes are queued, or another call with this key has to be answered first.
    /// Try again when something has happened.
    Full,
}
