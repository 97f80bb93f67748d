//! Plain text where TLS is expected, TLS where plain text is, and no answer at all: named on both sides.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use framelink_transport::tls::TlsError;
use framelink_transport::{Blame, Cause, ConnectError, Error, TryRecv, blocking, nonblocking, tokio};

use crate::support::peer::{listen, read_to_end, ready};
use crate::support::tls::{client, server};
use crate::support::{DEADLINE, framing, runtime};

/// Accepts one connection on each driver with TLS. Returns the address, and the error of its first operation.
fn listeners(within: Duration) -> Vec<(SocketAddr, JoinHandle<Error>)> {
    let tls = move || server().handshake_within(within);
    let mut on_threads = blocking::Listener::bind("127.0.0.1:0", framing("ascii:4")).unwrap().tls(tls());
    let mut in_loop = nonblocking::Listener::bind("127.0.0.1:0", framing("ascii:4")).unwrap().tls(tls());
    let (first, second) = (on_threads.local_addr().unwrap(), in_loop.local_addr().unwrap());
    let runtime = runtime();
    let bound = runtime.block_on(tokio::Listener::bind("127.0.0.1:0", framing("ascii:4"))).unwrap();
    let mut in_tasks = bound.tls(tls());
    let third = in_tasks.local_addr().unwrap();
    vec![
        (first, thread::spawn(move || on_threads.accept().unwrap().unwrap().recv().unwrap_err())),
        (
            second,
            thread::spawn(move || {
                let mut connection = loop {
                    if let Some(connection) = in_loop.try_accept().unwrap() {
                        break connection;
                    }
                    thread::yield_now();
                };
                loop {
                    match connection.recv_within(DEADLINE) {
                        Ok(TryRecv::Nothing) => {}
                        Ok(received) => panic!("{received:?}"),
                        Err(error) => return error,
                    }
                }
            }),
        ),
        (
            third,
            thread::spawn(move || {
                runtime.block_on(async { in_tasks.accept().await.unwrap().recv().await.unwrap_err() })
            }),
        ),
    ]
}

#[test]
fn plain_text_on_a_port_with_tls_is_named() {
    for (address, outcome) in listeners(DEADLINE) {
        let peer = ready(TcpStream::connect(address).unwrap());
        (&peer).write_all(b"0005hello").unwrap();
        let error = outcome.join().unwrap();
        let text = "the peer does not speak TLS: it sent 30 30 30 35 68 65 6c 6c 6f (does it expect a connection without TLS?)";
        assert_eq!(error.to_string(), format!("receiving from {}: {text}", peer.local_addr().unwrap()));
        assert_eq!(error.blame(), Blame::Peer);
    }
}

#[test]
fn a_client_that_stalls_in_the_handshake_is_closed_in_time() {
    let within = Duration::from_millis(200);
    for (address, outcome) in listeners(within) {
        let peer = ready(TcpStream::connect(address).unwrap());
        // The beginning of a hello.
        (&peer).write_all(&[0x16, 3, 1, 2]).unwrap();
        let error = outcome.join().unwrap();
        assert!(matches!(error.cause(), Cause::Tls(TlsError::TimedOut { after }) if *after == within), "{error}");
        assert!(error.to_string().ends_with("the TLS handshake was not over within 200ms"), "{error}");
        assert_eq!(read_to_end(&peer), b"");
    }
}

#[test]
fn tls_on_a_plain_port_is_named() {
    let mut listener = blocking::Listener::bind("127.0.0.1:0", framing("ascii:4")).unwrap();
    let address = listener.local_addr().unwrap();
    let serving = thread::spawn(move || listener.accept().unwrap().unwrap().recv().unwrap_err());
    let refused = blocking::Connector::new(framing("ascii:4")).tls(client()).connect(address).unwrap_err();
    let error = serving.join().unwrap();
    assert!(error.to_string().contains("the bytes begin like a TLS handshake"), "{error}");
    let ConnectError::Tls { error: TlsError::Closed, .. } = &refused else { panic!("{refused}") };
    let text = "the peer closed the connection during the TLS handshake (does it expect TLS?)";
    assert_eq!(refused.to_string(), format!("connecting to {address}: {text}"));
}

/// Answers a hello like a server without TLS.
fn plain_server(answer: &'static [u8]) -> (SocketAddr, JoinHandle<()>) {
    let (listener, address): (TcpListener, _) = listen();
    let serving = thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        stream.write_all(answer).unwrap();
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.shutdown(Shutdown::Write);
        while stream.read(&mut [0; 4096]).is_ok_and(|count| count > 0) {}
    });
    (address, serving)
}

#[test]
fn a_server_without_tls_is_named_on_every_driver() {
    let text = "the peer does not speak TLS: it sent 30 30 30 32 6f 6b (does it expect a connection without TLS?)";
    let connectors: [fn(SocketAddr) -> ConnectError; 3] = [
        |address| blocking::Connector::new(framing("ascii:4")).tls(client()).connect(address).unwrap_err(),
        |address| nonblocking::Connector::new(framing("ascii:4")).tls(client()).connect(address).unwrap_err(),
        |address| {
            let connector = tokio::Connector::new(framing("ascii:4")).tls(client());
            runtime().block_on(connector.connect(address)).unwrap_err()
        },
    ];
    for connect in connectors {
        let (address, serving) = plain_server(b"0002ok");
        assert_eq!(connect(address).to_string(), format!("connecting to {address}: {text}"));
        serving.join().unwrap();
    }
}

#[test]
fn a_half_that_was_split_off_before_the_handshake_says_so() {
    let (listener, address) = listen();
    let stream = TcpStream::connect(address).unwrap();
    let connection = blocking::Connection::from_stream(stream, framing("ascii:4")).tls_client(&client());
    let (mut receiver, mut sender) = connection.split();
    for error in [sender.send(b"early").unwrap_err(), receiver.recv().unwrap_err()] {
        assert!(matches!(error.cause(), Cause::Tls(TlsError::Unfinished)), "{error}");
        assert_eq!(error.blame(), Blame::Ours);
    }
    drop(listener);
}
