//! Pushes of a server to its connections: rules that hold on every driver, against subscribers that write bytes by
//! hand.

mod members;
mod mixed;
mod slow;

use std::sync::Arc;
use std::time::Instant;

use framelink_transport::session::{Concurrency, PushCounts};
use framelink_transport::{MemberId, Profile, Registry, SocketOptions};

use crate::support::peer::{DEADLINE, Peer};
use crate::support::server::{Serve, Server, profile};

/// Returns a server that answers no message, and its subscribers in the order of their ids.
fn subscribed<S: Serve>(registry: &Registry, count: usize) -> (Server, Vec<(MemberId, Peer)>) {
    let server = S::start_with(small_buffers(), Concurrency::new(2), Arc::new(|_| None), Some(registry));
    let subscribers = (0..count).map(|_| {
        let peer = Peer::dial(server.address);
        (server.member(), peer)
    });
    let subscribers = subscribers.collect();
    (server, subscribers)
}

/// Small buffers, so that the server soon notices that a peer does not read.
fn small_buffers() -> Profile {
    let mut options = SocketOptions::new();
    options.send_buffer = Some(32 * 1024);
    profile().socket(options).build().unwrap()
}

/// Returns a message of this length that begins with its number.
fn numbered(number: usize, len: usize) -> Vec<u8> {
    let mut message = number.to_be_bytes().to_vec();
    message.resize(len.max(8), b'.');
    message
}

fn number_of(message: &[u8]) -> usize {
    usize::from_be_bytes(message[..8].try_into().unwrap())
}

/// Waits until the counts satisfy the condition, and returns them. A message is counted a moment after the peer has it.
#[track_caller]
fn eventually(registry: &Registry, is_expected_count: impl Fn(PushCounts) -> bool) -> PushCounts {
    let began = Instant::now();
    loop {
        match registry.counts() {
            counts if is_expected_count(counts) => return counts,
            counts => assert!(began.elapsed() < DEADLINE, "{counts:?}"),
        }
        std::thread::yield_now();
    }
}
