//! `framelink bridge` with first steps: the client's first message reaches the host.

use std::io::Write;
use std::net::SocketAddr;

use crate::common::{Host, Running, dial, framelink, half_close, is_closed, read_exactly, read_to_end};

/// The profile of the book, for clients and for the host.
const PROFILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../framelink-transport/examples/recipes/postgres.toml");

const GSS_REQUEST: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x30";
const SSL_REQUEST: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x2f";
const STARTUP: &[u8] = b"\0\0\0\x12\0\x03\0\0user\0joe\0\0";
const CANCEL: &[u8] = b"\0\0\0\x10\x04\xd2\x16\x2e\0\0\0\x01\0\0\0\x02";
const QUERY: &[u8] = b"Q\0\0\0\x06;\0";
const READY: &[u8] = b"Z\0\0\0\x05I";

fn bridge(host: SocketAddr) -> (Running, SocketAddr) {
    let to = host.to_string();
    let arguments = ["bridge", "--listen", "127.0.0.1:0", "--profile", PROFILE, "--to", &to, "--to-profile", PROFILE];
    Running::listen(&mut framelink([&arguments[..], &["--drain", "300ms"]].concat()))
}

#[test]
fn the_first_message_of_each_client_reaches_a_host_of_its_own() {
    let host = Host::listen();
    let (bridge, address) = bridge(host.address);
    for asks in [&[][..], &[SSL_REQUEST], &[GSS_REQUEST], &[GSS_REQUEST, SSL_REQUEST]] {
        let mut client = dial(address);
        for request in asks {
            client.write_all(request).expect("writing");
            assert_eq!(read_exactly(&client, 1), b"N");
        }
        client.write_all(&[STARTUP, QUERY].concat()).expect("writing");
        let mut server = host.accept();
        assert_eq!(read_exactly(&server, STARTUP.len() + QUERY.len()), [STARTUP, QUERY].concat());
        server.write_all(READY).expect("writing");
        assert_eq!(read_exactly(&client, READY.len()), READY);
        half_close(&client);
        assert_eq!(read_to_end(&server), b"");
        drop(server);
        assert_eq!(read_to_end(&client), b"");
    }
    bridge.signal("TERM");
    assert_eq!(bridge.finish().code, Some(0));
}

/// A request to cancel is a whole conversation: the host closes without an answer.
#[test]
fn a_request_to_cancel_reaches_the_host_although_its_client_has_closed() {
    let host = Host::listen();
    let (_bridge, address) = bridge(host.address);
    for closes_first in [true, false] {
        let mut client = dial(address);
        client.write_all(CANCEL).expect("writing");
        if closes_first {
            half_close(&client);
        }
        let server = host.accept();
        assert_eq!(read_exactly(&server, CANCEL.len()), CANCEL);
        drop(server);
        assert_eq!(read_to_end(&client), b"");
    }
}

#[test]
fn a_client_that_begins_otherwise_is_closed_and_the_log_names_the_step() {
    let host = Host::listen();
    let (mut bridge, address) = bridge(host.address);
    for (bytes, told) in [
        (
            &b"GET / HTTP/1.1\r\n\r\n"[..],
            "the message of first step 5: header announces 1195725852 payload bytes, limit is 10000; ",
        ),
        (&SSL_REQUEST[..5], "the peer closed the connection after 5 bytes of the message of first step 1"),
    ] {
        let mut client = dial(address);
        client.write_all(bytes).expect("writing");
        half_close(&client);
        assert!(is_closed(&client));
        bridge.log_line(told);
    }
    drop(dial(address));
    bridge.log_line("a probe, closed before its first byte");
    host.expect_untouched();
}

#[test]
fn a_client_that_says_nothing_does_not_hold_a_drain() {
    let host = Host::listen();
    let (mut bridge, address) = bridge(host.address);
    let mut client = dial(address);
    client.write_all(SSL_REQUEST).expect("writing");
    assert_eq!(read_exactly(&client, 1), b"N");
    bridge.signal("TERM");
    bridge.log_line("drained: 0 messages cut");
    assert_eq!(bridge.finish().code, Some(0));
    host.expect_untouched();
}

/// The connections of a shared host belong to no client.
#[test]
fn a_host_that_is_no_single_clients_is_refused_at_the_start() {
    let arguments = ["bridge", "--listen", "127.0.0.1:0", "--profile", PROFILE, "--to", "127.0.0.1:1"];
    for (more, told) in [
        (&["--to-profile", PROFILE, "--to-connection", "shared:2"][..], "does not go with connection: a bridge relays"),
        (
            &["--to-framing", "postgres", "--to-connection", "pooled:2"][..],
            "send = \"relay\" needs a connection to the host",
        ),
        (&["--to-framing", "postgres"][..], "send = \"relay\" needs a connection to the host"),
        (&["--to-framing", "postgres", "--to-set", "timeouts.connect=1s"][..], "1 of a client, and 0 to the host"),
    ] {
        let done = Running::run(&mut framelink([&arguments[..], more].concat()));
        assert_eq!(done.code, Some(2), "{more:?}: {done:?}");
        assert!(done.stderr.contains(told), "{more:?}: {done:?}");
    }
}
