//! Calls: matching replies to requests.

mod call_end;
mod exchange;
mod in_flight;
mod key;
mod key_places;
mod key_rule;
mod keys_in_use;
mod legs;
mod matching;
mod reply_rule;

pub use call_end::{Arrived, CallId, Ended, Late, NotBegun};
pub use exchange::{Exchange, Unclean};
pub use in_flight::InFlight;
pub use key::Key;
pub use key_places::KeyPlaces;
pub use key_rule::KeyRule;
pub(crate) use keys_in_use::KeysInUse;
pub use legs::{Leg, Legs};
pub use matching::Matching;
