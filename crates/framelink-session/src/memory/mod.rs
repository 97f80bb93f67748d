//! The memory that a server's connections hold, and the choice of connections to close when it is too much.
//!
//! ```text
//!   Held ─┐                     ┌─► the sum of a client ──► at most its share
//!   Held ─┼─► Account (one of ──┤
//!   Held ─┘   each connection)  └─► the sum of all ───────► at most the budget
//! ```
//!
//! Each part of a connection that holds bytes (a receive buffer, a write queue, waiting requests) has a [`Held`], and
//! reports a change of 4 KiB or more. A connection with small messages reports nothing.

mod budget;
mod by_age;
mod held;
mod network;
#[cfg(test)]
mod tests;

pub use budget::{Account, Budget, Charge};
pub use by_age::ByAge;
pub use held::Held;
pub use network::Network;
