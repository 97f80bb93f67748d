//! Calls: matching replies to requests.

mod call_end;
mod exchange;
mod in_flight;
mod key;
mod legs;
mod matching;

pub use call_end::{Arrived, CallId, Ended, Late, NotBegun};
pub use exchange::{Exchange, Unclean};
pub use in_flight::InFlight;
pub use key::{Assigned, Key, KeyRule};
pub use legs::{Leg, Legs};
pub use matching::Matching;
