//! A handler that fails ends its connection, and the handler's error can be found by its type.

use std::error::Error as _;
use std::{fmt, io::Read, io::Write, thread};

use framelink_transport::{Cause, Error, Message, Profile, blocking, nonblocking, tokio};

use super::{DEADLINE, framing, on_tokio, sockets};

#[derive(Debug)]
struct HostIsGone;

impl fmt::Display for HostIsGone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the host is gone")
    }
}

impl std::error::Error for HostIsGone {}

/// Returns a handler that answers the first request and fails with the second.
fn handler() -> impl FnMut(Message) -> Result<Option<Vec<u8>>, HostIsGone> {
    |request| if &request[..] == b"one" { Ok(Some(b"reply".to_vec())) } else { Err(HostIsGone) }
}

fn a_handler_that_fails_ends_its_connection(serve: impl FnOnce(std::net::TcpStream, Profile) -> Result<u64, Error>) {
    let (mut client, server) = sockets();
    client.set_read_timeout(Some(DEADLINE)).unwrap();
    let asking = thread::spawn(move || {
        client.write_all(b"\x00\x03one\x00\x03two").unwrap();
        let mut came = Vec::new();
        client.read_to_end(&mut came).map(|_| came)
    });
    let error = serve(server, Profile::builder(framing()).build().unwrap()).unwrap_err();
    assert!(matches!(error.cause(), Cause::HandlerFailed(_)), "{error}");
    assert!(error.source().is_some_and(|source| source.is::<HostIsGone>()), "{error}");
    assert!(error.to_string().ends_with("the handler of a request failed: the host is gone"), "{error}");
    assert_eq!(asking.join().unwrap().unwrap(), b"\x00\x05reply", "the answer before the failure arrives");
}

#[test]
fn on_blocking_a_handler_that_fails_ends_its_connection() {
    a_handler_that_fails_ends_its_connection(|stream, profile| {
        blocking::Connection::from_stream(stream, framing()).serve(&profile, handler())
    });
}

#[test]
fn on_nonblocking_a_handler_that_fails_ends_its_connection() {
    a_handler_that_fails_ends_its_connection(|stream, profile| {
        nonblocking::Connection::from_stream(stream, framing()).unwrap().serve(&profile, handler())
    });
}

#[test]
fn on_tokio_a_handler_that_fails_ends_its_connection() {
    a_handler_that_fails_ends_its_connection(|stream, profile| {
        on_tokio(async {
            stream.set_nonblocking(true).unwrap();
            let stream = ::tokio::net::TcpStream::from_std(stream).unwrap();
            let mut handler = handler();
            let answer = |request| std::future::ready(handler(request));
            tokio::Connection::from_stream(stream, framing()).serve(&profile, answer).await
        })
    });
}
