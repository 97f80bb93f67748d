//! Many calls at a time on one connection: the rules that all drivers share.
//!
//! ```text
//!   CallTable     the calls in flight, and why no more calls are possible
//!     ├─ Mux          one table for many tasks or threads, beside a sending half: tokio and blocking
//!     └─ CallLoop     one table in an event loop, where each call ends with an event: non-blocking
//! ```
//!
//! A driver adds what waits: how a caller waits for room and for its reply, and which task or thread writes the rest of a frame.

#[cfg(feature = "nonblocking")]
mod call_loop;
#[cfg(feature = "nonblocking")]
mod event;
#[cfg(any(feature = "blocking", feature = "tokio"))]
mod methods;
#[cfg(any(feature = "blocking", feature = "tokio"))]
mod mux;
mod table;
#[cfg(test)]
mod tests;
#[cfg(any(feature = "blocking", feature = "tokio"))]
mod under_way;

use framelink_codec::{Decode, Encode};

use crate::error::Cause;

#[cfg(feature = "nonblocking")]
pub(crate) use call_loop::{CallLoop, Leg, Legs};
#[cfg(feature = "nonblocking")]
pub use event::{Event, TryCall};
#[cfg(any(feature = "blocking", feature = "tokio"))]
pub(crate) use methods::{caller_methods, caller_traits, receiver_methods, receiver_traits};
#[cfg(any(feature = "blocking", feature = "tokio"))]
pub(crate) use mux::{CallErrorOf, ErrorOf, Mux, Over, SendSide};
pub(crate) use table::{CallTable, Refusal, Taken};
#[cfg(any(feature = "blocking", feature = "tokio"))]
pub(crate) use under_way::{Begun, GRACE, Outcome, UnderWay};
#[cfg(feature = "blocking")]
pub(crate) use {mux::RefusalOf, table::sent_of};

pub(crate) type CauseOf<C> = Cause<<C as Decode>::Error, <C as Encode>::Error>;
