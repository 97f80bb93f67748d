//! Servers that start again, and short connections.

use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use framelink_transport::profile::{Short, Side};
use framelink_transport::{Framing, Profile, blocking, nonblocking, tokio};

use crate::peer::{read_to_end, ready};

/// The side that closed first keeps the address for a minute; a server that starts again does not wait for that.
#[test]
fn a_server_that_starts_again_has_its_address_while_old_connections_linger() {
    let framing: Framing = "line".parse().unwrap();
    let profile = Profile::builder(framing).connection(Short::new().closes(Side::Server)).build().unwrap();
    let profile = Arc::new(profile);
    let mut listener = blocking::Listener::bind_profile("127.0.0.1:0", &profile).unwrap();
    let address = listener.local_addr().unwrap();
    let linger = |listener: &mut blocking::Listener| {
        let mut client = ready(TcpStream::connect(address).unwrap());
        client.write_all(b"hi\n").unwrap();
        let connection = listener.accept().unwrap().unwrap();
        let profile = Arc::clone(&profile);
        let serving = std::thread::spawn(move || connection.serve(&profile, |message| Some(message.to_vec())));
        assert_eq!(read_to_end(&client), b"hi\r\n");
        drop(client);
        assert_eq!(serving.join().unwrap().unwrap(), 1);
    };
    linger(&mut listener);
    drop(listener);
    let mut listener = blocking::Listener::bind_profile(address, &profile).expect("the same address again");
    linger(&mut listener);
    drop(listener);
    drop(nonblocking::Listener::bind_profile(address, &profile).expect("and again"));
    let runtime = ::tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::Listener::bind_profile(address, &profile).await }).expect("and again");
}

#[test]
fn a_blocking_listener_can_be_stopped_before_and_while_it_waits() {
    for wait in [Duration::ZERO, Duration::from_millis(50)] {
        for address in ["127.0.0.1:0", "0.0.0.0:0"] {
            let framing: Framing = "line".parse().unwrap();
            let mut listener = blocking::Listener::bind(address, framing).unwrap();
            let stopper = listener.stopper();
            let stopping = std::thread::spawn(move || {
                std::thread::sleep(wait);
                stopper.stop();
            });
            if wait.is_zero() {
                stopping.join().unwrap();
                assert!(listener.accept().unwrap().is_none());
            } else {
                assert!(listener.accept().unwrap().is_none());
                stopping.join().unwrap();
            }
            assert!(listener.accept().unwrap().is_none(), "and stays so");
        }
    }
}

/// A client whose long connection was ended by the peer while nobody looked dials again; the request goes out once.
#[test]
fn a_client_dials_again_when_its_connection_has_ended() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let host = std::thread::spawn(move || {
        let mut requests = Vec::new();
        for _ in 0..3 {
            let (stream, _) = listener.accept().unwrap();
            requests.push(crate::peer::read_exactly(&stream, 4));
            (&stream).write_all(b"ok\r\n").unwrap();
        }
        requests
    });
    let profile = Profile::template("long-sync", "line".parse::<Framing>().unwrap()).unwrap();
    let mut client = blocking::Client::new(profile, address).unwrap();
    for request in [b"r1", b"r2", b"r3"] {
        assert_eq!(&client.call(request).unwrap()[..], b"ok");
        // The host has closed by now.
        std::thread::sleep(Duration::from_millis(30));
    }
    assert_eq!(host.join().unwrap(), [b"r1\r\n", b"r2\r\n", b"r3\r\n"]);
}
