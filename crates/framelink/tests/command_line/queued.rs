//! SIGTERM while clients wait to be accepted. Both ends count messages: each message of a client is answered or
//! counted, and no client is reset.

#![cfg(target_os = "linux")]

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{
    DEADLINE, Finished, Host, Running, Task, Wire, dial, framelink, half_close, is_closed, read_to_end,
};

const CLIENTS: usize = 60;
const LISTEN: [&str; 4] = ["--listen", "127.0.0.1:0", "--framing", "ascii:4"];

fn start(arguments: &[&str]) -> (Running, SocketAddr) {
    Running::listen(&mut framelink([&arguments[..1], &LISTEN, &arguments[1..]].concat()))
}

/// Stops a process, and waits until it is stopped.
fn stop(running: &Running) {
    running.signal("STOP");
    let began = Instant::now();
    let stat = || std::fs::read_to_string(format!("/proc/{}/stat", running.pid())).expect("a process that lives");
    while !stat().rsplit(')').next().expect("a state").trim_start().starts_with('T') {
        assert!(began.elapsed() < DEADLINE, "the process is not stopped");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Connects clients that send while the process is stopped, sends the signal to end, and lets the process continue.
fn meanwhile(running: &Running, address: SocketAddr) -> Vec<TcpStream> {
    stop(running);
    let ask = |client: usize| {
        let mut stream = dial(address);
        stream.write_all(&frame(client)).expect("sending");
        stream
    };
    let clients = (0..CLIENTS).map(ask).collect();
    running.signal("TERM");
    running.signal("CONT");
    clients
}

fn frame(client: usize) -> Vec<u8> {
    Wire::Ascii4.frame(format!("{client:05}").as_bytes())
}

/// Asserts that each client has its reply, and then a proper end.
fn assert_replied(clients: Vec<TcpStream>) {
    for (client, stream) in clients.into_iter().enumerate() {
        assert_eq!(read_to_end(&stream), frame(client));
    }
}

fn drained(done: &Finished) -> &str {
    done.stderr.lines().find(|line| line.contains("drained: ")).expect("a line about the drain")
}

/// Echoes messages until the end.
fn echo(mut stream: TcpStream) {
    let mut block = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut block) {
        if stream.write_all(&block[..count]).is_err() {
            return;
        }
    }
    half_close(&stream);
}

#[test]
fn a_server_answers_clients_that_wait_to_be_accepted() {
    let (server, address) = start(&["serve"]);
    assert_replied(meanwhile(&server, address));
    let done = server.finish();
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    // The number answered in the drain, and not before it, depends on whether the program sees the signal or the
    // clients first.
    let report = " answered, 0 cut, 0 came too late; 60 connections closed, 0 cut";
    assert!(drained(&done).ends_with(report), "{}", drained(&done));
}

#[test]
fn a_listener_prints_messages_of_clients_that_wait_to_be_accepted() {
    let (listening, address) = start(&["listen"]);
    for client in meanwhile(&listening, address) {
        assert_eq!(read_to_end(&client), b"");
    }
    let done = listening.finish();
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let mut lines: Vec<_> = done.stdout.lines().skip(1).collect();
    lines.sort_unstable();
    assert_eq!(lines, (0..CLIENTS).map(|client| format!("{client:05}")).collect::<Vec<_>>());
}

#[test]
fn a_bridge_answers_clients_that_wait_to_be_accepted() {
    for connection in [&[][..], &["--to-connection", "pooled:4"], &["--to-connection", "short"]] {
        let host = Host::listen();
        let to = host.address.to_string();
        host.serve_all(echo);
        let (bridge, address) = start(&[&["bridge", "--to", &to, "--to-framing", "ascii:4"][..], connection].concat());
        assert_replied(meanwhile(&bridge, address));
        let done = bridge.finish();
        assert_eq!(done.code, Some(0), "{connection:?}: {}", done.stderr);
        assert!(
            drained(&done).contains("0 messages cut") || drained(&done).contains("0 messages and"),
            "{}",
            done.stderr
        );
    }
}

/// The bridge has file descriptors for some of the clients at a time.
#[test]
fn clients_that_wait_for_descriptors_are_answered_one_after_the_other() {
    let host = Host::listen();
    let to = host.address.to_string();
    host.serve_all(echo);
    for command in
        [&["serve", "--drain", "20s"][..], &["bridge", "--drain", "20s", "--to", &to, "--to-framing", "ascii:4"]]
    {
        let mut shell = Command::new("sh");
        shell
            .args(["-c", "ulimit -n 32; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_framelink")])
            .args(command)
            .args(LISTEN);
        shell.env_remove("RUST_LOG").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let (running, address) = Running::listen(&mut shell);
        // Each client closes when it has its reply.
        assert_replied(meanwhile(&running, address));
        let done = running.finish();
        assert_eq!(done.code, Some(0), "{command:?}: {}", done.stderr);
        assert!(drained(&done).contains("0 cut") || drained(&done).contains("0 messages cut"), "{}", done.stderr);
    }
}

