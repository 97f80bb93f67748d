//! A session: both halves of one end of a connection.

use std::sync::Arc;
use std::time::Duration;

use framelink_codec::{Decode, Encode};
use framelink_heartbeat::{Heartbeat, Moment, Role};

use crate::calls::{Exchange, Matching};
use crate::lifetime::Lifetime;
use crate::liveness::LivenessHandle;
use crate::receiving::Receiving;
use crate::sending::Sending;

/// A session: both halves of one end of a connection, and the exchange between them.
///
/// See [the crate](crate) for an example.
#[derive(Debug)]
pub struct Session<D: Decode, E: Encode> {
    /// The receiving half.
    pub receiving: Receiving<D>,
    /// The sending half.
    pub sending: Sending<E>,
    /// Whether a reply is owed.
    pub exchange: Exchange,
}

impl<D: Decode, E: Encode> Session<D, E> {
    /// Creates the session of a new connection, with a framing for each direction.
    pub fn new(receive: D, send: E) -> Self {
        let receiving = Receiving::new(receive);
        let sending = Sending::beside(send, receiving.shared());
        Self { receiving, sending, exchange: Exchange::new() }
    }

    /// Sends and expects heartbeats. A pattern draws its numbers from the source of
    /// [`Receiving::set_numbers`], if one is set before. `jitter` is any number, different for each connection; see
    /// [`Heartbeat::liveness`].
    pub fn watch(&mut self, heartbeat: Arc<Heartbeat>, us: Role, jitter: u32, now: Duration) -> LivenessHandle {
        watch(&mut self.receiving, &mut self.sending, heartbeat, us, jitter, now)
    }

    /// Limits how long the connection stays open.
    pub fn limit_lifetime(&mut self, lifetime: Lifetime) {
        limit_lifetime(&mut self.receiving, &mut self.sending, lifetime);
    }
}

/// Like [`Session::limit_lifetime`], for separate halves.
pub fn limit_lifetime<D: Decode, E: Encode>(
    receiving: &mut Receiving<D>,
    sending: &mut Sending<E>,
    lifetime: Lifetime,
) {
    sending.set_lifetime(lifetime.activity().clone());
    receiving.set_lifetime(lifetime);
}

/// Like [`Session::watch`], for separate halves.
pub fn watch<D: Decode, E: Encode>(
    receiving: &mut Receiving<D>,
    sending: &mut Sending<E>,
    heartbeat: Arc<Heartbeat>,
    us: Role,
    jitter: u32,
    now: Duration,
) -> LivenessHandle {
    let liveness = LivenessHandle::new(heartbeat, us, jitter, receiving.numbers(), now);
    // Without heartbeats, the time of earlier bytes may not be known.
    receiving.heard_at = Moment::at(now);
    receiving.set_liveness(Some(liveness.clone()));
    sending.set_liveness(Some(liveness.clone()));
    liveness
}

/// Makes the heartbeats of a connection leave out the numbers of its calls, and its calls that of the last heartbeat.
/// Returns how replies are matched then. Has an effect if heartbeats have numbers, and replies are matched by key.
#[must_use]
pub fn leave_out_numbers<D: Decode>(receiving: &Receiving<D>, mut matching: Matching) -> Matching {
    if let Some(liveness) = receiving.liveness() {
        liveness.leave_out_calls(&mut matching);
    }
    matching
}

/// Joins the heartbeats of a simplex pair. The two directions in use share one liveness, because bytes received on one
/// connection show that the peer of the other one lives. The two unused directions have none. The side that dialled the
/// connection which is sent on is the client of the pair. `jitter` is as for [`Session::watch`].
pub fn share_liveness<D: Decode, E: Encode>(
    receiving: &mut Receiving<D>,
    sending: &mut Sending<E>,
    watched: &mut Receiving<D>,
    unused: &mut Sending<E>,
    jitter: u32,
    now: Duration,
) {
    if let Some(liveness) = sending.liveness().or(receiving.liveness()) {
        let (heartbeat, us) = liveness.setup();
        watch(receiving, sending, heartbeat, us, jitter, now);
    }
    watched.set_liveness(None);
    unused.set_liveness(None);
}
