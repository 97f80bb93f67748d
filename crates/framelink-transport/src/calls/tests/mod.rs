//! Calls without a socket, and at moments that no socket hits.

#[cfg(feature = "nonblocking")]
mod call_loop;
#[cfg(feature = "tokio")]
mod last_moment;
mod table;
