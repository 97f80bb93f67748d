//! Dialling one of several addresses.

use std::sync::Arc;
use std::time::Instant;

use super::{Connection, Connector};
use crate::upstream::Seat;
use crate::{ConnectError, Profile};

/// Dials whichever address of a peer is to be dialled, as a profile says.
#[derive(Clone, Debug)]
pub(super) struct Upstream {
    profile: Arc<Profile>,
    peers: Arc<[Arc<str>]>,
}

impl Upstream {
    pub(super) fn new(profile: &Arc<Profile>, peers: impl IntoIterator<Item = impl Into<Arc<str>>>) -> Self {
        Self { profile: Arc::clone(profile), peers: peers.into_iter().map(Into::into).collect() }
    }

    /// A connection that is ready for exchanges: dialled, and signed on.
    pub(super) fn connect(&self, deadline: Instant) -> Result<(Connection, Seat), ConnectError> {
        let left = deadline.saturating_duration_since(Instant::now());
        let connector = Connector::with_profile(&self.profile).within(left.min(self.profile.timeouts().connect));
        let mut last = connector.no_address();
        for peer in &*self.peers {
            match connector.connect(&**peer) {
                Ok(connection) => return Ok((connection, Seat::new(Arc::clone(peer)))),
                Err(error) => last = error.of_peer(peer),
            }
        }
        Err(last)
    }
}
