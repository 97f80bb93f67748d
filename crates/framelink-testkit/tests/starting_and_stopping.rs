//! A peer with an impossible fault is refused before it starts, and a dropped peer leaves nothing behind.

mod support;

use std::error::Error;
use std::io::{self, Read};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use framelink_codec::{Decode, Encode};
use framelink_testkit::{Fault, Hostile, StartError};
use support::{DEADLINE, Host, dial, length, read_to_end, unframed};

fn refusal<F: Decode + Encode + Send + Sync + 'static>(framing: F, fault: Fault) -> String {
    match Hostile::listen("127.0.0.1:0", framing, fault) {
        Err(StartError::Unfit(unfit)) => unfit.to_string(),
        other => panic!("{fault}: {other:?}"),
    }
}

#[test]
fn a_fault_that_does_not_go_with_the_framing_is_refused_with_the_reason() {
    let no_more = "this framing can announce no more than it allows";
    assert_eq!(refusal(length("net:2"), Fault::GarbageLength), "garbage-length: this framing takes every header");
    assert_eq!(refusal(length("net:2"), Fault::Oversize), format!("oversize: {no_more}"));
    assert_eq!(refusal(length("ascii:4"), Fault::Oversize), format!("oversize: {no_more}"));
    assert_eq!(refusal(unframed("fixed:8"), Fault::Oversize), format!("oversize: {no_more}"));
    assert_eq!(refusal(unframed("line"), Fault::GarbageLength), "garbage-length: this framing has no header");
    for fault in [Fault::EmptyFlood, Fault::HeartbeatStorm] {
        assert_eq!(refusal(unframed("fixed:8"), fault), format!("{fault}: this framing has no empty frames"));
    }
    for fault in [Fault::Twice, Fault::Coalesce, Fault::OutOfOrder, Fault::Unsolicited, Fault::Stops, Fault::EmptyFlood]
    {
        assert_eq!(
            refusal(unframed("until-close"), fault),
            format!("{fault}: with this framing a connection is one message")
        );
    }
    let error = Hostile::builder(length("ascii:1"), Fault::None).messages(["0123456789"]).check().unwrap_err();
    assert_eq!(
        (error.fault(), &*error.to_string()),
        (Fault::None, "none: message 1: payload is 10 bytes, the header can announce at most 9")
    );
    let error = Hostile::builder(length("ascii:1"), Fault::None).messages([""; 0]).check().unwrap_err();
    assert_eq!(error.to_string(), "none: a peer needs a message");
}

#[test]
fn dialling_a_port_without_a_listener_is_refused() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let holder = std::net::TcpStream::connect(closed.local_addr().unwrap()).unwrap();
    let closed = holder.local_addr().unwrap();
    let error = Hostile::dial(closed, length("net:2"), Fault::None).unwrap_err();
    assert!(
        matches!(&error, StartError::Dial(source) if source.kind() == io::ErrorKind::ConnectionRefused),
        "{error:?}"
    );
    assert!(error.source().is_some());
}

#[test]
fn an_address_in_use_is_refused() {
    let host = Host::listen();
    let error = Hostile::listen(host.address, length("net:2"), Fault::None).unwrap_err();
    assert!(matches!(&error, StartError::Listen(source) if source.kind() == io::ErrorKind::AddrInUse), "{error:?}");
}

#[test]
fn dropping_a_peer_ends_its_connections_at_once_and_frees_its_port() {
    for &fault in Fault::ALL {
        let peer = Hostile::builder(length("ascii:4,max=2048"), fault)
            .delay(Duration::from_secs(3600))
            .listen("127.0.0.1:0")
            .unwrap();
        let address = peer.local_addr();
        let mut client = dial(address);
        std::io::Write::write_all(&mut client, b"0002hi0002hi").unwrap();
        assert!(peer.wait_for(DEADLINE, |counts| counts.connections == 1), "{fault}");
        let before = Instant::now();
        drop(peer);
        assert!(before.elapsed() < Duration::from_secs(5), "{fault} took {:?}", before.elapsed());
        let _ = read_to_end(&client);
        assert!(matches!(client.read(&mut [0]), Ok(0) | Err(_)), "{fault}");
        drop(Hostile::listen(address, length("net:2"), Fault::None).unwrap());
    }
}

#[test]
fn dropping_a_client_ends_it_at_once() {
    let host = Host::listen();
    for &fault in Fault::ALL {
        let peer = Hostile::builder(length("ascii:4,max=2048"), fault)
            .delay(Duration::from_secs(3600))
            .patience(Duration::from_secs(3600))
            .dial(host.address)
            .unwrap();
        let server = host.accept();
        let before = Instant::now();
        let counts = peer.stop();
        assert_eq!((counts.connections, counts.ended), (1, 1), "{fault}");
        assert!(before.elapsed() < Duration::from_secs(5), "{fault} took {:?}", before.elapsed());
        drop(server);
    }
}
