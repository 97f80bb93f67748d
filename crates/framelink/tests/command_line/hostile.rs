//! `framelink hostile`, with peers that read and write plain bytes.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;

use crate::common::{DeadPort, Host, Running, dial, framelink, half_close, read_exactly, read_to_end};

fn server(fault: &str, more: &[&str]) -> (Running, SocketAddr) {
    let arguments = ["hostile", "--listen", "127.0.0.1:0", "--framing", "ascii:4,max=2048", "--fault", fault];
    Running::listen(&mut framelink([&arguments, more].concat()))
}

fn client(host: &Host, fault: &str, more: &[&str]) -> Running {
    let to = host.address.to_string();
    let arguments = ["hostile", "--to", &to, "--framing", "ascii:4,max=2048", "--fault", fault];
    Running::start(&mut framelink([&arguments, more].concat()))
}

#[test]
fn help_lists_every_fault_with_its_line() {
    let done = Running::run(&mut framelink(["hostile", "--help"]));
    assert_eq!(done.code, Some(0));
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let help = words(&done.stdout);
    for fault in framelink_testkit::Fault::ALL {
        let line = format!("{fault} {}", fault.help());
        assert!(help.contains(&words(&line)), "{line} in:\n{}", done.stdout);
    }
}

#[test]
fn a_server_has_its_fault_and_logs_it() {
    let (mut running, address) = server("cut-reset", &["--cut-at", "3", "--count", "1"]);
    let mut peer = dial(address);
    peer.write_all(b"0002hi0005hello").unwrap();
    let mut came = Vec::new();
    let error = peer.read_to_end(&mut came).unwrap_err();
    assert_eq!((&came[..], error.kind()), (&b"0002hi000"[..], ErrorKind::ConnectionReset));
    let name = peer.local_addr().unwrap();
    running.log_line(&format!("{name}: connected"));
    running.log_line(&format!("{name}: cut-reset: cut a frame of 9 bytes after 3"));
    running.log_line(&format!("{name}: ended (reset); messages received: 2, sent: 1"));
}

#[cfg(unix)]
#[test]
fn a_signal_ends_it_with_exit_0_whatever_it_does() {
    for (signal, fault) in [("TERM", "none"), ("INT", "deaf"), ("TERM", "late"), ("INT", "empty-flood")] {
        let (mut running, address) = server(fault, &["--delay", "1h"]);
        let mut peer = dial(address);
        peer.write_all(b"0002hi").unwrap();
        running.log_line("connected");
        running.signal(signal);
        assert_eq!(running.finish().code, Some(0), "{fault}");
    }
}

#[test]
fn a_seed_always_has_the_same_result() {
    let cut = |seed: &str| {
        let (_running, address) = server("cut-fin", &["--seed", seed]);
        let mut peer = dial(address);
        peer.write_all(b"0026abcdefghijklmnopqrstuvwxyz").unwrap();
        half_close(&peer);
        read_to_end(&peer).len()
    };
    let places = ["1", "2", "3", "4"].map(cut);
    assert_eq!(places, ["1", "2", "3", "4"].map(cut));
    assert!(places.iter().any(|place| *place != places[0]), "{places:?}");
}

#[test]
fn a_client_ends_with_exit_0_when_it_is_done() {
    let host = Host::listen();
    let running = client(&host, "twice", &[]);
    let mut stream = host.accept();
    for _ in 0..6 {
        let frame = read_exactly(&stream, 13);
        assert!(frame.starts_with(b"0009message "), "{frame:?}");
        stream.write_all(&frame).unwrap();
    }
    assert_eq!(read_to_end(&stream), b"");
    drop(stream);
    let done = running.finish();
    assert_eq!((done.code, &*done.stdout), (Some(0), ""), "{}", done.stderr);
    assert!(done.stderr.contains("ended (done); messages received: 6, sent: 6"), "{}", done.stderr);
}

#[cfg(unix)]
#[test]
fn a_signal_ends_a_client_with_exit_0() {
    let host = Host::listen();
    let mut running = client(&host, "stops", &["--count", "0"]);
    let _stream = host.accept();
    running.log_line("keeps the connection");
    running.signal("TERM");
    assert_eq!(running.finish().code, Some(0));
}

#[test]
fn without_a_peer_a_client_ends_with_exit_1() {
    let port = DeadPort::new();
    let to = port.address.to_string();
    let done = Running::run(&mut framelink(["hostile", "--to", &to, "--framing", "line", "--fault", "none"]));
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    assert!(done.stderr.contains(&format!("connecting to {to}: ")), "{}", done.stderr);
}

#[test]
fn an_address_in_use_is_exit_1() {
    let host = Host::listen();
    let listen = host.address.to_string();
    let done = Running::run(&mut framelink(["hostile", "--listen", &listen, "--framing", "line", "--fault", "none"]));
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    assert!(done.stderr.contains(&format!("listening on {listen}: ")), "{}", done.stderr);
}
