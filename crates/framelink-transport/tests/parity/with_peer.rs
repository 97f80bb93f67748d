//! A server tells its handler the address of the client.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;

use framelink_transport::{Message, Profile, Reply, blocking, tokio};

use super::{DEADLINE, framing, on_tokio};

fn profile() -> Arc<Profile> {
    Arc::new(Profile::builder(framing()).build().unwrap())
}

fn address(_: Message, peer: Option<SocketAddr>) -> Option<Vec<u8>> {
    peer.map(|peer| peer.to_string().into_bytes())
}

fn address_in_place(_: &[u8], peer: Option<SocketAddr>, reply: &mut Reply<'_>) {
    reply.extend_from_slice(peer.map(|peer| peer.to_string()).unwrap_or_default().as_bytes());
}

/// Sends a request, and compares the reply with the client's own address.
fn ask(server: SocketAddr) {
    let mut client = blocking::Connector::new(framing()).source(([127, 0, 0, 5], 0).into()).connect(server).unwrap();
    let reply = client.call(b"who asks?", DEADLINE).unwrap();
    assert!(reply.starts_with(b"127.0.0.5:"), "{:?}", String::from_utf8_lossy(&reply));
}

#[test]
fn on_blocking_a_handler_is_given_the_address_of_its_client() {
    for is_in_place in [false, true] {
        let server = blocking::Server::bind("127.0.0.1:0", &profile()).unwrap();
        let (server_address, handle) = (server.local_addr().unwrap(), server.handle());
        let running = thread::spawn(move || match is_in_place {
            false => server.run_with_peer(address),
            true => server.run_in_place_with_peer(address_in_place),
        });
        ask(server_address);
        handle.drain(DEADLINE);
        assert_eq!(running.join().unwrap().connections_cut, 0);
    }
}

#[test]
fn on_tokio_a_handler_is_given_the_address_of_its_client() {
    on_tokio(async {
        for is_in_place in [false, true] {
            let server = tokio::Server::bind("127.0.0.1:0", &profile()).await.unwrap();
            let (server_address, handle) = (server.local_addr().unwrap(), server.handle());
            let answer = |message, peer| std::future::ready(address(message, peer));
            let running = match is_in_place {
                false => ::tokio::spawn(server.run_with_peer(answer)),
                true => ::tokio::spawn(server.run_in_place_with_peer(address_in_place)),
            };
            ::tokio::task::spawn_blocking(move || ask(server_address)).await.unwrap();
            handle.drain(DEADLINE);
            assert_eq!(running.await.unwrap().connections_cut, 0);
        }
    });
}
