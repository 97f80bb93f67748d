//! The two halves of one end of a connection.

use std::sync::Arc;
use std::time::Duration;

use framelink_codec::{Decode, Encode};
use framelink_heartbeat::{Heartbeat, Role};

use crate::calls::Exchange;
use crate::lifetime::Tenure;
use crate::pulse::Pulse;
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
        let sending = Sending::beside(send, receiving.torn());
        Self { receiving, sending, exchange: Exchange::new() }
    }

    /// Has it send and expect heartbeats from now on. `jitter` is any number, another one for each connection; see
    /// [`Heartbeat::liveness`].
    pub fn watch(&mut self, heartbeat: Arc<Heartbeat>, us: Role, jitter: u32, now: Duration) -> Pulse {
        watch(&mut self.receiving, &mut self.sending, heartbeat, us, jitter, now)
    }

    /// Has it end when its time is over.
    pub fn keep_for(&mut self, tenure: Tenure) {
        keep_for(&mut self.receiving, &mut self.sending, tenure);
    }
}

/// The same for the halves of a connection.
pub fn keep_for<D: Decode, E: Encode>(receiving: &mut Receiving<D>, sending: &mut Sending<E>, mut tenure: Tenure) {
    sending.set_tenure(tenure.activity().clone(), tenure.notice().cloned());
    receiving.set_tenure(tenure);
}

/// The same for the halves of a connection.
pub fn watch<D: Decode, E: Encode>(
    receiving: &mut Receiving<D>,
    sending: &mut Sending<E>,
    heartbeat: Arc<Heartbeat>,
    us: Role,
    jitter: u32,
    now: Duration,
) -> Pulse {
    let pulse = Pulse::new(heartbeat, us, jitter, now);
    receiving.set_pulse(Some(pulse.clone()));
    sending.set_pulse(Some(pulse.clone()));
    pulse
}

/// Joins the heartbeats of a pair of connections: the two directions that are used share one pulse, because what arrives on one connection
/// shows that the peer lives to which the other one sends. The two directions that are not used have no pulse. The side that dialled the
/// connection that is sent on is the client of the pair. `jitter` is as for [`Session::watch`].
pub fn share_pulse<D: Decode, E: Encode>(
    receiving: &mut Receiving<D>,
    sending: &mut Sending<E>,
    watched: &mut Receiving<D>,
    unused: &mut Sending<E>,
    jitter: u32,
    now: Duration,
) {
    if let Some(pulse) = sending.pulse().or(receiving.pulse()) {
        let (heartbeat, us) = pulse.terms();
        watch(receiving, sending, heartbeat, us, jitter, now);
    }
    watched.set_pulse(None);
    unused.set_pulse(None);
}
