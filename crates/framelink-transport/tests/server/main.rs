//! Servers whose resources strangers cannot use up, and that can be drained: the limits on every driver, and both
//! servers.

#![allow(clippy::unwrap_used, reason = "the rules are called by tests")]

mod admitted;
mod drained;
mod dribblers;
mod dropped;
mod exhausted;
mod faults;
mod limits;
mod queued;
mod refused;
mod timed;

#[path = "../support/mod.rs"]
mod support;

use std::net::{Ipv4Addr, SocketAddr};

use support::{gates, peer, server};

/// Dials from this address: each address of 127.0.0.0/8 is another client.
fn dial_from(source: [u8; 4], address: SocketAddr) -> peer::Peer {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((Ipv4Addr::from(source), 0)).into()).unwrap();
    socket.connect(&address.into()).unwrap();
    peer::Peer::new(socket.into())
}

fn echo() -> server::Handler {
    std::sync::Arc::new(|message: &[u8]| Some(message.to_vec()))
}
