//! Servers with reply rules, on the drivers that have a server. The clients are plain sockets.
#![cfg(all(feature = "blocking", feature = "tokio", feature = "toml"))]

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use framelink_transport::{Profile, blocking, tokio};

const HOST: &str = "
framing = 'ascii:4'
[[reply]]
say = 'text:first {number:2}'
times = 1
[[reply]]
when = '0:1=text:x'
say = 'text:abcdef'
fault = 'cut-reset'
[[reply]]
when = '0:1=text:y'
say = 'text:abcdef'
fault = 'cut-fin'
[[reply]]
say = 'text:{request}'
";

#[test]
fn each_connection_of_a_blocking_server_has_its_own_state() {
    let server = blocking::Server::bind("127.0.0.1:0", &profile()).expect("listening");
    let (address, handle, rules) = (server.local_addr().expect("an address"), server.handle(), server.rule_handler());
    let running = thread::spawn(move || {
        server.run_per_connection(move |_| {
            let rules = rules.another();
            move |request| rules.answer(&request).expect("a reply").reply
        })
    });
    check(address);
    handle.drain(Duration::from_secs(5));
    running.join().expect("a report");
}

#[test]
fn each_connection_of_a_tokio_server_has_its_own_state() {
    let runtime =
        ::tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let server = runtime.block_on(tokio::Server::bind("127.0.0.1:0", &profile())).expect("listening");
    let (address, handle, rules) = (server.local_addr().expect("an address"), server.handle(), server.rule_handler());
    let running = runtime.spawn(server.run_per_connection(move |_| {
        let rules = rules.another();
        move |request| std::future::ready(rules.answer(&request).expect("a reply").reply)
    }));
    check(address);
    handle.drain(Duration::from_secs(5));
    runtime.block_on(running).expect("a report");
}

fn profile() -> Arc<Profile> {
    Arc::new(Profile::from_toml(HOST).expect("a profile"))
}

/// Numbers go on over connections, and rules begin anew. A cut comes after the replies before it.
fn check(address: SocketAddr) {
    let reset = Err(ErrorKind::ConnectionReset);
    for (sent, received, end) in [
        (&b"0001a0001b0001x"[..], &b"0008first 010001b0006a"[..], reset),
        (b"0001a0001b0001y", b"0008first 020001b0006a", Ok(0)),
    ] {
        let mut client = TcpStream::connect(address).expect("dialling");
        client.set_read_timeout(Some(Duration::from_secs(20))).expect("a deadline");
        client.write_all(sent).expect("sending");
        let mut bytes = vec![0; received.len()];
        client.read_exact(&mut bytes).expect("replies");
        assert_eq!(bytes, received);
        assert_eq!(client.read(&mut [0]).map_err(|error| error.kind()), end);
    }
}
