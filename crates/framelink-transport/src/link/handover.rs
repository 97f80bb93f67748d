//! Hands one value to a task or thread that waits for it.

use std::sync::Arc;

use crate::driver::Notify;
use crate::net::lock::Lock;

/// The sending side. If it is dropped without a value, the receiving side gets `None`.
pub(super) struct Giver<T, N: Notify>(Arc<Shared<T, N>>);

/// The receiving side.
pub(super) struct Taker<T, N>(Arc<Shared<T, N>>);

struct Shared<T, N> {
    /// The value, or `Some(None)` if there will be none.
    known: Lock<Option<Option<T>>>,
    changed: N,
}

pub(super) fn handover<T, N: Notify>() -> (Giver<T, N>, Taker<T, N>) {
    let shared = Arc::new(Shared { known: Lock::new(None), changed: N::default() });
    (Giver(Arc::clone(&shared)), Taker(shared))
}

impl<T, N: Notify> Giver<T, N> {
    pub(super) fn give(self, value: T) {
        *self.0.known.lock() = Some(Some(value));
    }
}

impl<T, N: Notify> Drop for Giver<T, N> {
    fn drop(&mut self) {
        self.0.known.lock().get_or_insert(None);
        self.0.changed.notify();
    }
}

impl<T, N: Notify> Taker<T, N> {
    /// Waits for the value. Returns `None` if the other side was dropped without one.
    pub(super) async fn take(self) -> Option<T> {
        loop {
            let version = self.0.changed.version();
            let known = self.0.known.lock().take();
            if let Some(value) = known {
                return value;
            }
            self.0.changed.wait(version, None).await;
        }
    }
}

#[cfg(all(test, feature = "blocking"))]
mod tests {
    use std::thread;

    use super::*;
    use crate::driver::{ThreadNotify, at_once};

    #[test]
    fn a_value_arrives_whether_it_is_waited_for_already_or_not() {
        let (giver, taker) = handover::<_, ThreadNotify>();
        giver.give(7);
        assert_eq!(at_once(taker.take()), Some(7));
        let (giver, taker) = handover::<_, ThreadNotify>();
        let waiting = thread::spawn(move || at_once(taker.take()));
        giver.give(8);
        assert_eq!(waiting.join().unwrap(), Some(8));
    }

    #[test]
    fn a_giver_that_is_dropped_ends_the_wait() {
        let (giver, taker) = handover::<u8, ThreadNotify>();
        let waiting = thread::spawn(move || at_once(taker.take()));
        drop(giver);
        assert_eq!(waiting.join().unwrap(), None);
    }
}
