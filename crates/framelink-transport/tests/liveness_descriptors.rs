//! A served connection leaves no descriptor open. This test has a process of its own, because it counts the descriptors
//! of the process.
#![allow(clippy::unwrap_used, reason = "a test")]
#![cfg(target_os = "linux")]

use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use framelink_transport::heartbeat::{Form, Heartbeat, Role};
use framelink_transport::profile::Duplex;
use framelink_transport::session::Concurrency;
use framelink_transport::{Framing, Profile, Registry, blocking};

const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn f(text: &str) -> Framing {
    text.parse().unwrap()
}

fn tcp() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (ours, listener.accept().unwrap().0)
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

#[test]
fn a_served_connection_leaves_no_descriptor_open() {
    a_kept_liveness_handle_keeps_no_socket_open();
    a_registry_keeps_no_socket_open();
}

/// A liveness handle that the application keeps must not keep the socket open.
fn a_kept_liveness_handle_keeps_no_socket_open() {
    let (ours, peer) = tcp();
    let mut ours = blocking::Connection::from_stream(ours, f("net:2"));
    let liveness = ours.watch(Heartbeat::relaxed(Form::literal(b"PING", b"PONG")), Role::Server);
    let profile = Profile::builder(f("net:2")).exchange(Duplex::new()).build().unwrap();
    let fd = {
        use std::os::fd::AsRawFd;
        ours.stream().unwrap().as_raw_fd()
    };
    let server = thread::spawn(move || {
        ours.serve_many(&profile, Concurrency::new(1), |_| None::<Vec<u8>>).map_err(|e| e.to_string())
    });
    thread::sleep(ms(50));
    drop(peer);
    server.join().unwrap().unwrap();
    let open = std::fs::read_link(format!("/proc/self/fd/{fd}")).is_ok();
    assert!(!open, "the descriptor is still open, and {liveness:?} holds it");
}

/// A registry that a served connection had joined keeps no socket after the connection.
fn a_registry_keeps_no_socket_open() {
    let registry =
        Registry::new(framelink_transport::session::Backlog::new(framelink_transport::session::SlowRule::Drop));
    let mut before = 0;
    for round in 0..40 {
        if round == 20 {
            before = descriptors();
        }
        let (ours, peer) = tcp();
        let mut ours = blocking::Connection::from_stream(ours, f("net:2"));
        ours.join(&registry);
        let profile = Profile::builder(f("net:2")).exchange(Duplex::new()).build().unwrap();
        drop(peer);
        let _ = ours.serve_many(&profile, Concurrency::new(1), |_| None::<Vec<u8>>);
    }
    let after = descriptors();
    assert!(after < before + 15, "{before} descriptors after 20 connections, {after} after 40");
}
