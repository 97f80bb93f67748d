//! What a session does not choose by itself: the number that spreads the heartbeats of connections that began together.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use framelink_codec::{Decode, Encode};
use framelink_session::{Receiving, Sending, share_liveness};

/// Returns another number for each connection.
pub(crate) fn jitter() -> u32 {
    #[cfg(any(test, feature = "fuzz"))]
    if crate::simulated::now().is_some() {
        // A schedule that is run again runs as it did.
        return u32::MAX / 2;
    }
    let [.., a, b, c, d] = RandomState::new().hash_one(()).to_ne_bytes();
    u32::from_ne_bytes([a, b, c, d])
}

/// As [`share_liveness`], with a number of its own.
pub(crate) fn join<D: Decode, E: Encode>(
    receiving: &mut Receiving<D>,
    sending: &mut Sending<E>,
    watched: &mut Receiving<D>,
    unused: &mut Sending<E>,
    now: Duration,
) {
    share_liveness(receiving, sending, watched, unused, jitter(), now);
}
