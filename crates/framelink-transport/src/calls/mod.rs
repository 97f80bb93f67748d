//! Many calls at a time on one connection: the rules for all drivers.
//!
//! ```text
//!   CallTable     the calls in flight, and why no more calls are possible
//!     ├─ Mux          one table for many tasks or threads, beside a sending half: tokio and blocking
//!     └─ CallLoop     one table in an event loop, where each call ends with an event: non-blocking
//! ```
//!
//! A driver adds the waiting: how a caller waits for room and for its reply, and who writes the rest of a frame.

#[cfg(feature = "nonblocking")]
mod call_loop;
#[cfg(feature = "nonblocking")]
mod event;
mod methods;
mod mux;
mod table;
#[cfg(test)]
mod tests;
mod under_way;

#[cfg(feature = "nonblocking")]
pub(crate) use call_loop::{CallLoop, Leg, Legs};
#[cfg(feature = "nonblocking")]
pub use event::{Event, TryCall};
pub(crate) use methods::{caller_methods, caller_traits, receiver_methods, receiver_traits};
pub(crate) use mux::{Mux, Over, RefusalOf, SendSide};
pub(crate) use table::{CallTable, Refusal, Taken, sent_of};
pub(crate) use under_way::{Begun, GRACE, PendingCall};

pub(crate) use crate::error::{CallErrorOf, CauseOf, ErrorOf};

use crate::session::LateReply;

/// How a call ends. A call that is dropped before it has returned its reply hands the reply back as a late one.
pub(crate) type Outcome<C> = Result<LateReply, CauseOf<C>>;
