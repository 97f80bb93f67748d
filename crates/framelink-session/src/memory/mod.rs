//! Bytes that a server holds for its connections, and which of them are closed when there are too many.
//!
//! ```text
//!   Held ─┐                     ┌─► the sum of a client ──► at most its share
//!   Held ─┼─► Account (one of ──┤
//!   Held ─┘   each connection)  └─► the sum of all ───────► at most the budget
//! ```
//!
//! Each place that holds bytes (a receive buffer, a write queue, requests that wait) has a [`Held`] and says how much that is when it
//! changes by 4 KiB or more: a connection with small messages says nothing at all.

mod budget;
mod held;
mod network;
#[cfg(test)]
mod tests;

pub use budget::{Account, Budget, Charge};
pub use held::Held;
pub use network::Network;
