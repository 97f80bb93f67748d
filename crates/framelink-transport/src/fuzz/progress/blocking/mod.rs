//! The blocking driver, whose waits are where the peer and the clock go on.

mod connection;
mod stream;
mod waits;

pub(super) use connection::connection;
