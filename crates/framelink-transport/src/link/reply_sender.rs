//! Sends on the connection of an event.

use std::sync::{Arc, Weak};

use super::{LinkConnection, LinkDriver};
use crate::client::rules::time_to_send;
use crate::error::{CallError, Cause, Error, Operation};
use crate::session::Sent;

/// Sends on the connection of an event. It does not keep the connection open.
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