/// The host cannot be reached: the messages of these clients count as cut.
#[test]
fn a_bridge_without_a_host_counts_messages_of_clients_that_waited() {
    let host = crate::common::DeadPort::new();
    let to = host.address.to_string();
    let (bridge, address) = start(&["bridge", "--to", &to, "--to-framing", "ascii:4"]);
    for client in meanwhile(&bridge, address) {
        assert!(is_closed(&client));
    }
    let done = bridge.finish();
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    assert!(drained(&done).ends_with("drained: 60 messages cut"), "{}", done.stderr);
}

/// Some hosts speak first, but not to a client that the drain is about to end.
#[test]
fn in_a_drain_no_host_is_dialled_for_a_client_that_sends_nothing() {
    let host = Host::listen();
    let to = host.address.to_string();
    let (bridge, address) = start(&["bridge", "--to", &to, "--to-framing", "ascii:4"]);
    stop(&bridge);
    let client = dial(address);
    bridge.signal("TERM");
    bridge.signal("CONT");
    assert_eq!(read_to_end(&client), b"");
    drop(client);
    let done = bridge.finish();
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(drained(&done).ends_with("drained: 0 messages cut"), "{}", done.stderr);
    host.expect_untouched();
}

#[test]
fn limits_apply_to_clients_that_wait_and_refusals_are_in_the_report() {
    let (server, address) = start(&["serve", "--deny", "127.0.0.1"]);
    for client in meanwhile(&server, address) {
        assert!(is_closed(&client));
    }
    let done = server.finish();
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(drained(&done).contains("0 messages answered"), "{}", done.stderr);
    assert!(drained(&done).contains("60 refused since the start: 60 by access"), "{}", done.stderr);
}

#[derive(Default)]
struct Outcomes {
    replied: usize,
    late: usize,
    reset: usize,
}

/// Connects and sends one request, repeatedly, until a connection fails.
fn request_repeatedly(address: SocketAddr) -> Outcomes {
    let mut outcomes = Outcomes::default();
    // A SYN that arrives while the listener closes has no answer, and the system sends it again after a second.
    while let Ok(mut stream) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
        stream.set_read_timeout(Some(DEADLINE)).expect("a timeout");
        stream.write_all(&frame(7)).expect("it was connected");
        let mut reply = Vec::new();
        match stream.read_to_end(&mut reply) {
            Ok(_) if reply == frame(7) => outcomes.replied += 1,
            Ok(0) => outcomes.late += 1,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => outcomes.reset += 1,
            read => panic!("{read:?}: {reply:?}"),
        }
    }
    outcomes
}

/// Clients make short connections one after the other, so that some always wait to be accepted.
#[test]
fn a_server_under_load_resets_no_client_when_it_ends() {
    let (mut server, address) = Running::listen(&mut framelink([&["serve"][..], &LISTEN, &["--set", SHORT]].concat()));
    let clients: Vec<_> = (0..8).map(|_| Task::start(move || request_repeatedly(address))).collect();
    (0..8).for_each(|_| drop(server.log_line(": connected")));
    server.signal("TERM");
    let mut all = Outcomes::default();
    for client in clients {
        let Outcomes { replied, late, reset } = client.join();
        all = Outcomes { replied: all.replied + replied, late: all.late + late, reset: all.reset + reset };
    }
    let done = server.finish();
    assert_eq!((all.reset, done.code), (0, Some(0)), "{}", done.stderr);
    assert!(drained(&done).contains(&format!("{} came too late", all.late)), "{} late: {}", all.late, drained(&done));
    assert!(all.replied >= 8);
}

const SHORT: &str = "connection = \"short\"";
