//! Tests of calls without a socket, at moments that a test with a socket cannot hit.

#[cfg(feature = "nonblocking")]
mod call_loop;
#[cfg(feature = "tokio")]
mod last_moment;
mod table;
