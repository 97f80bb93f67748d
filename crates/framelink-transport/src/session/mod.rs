//! The protocol of one end of a connection, without sockets: the crate `framelink-session`.

#[cfg(feature = "socket")]
mod jitter;

#[doc(inline)]
pub use framelink_session::*;

#[cfg(feature = "socket")]
pub(crate) use jitter::{jitter, join};
