//! Code of the application, and connections that are lost.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::Cause;

/// Runs code of the application. A panic there ends the connection that it was about, and nothing else. What the code left half done is
/// given up with that connection. An application that shares more with its handler has to think of that.
pub(crate) fn guarded<T, D, E>(run: impl FnOnce() -> T) -> Result<T, Cause<D, E>> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|_| Cause::HandlerPanicked)
}

/// Whether the connection is lost, so that no message can be sent on it any more.
pub(crate) const fn is_lost<D, E>(cause: &Cause<D, E>) -> bool {
    matches!(cause, Cause::Reset(_) | Cause::Io(_)) || matches!(cause, Cause::Ended(ending) if ending.is_abrupt())
}
