//! How soon background work dials again.

use std::time::Duration;

use crate::error::ConnectError;

/// Returns how long a pool or a pair waits before it tries another connection for a request of which nothing was sent,
/// so that a peer that ends each connection is dialled slowly. (A single connection has the back-off of its address.)
pub(crate) const fn pause_before(tries: u32) -> Duration {
    match tries {
        0 | 1 => Duration::ZERO,
        2..8 => Duration::from_millis(1 << tries),
        _ => Duration::from_millis(250),
    }
}

/// How soon the background dials again after a failure. Addresses have their own back-off; otherwise the pause grows.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// How many failures there were in a row without a wait for an address.
    failures: u32,
}

impl Pace {
    pub(crate) const fn reset(&mut self) {
        self.failures = 0;
    }

    pub(crate) const fn after(&mut self, error: &ConnectError) -> Duration {
        if let ConnectError::NotYet { next_try, .. } = error {
            self.failures = 0;
            return *next_try;
        }
        if error.is_final() {
            return Duration::MAX;
        }
        self.failures = self.failures.saturating_add(1);
        pause_before(self.failures)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_own_back_off_and_other_failures_bring_growing_pauses() {
        let mut pace = Pace::default();
        let no_thread = || ConnectError::NoThread(std::io::ErrorKind::WouldBlock.into());
        let pauses: Vec<_> = (0..9).map(|_| pace.after(&no_thread()).as_millis()).collect();
        assert_eq!(pauses, [0, 4, 8, 16, 32, 64, 128, 250, 250]);
        let not_yet = ConnectError::NotYet { last: None, next_try: Duration::from_secs(7) };
        assert_eq!(pace.after(&not_yet), Duration::from_secs(7));
        assert_eq!(pace.after(&no_thread()), Duration::ZERO, "the address was waited for in between");
    }
}
