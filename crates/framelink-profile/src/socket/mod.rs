//! Socket options, as data.

#[cfg(feature = "socket")]
mod applied;
mod keepalive;
mod options;

pub use keepalive::Keepalive;
pub use options::SocketOptions;
