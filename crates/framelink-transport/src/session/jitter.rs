//! The random number that spreads the heartbeats of connections that began together. A session does not choose it by
//! itself.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use framelink_codec::{Decode, Encode};
use framelink_session::{Receiving, Sending, share_liveness};

/// Returns a random number, another one for each connection.
pub(crate) fn jitter() -> u32 {
    #[cfg(any(test, feature = "fuzz"))]
    if crate::simulated::now().is_some() {
        // A schedule that is run again must run alike.
        return u32::MAX / 2;
    }
    let [.., a, b, c, d] = RandomState::new().hash_one(()).to_ne_bytes();
    u32::from_ne_bytes([a, b, c, d])
}

/// Calls [`share_liveness`] with a random number.
pub(crate) fn join<D: Decode, E: Encode>(
    receiving: &mut Receiving<D>,
    sending: &mut Sending<E>,
    watched: &mut Receiving<D>,
    unused: &mut Sending<E>,
    now: Duration,
) {
    share_liveness(receiving, sending, watched, unused, jitter(), now);
}
