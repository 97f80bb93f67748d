//! Sockets before there is a connection: names, dialling, listening and accepting, for all drivers.

pub(crate) mod accept_queue;
pub(crate) mod accepting;
mod answered;
#[cfg(any(feature = "blocking", feature = "nonblocking"))]
pub(crate) mod clock;
pub(crate) mod connector;
#[cfg(any(feature = "blocking", feature = "nonblocking"))]
pub(crate) mod dial;
pub(crate) mod listener;
pub(crate) mod lock;
pub(crate) mod methods;
#[cfg(any(feature = "blocking", feature = "nonblocking"))]
pub(crate) mod peer;
pub(crate) mod race;
#[cfg(any(feature = "blocking", feature = "nonblocking"))]
pub(crate) mod resolver;
pub(crate) mod socket;
pub(crate) mod threads;
