//! What a server pushes to its connections: the same rules on every driver, against subscribers that speak bytes by hand.

mod members;
mod mixed;
mod slow;

use std::sync::Arc;
use std::time::Instant;

use framelink_transport::session::{Concurrency, PushCounts};
use framelink_transport::{MemberId, Profile, Registry, SocketOptions};

use crate::support::peer::{DEADLINE, Peer};
use crate::support::server::{Serve, Server, profile};

/// A server that answers nothing, and its subscribers in the order of their names.
fn subscribed<S: Serve>(registry: &Registry, count: usize) -> (Server, Vec<(MemberId, Peer)>) {
    let server = S::start_with(small_buffers(), Concurrency::new(2), Arc::new(|_| None), Some(registry));
    let subscribers = (0..count).map(|_| {
        let peer = Peer::dial(server.address);
        (server.member(), peer)
    });
    let subscribers = subscribers.collect();
    (server, subscribers)
}

/// So that a peer that does not read is noticed soon.
fn small_buffers() -> Profile {
    let mut options = SocketOptions::new();
    options.send_buffer = Some(32 * 1024);
    profile().socket(options).build().unwrap()
}

/// A message that says its number, and is so long.
fn numbered(number: usize, len: usize) -> Vec<u8> {
    let mut message = number.to_be_bytes().to_vec();
    message.resize(len.max(8), b'.');
    message
}

fn number_of(message: &[u8]) -> usize {
    usize::from_be_bytes(message[..8].try_into().unwrap())
}

/// The counts, as soon as they are so: what a peer has read is counted in a moment.
#[track_caller]
fn eventually(registry: &Registry, are_so: impl Fn(PushCounts) -> bool) -> PushCounts {
    let began = Instant::now();
    loop {
        match registry.counts() {
            counts if are_so(counts) => return counts,
            counts => assert!(began.elapsed() < DEADLINE, "{counts:?}"),
        }
        std::thread::yield_now();
    }
}
