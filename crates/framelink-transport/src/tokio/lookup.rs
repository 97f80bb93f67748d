//! Name lookup with tokio.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

use tokio::net::{ToSocketAddrs, lookup_host};

/// Resolves the addresses of a peer. Tokio panics if the system has no thread for that; this returns an error.
pub(super) async fn look_up(peer: impl ToSocketAddrs) -> io::Result<Vec<SocketAddr>> {
    let mut lookup = pin!(lookup_host(peer));
    let found = poll_fn(|context| {
        // The future is not polled again after a panic.
        let polled = catch_unwind(AssertUnwindSafe(|| lookup.as_mut().poll(context)));
        polled.unwrap_or_else(|_| Poll::Ready(Err(io::Error::other("the system has no thread left for the lookup"))))
    });
    Ok(found.await?.collect())
}
