//! The two halves of one end of a connection.

use std::sync::Arc;
use std::time::Duration;

use framelink_codec::{Decode, Encode};
use framelink_heartbeat::{Heartbeat, Role};

use crate::calls::Exchange;
use crate::lifetime::Lifetime;
use crate::liveness::LivenessHandle;
use crate::receiving::Receiving;
use crate::sending::Sending;

/// The two halves of one end of a connection, and what is between them.
///
/// See [the crate](crate) for an example.
#[derive(Debug)]
pub struct Session<D: Decode, E: Encode> {
    /// What comes.
    pub receiving: Receiving<D>,
    /// What goes.
    pub sending: Sending<E>,
    /// Which of what comes answers which of what goes.
    pub exchange: Exchange,
}

impl<D: Decode, E: Encode> Session<D, E> {
    /// A session at the start of a connection, with a framing for each direction.
    pub fn new(receive: D, send: E) -> Self {
        let receiving = Receiving::new(receive);
        let sending = Sending::beside(send, receiving.failed_flag());
        Self { receiving, sending, exchange: Exchange::new() }
    }

    /// Has it send and expect heartbeats from now on. `jitter` is any number, another one for each connection; see
    /// [`Heartbeat::liveness`].
    pub fn watch(&mut self, heartbeat: Arc<Heartbeat>, us: Role, jitter: u32, now: Duration) -> LivenessHandle {
        watch(&mut self.receiving, &mut self.sending, heartbeat, us, jitter, now)
    }

    /// Has it end when its time is over.
    pub fn limit_lifetime(&mut self, lifetime: Lifetime) {
        limit_lifetime(&mut self.receiving, &mut self.sending, lifetime);
    }
}

/// The same for the halves of a connection.
pub fn limit_lifetime<D: Decode, E: Encode>(
    receiving: &mut Receiving<D>,
    sending: &mut Sending<E>,
    mut lifetime: Lifetime,
) {
    sending.set_lifetime(lifetime.activity().clone(), lifetime.notice().cloned());
    receiving.set_lifetime(lifetime);
}

/// The same for the halves of a connection.
pub fn watch<D: Decode, E: Encode>(
    receiving: &mut Receiving<D>,
    sending: &mut Sending<E>,
    heartbeat: Arc<Heartbeat>,
    us: Role,
    jitter: u32,
    now: Duration,
) -> LivenessHandle {
    let liveness = LivenessHandle::new(heartbeat, us, jitter, now);
    receiving.set_liveness(Some(liveness.clone()));
    sending.set_liveness(Some(liveness.clone()));
    liveness
}

/// Joins the heartbeats of a pair of connections: the two directions that are used share one pulse, because what arrives on one connection
/// shows that the peer lives to which the other one sends. The two directions that are not used have no pulse. The side that dialled the
/// connection that is sent on is the client of the pair. `jitter` is as for [`Session::watch`].
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
