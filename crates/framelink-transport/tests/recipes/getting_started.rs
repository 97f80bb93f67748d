//! The chapter *Getting started*: its peer, and its clients.

use std::thread;
use std::time::Duration;

use crate::peer::{Peer, Step, expects, refused, sends};

mod peer {
    include!("../../examples/getting-started/peer.rs");

    pub(super) fn start() -> Server {
        listen("127.0.0.1:0").unwrap()
    }

    pub(super) fn run(server: Server) {
        server.run(|request| answer(&request));
    }
}
mod client {
    include!("../../examples/getting-started/client.rs");

    #[tokio::main]
    pub(super) async fn pay_now(addresses: Vec<String>) -> Result<(), String> {
        pay(addresses).await.map_err(|error| error.to_string())
    }
}
mod threads {
    include!("../../examples/getting-started/threads.rs");

    pub(super) fn pay_now(addresses: Vec<String>) -> Result<(), String> {
        pay(addresses).map_err(|error| error.to_string())
    }
}

type PayNow = fn(Vec<String>) -> Result<(), String>;
const CLIENTS: [PayNow; 2] = [client::pay_now, threads::pay_now];

#[test]
fn the_clients_pay_at_the_peer() {
    let server = peer::start();
    let (address, handle) = (server.local_addr().unwrap().to_string(), server.handle());
    let running = thread::spawn(|| peer::run(server));
    for pay_now in CLIENTS {
        pay_now(vec![address.clone()]).unwrap();
    }
    handle.drain(Duration::from_secs(5));
    running.join().unwrap();
}

#[test]
fn a_client_signs_on_as_the_manual_says() {
    let peer = Peer::with([
        expects("00130800000001001"),
        sends("00100810000001"),
        expects("00200200000002 pay 10.0000200200000003 pay 20.00"),
        sends("00130210000003 OK00130210000002 OK"),
        Step::ExpectsEnd,
    ]);
    client::pay_now(vec![peer.address()]).unwrap();
    peer.finish();
}

#[test]
fn a_refused_sign_on_is_reported() {
    let server = peer::start();
    let (address, handle) = (server.local_addr().unwrap().to_string(), server.handle());
    let running = thread::spawn(|| server.run(|_| Some(b"0810000002".to_vec())));
    for pay_now in CLIENTS {
        let error = pay_now(vec![address.clone()]).unwrap_err().replace(&address, "PEER");
        assert_eq!(error, refused(10, "expected 0:10=text:0810000001, found text:0810000002"));
    }
    handle.drain(Duration::from_secs(5));
    running.join().unwrap();
}
