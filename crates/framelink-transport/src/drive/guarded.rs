//! Panics of application code, and lost connections.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::Cause;

/// Runs application code. A panic ends the connection that the code works for, and nothing else. Any state that the
/// code left inconsistent is dropped with that connection; applications must protect any other shared state.
pub(crate) fn guarded<T, D, E>(run: impl FnOnce() -> T) -> Result<T, Cause<D, E>> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|_| Cause::HandlerPanicked)
}

/// Returns whether the connection is lost, so that nothing more can be sent on it.
pub(crate) const fn is_lost<D, E>(cause: &Cause<D, E>) -> bool {
    #[cfg(feature = "tls")]
    if let Cause::Tls(_) = cause {
        return true;
    }
    matches!(cause, Cause::Reset(_) | Cause::Io(_)) || matches!(cause, Cause::Ended(ending) if ending.is_abrupt())
}
