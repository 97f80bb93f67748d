//! The events of a connection with calls in flight, for an event loop.

use crate::error::CallError;
use crate::session::CallId;
use crate::{DecodeError, EncodeError, Incoming, Message};

/// An event of a connection with calls in flight. The enum is exhaustive.
///
/// See [`Duplex`](crate::nonblocking::Duplex) for an example.
#[derive(Debug)]
pub enum Event<D = DecodeError, E = EncodeError> {
    /// A call was answered.
    Reply {
        /// The call.
        call: CallId,
        /// The reply.
        message: Message,
    },
    /// A call has failed. It is not answered, or its answer will be late.
    Failed {
        /// The call.
        call: CallId,
        /// The error, which also says what the peer may have seen of the request.
        error: CallError<D, E>,
    },
    /// A message arrived that answers no call in flight.
    Incoming(Incoming),
}

/// Whether a call has begun. The enum is exhaustive.
///
/// See [`Duplex`](crate::nonblocking::Duplex) for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum TryCall {
    /// The request was accepted and is being sent.
    Begun(CallId),
    /// Nothing was sent: too many calls are in flight, too many bytes are queued, or another call with this key must be
    /// answered first. Try again after the next event.
    Full,
}
