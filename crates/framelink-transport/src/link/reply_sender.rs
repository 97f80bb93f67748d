//! Sends on the connection of an event.

use std::sync::{Arc, Weak};

use super::{LinkConnection, LinkDriver};
use crate::client::rules::time_to_send;
use crate::error::{CallError, Cause, Error, Operation};
use crate::session::Sent;

/// Sends on the connection on which an event of a link arrived. It does not keep the connection open.
pub(crate) struct ReplySender<D: LinkDriver> {
    pub(crate) peer: Arc<str>,
    connection: Weak<LinkConnection<D>>,
}

impl<D: LinkDriver> ReplySender<D> {
    pub(super) fn new(peer: Arc<str>, connection: &Weak<LinkConnection<D>>) -> Self {
        Self { peer, connection: Weak::clone(connection) }
    }

    pub(crate) async fn send(&self, message: &[u8]) -> Result<(), CallError> {
        let Some(connection) = self.connection() else {
            return Err(CallError::new(Sent::Not, Error::new(Operation::Send, None, Cause::ConnectionGone)));
        };
        let within = time_to_send(connection.profile.timeouts());
        connection.begin_use().send(message, within).await.map_err(|error| error.within(within))
    }

    pub(crate) fn is_open(&self) -> bool {
        self.connection().is_some()
    }

    fn connection(&self) -> Option<Arc<LinkConnection<D>>> {
        self.connection.upgrade().filter(|connection| !connection.has_ended())
    }
}

impl<D: LinkDriver> Clone for ReplySender<D> {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.peer), &self.connection)
    }
}

/// The public methods of a driver's `ReplySender`. `$wait!` turns a future of the role into the result of a method.
macro_rules! reply_sender_methods {
    ($wait:ident $($async:ident)?) => {
        impl ReplySender {
            /// Sends a message on the connection of the event, and returns when the socket has taken all of it. The time
            /// limit is that of [`Link::send`](super::Link::send).
            ///
            /// A connection that is being closed still takes messages, until this side has shut down writing.
            ///
            /// # Errors
            /// Fails with [`Cause::ConnectionGone`](crate::Cause::ConnectionGone) and *not sent* if the connection has
            /// ended: another connection is never used. Also fails if the message was not sent in time.
            pub $($async)? fn send(&self, message: &[u8]) -> Result<(), CallError> {
                $wait!(self.0.send(message))
            }

            /// Returns whether the connection of the event is still open.
            pub fn is_open(&self) -> bool {
                self.0.is_open()
            }

            /// Returns the name of the peer, for [`Links`](super::Links).
            pub fn peer(&self) -> &str {
                &self.0.peer
            }
        }

        /// Shows the peer, and whether the connection is open.
        impl fmt::Debug for ReplySender {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct("ReplySender").field("peer", &self.peer()).field("is_open", &self.is_open()).finish()
            }
        }
    };
}

pub(crate) use reply_sender_methods;
