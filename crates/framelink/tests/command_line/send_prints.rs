//! `framelink send` prints every message that it received before it ends.

use std::io::Write;
use std::net::TcpStream;
use std::process::Stdio;
use std::time::Duration;

use crate::common::{Host, Running, framelink, half_close, read_exactly, read_to_end};

/// Answers the first message, `01`, with `01ok` and two further messages, all in one write, and leaves the connection
/// open.
fn say_more(mut stream: &TcpStream) {
    assert_eq!(read_exactly(stream, 6), b"000201");
    stream.write_all(b"000401ok000402xx000403yy").expect("replying");
}

/// The ways to send. Some end with exit code 0 although the peer sent further messages.
const WAYS: &[(&[&str], Option<i32>)] = &[
    (&[], Some(1)),
    (&["--every", "1ms", "--repeat", "1"], Some(1)),
    (&["--connection", "short"], Some(0)),
    (&["--connection", "pooled:1"], Some(0)),
    (&["--exchange", "duplex"], Some(0)),
    (&["--connection", "shared:1", "--key", "0:2"], Some(0)),
    (&["--no-reply"], Some(0)),
    (&["--no-reply", "--connection", "short"], Some(0)),
    (&["--no-reply", "--connection", "pooled:1"], Some(0)),
    (&["--no-reply", "--exchange", "duplex"], Some(0)),
    (&["--no-reply", "--every", "1ms", "--repeat", "1"], Some(0)),
];

#[test]
fn messages_after_a_reply_are_printed_for_every_way_to_send() {
    for (way, code) in WAYS {
        let host = Host::listen();
        let address = host.address.to_string();
        let host = host.serve(|stream| {
            say_more(&stream);
            read_to_end(&stream)
        });
        let done = Running::run(&mut framelink([&["send", &address, "--framing", "ascii:4"], *way, &["01"]].concat()));
        let mut lines: Vec<&str> = done.stdout.lines().collect();
        let first = if way.contains(&"--no-reply") { "unasked: 01ok" } else { "01ok" };
        // A task of its own prints unsolicited messages.
        lines.sort_unstable_by_key(|line| line.trim_start_matches("unasked: "));
        assert_eq!(lines, [first, "unasked: 02xx", "unasked: 03yy"], "{way:?}: {}", done.stderr);
        assert_eq!(done.code, *code, "{way:?}: {}", done.stderr);
        host.join();
    }
}

#[test]
fn messages_received_before_an_exchange_failed_are_printed() {
    for way in [&[][..], &["--every", "1ms", "--repeat", "1"]] {
        let host = Host::listen();
        let address = host.address.to_string();
        let host = host.serve(|stream| {
            say_more(&stream);
            read_to_end(&stream)
        });
        let done =
            Running::run(&mut framelink([&["send", &address, "--framing", "ascii:4"], way, &["01", "02"]].concat()));
        assert_eq!(done.code, Some(1), "{way:?}");
        assert_eq!(done.stdout, "01ok\nunasked: 02xx\nunasked: 03yy\n", "{way:?}: {}", done.stderr);
        assert!(done.stderr.contains("message 2: "), "{way:?}: {}", done.stderr);
        host.join();
    }
}

#[test]
fn half_a_message_without_a_waiting_request_is_logged() {
    let host = Host::listen();
    let address = host.address.to_string();
    let host = host.serve(|mut stream| {
        assert_eq!(read_to_end(&stream), b"0002hi");
        stream.write_all(b"0002ok0009hal").expect("sending");
    });
    let done = Running::run(&mut framelink(["send", &address, "--framing", "ascii:4", "--no-reply", "hi"]));
    assert_eq!((done.code, &*done.stdout), (Some(0), "unasked: ok\n"));
    assert!(done.stderr.contains("are not a message") && done.stderr.contains("7 bytes came"), "{}", done.stderr);
    host.join();
}

#[test]
fn the_end_of_the_peer_is_noticed_while_stdin_is_idle() {
    let host = Host::listen();
    let arguments = ["send", &host.address.to_string(), "--framing", "line"];
    let mut running = Running::start(framelink(arguments).stdin(Stdio::piped()));
    let mut stdin = running.stdin();
    stdin.write_all(b"hi\nhalf a line").unwrap();
    let mut stream = host.accept();
    assert_eq!(read_exactly(&stream, 4), b"hi\r\n");
    stream.write_all(b"bye\r\n").unwrap();
    drop(stream);
    let done = running.finish();
    assert_eq!((done.code, &*done.stdout), (Some(1), "bye\n"));
    assert!(done.stderr.contains("the peer closed the connection, and stdin has not ended"), "{}", done.stderr);
    drop(stdin);
}

/// A peer that only receives may close its side and still read, so this is a warning.
#[test]
fn the_end_of_the_peer_is_logged_at_once_with_no_reply() {
    let host = Host::listen();
    let arguments = ["send", &host.address.to_string(), "--framing", "line", "--no-reply"];
    let mut running = Running::start(framelink(arguments).stdin(Stdio::piped()));
    let mut stdin = running.stdin();
    stdin.write_all(b"hi\n").unwrap();
    let stream = host.accept();
    assert_eq!(read_exactly(&stream, 4), b"hi\r\n");
    half_close(&stream);
    running.log_line("the peer closed its side, and stdin has not ended");
    stdin.write_all(b"ho\n").unwrap();
    drop(stdin);
    assert_eq!(read_to_end(&stream), b"ho\r\n");
    assert_eq!(running.finish().code, Some(0));
}

#[test]
fn a_reset_is_noticed_while_stdin_is_idle() {
    for more in [&[][..], &["--no-reply"]] {
        let host = Host::listen();
        let arguments = ["send", &host.address.to_string(), "--framing", "line"];
        let mut running = Running::start(framelink([&arguments[..], more].concat()).stdin(Stdio::piped()));
        let mut stdin = running.stdin();
        stdin.write_all(b"hi\n").unwrap();
        let mut stream = host.accept();
        assert_eq!(read_exactly(&stream, 4), b"hi\r\n");
        stream.write_all(b"ok\r\n").unwrap();
        assert!(running.stdout_line().ends_with("ok"));
        socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
        drop(stream);
        let done = running.finish();
        assert_eq!(done.code, Some(1), "{more:?}");
        assert!(done.stderr.contains("reset"), "{more:?}: {}", done.stderr);
        drop(stdin);
    }
}

#[test]
fn lines_left_on_stdin_when_the_peer_ends_are_an_error() {
    let host = Host::listen();
    let address = host.address.to_string();
    let host = host.serve(|mut stream| {
        assert_eq!(read_exactly(&stream, 4), b"hi\r\n");
        stream.write_all(b"bye\r\n").expect("replying");
        half_close(&stream);
        read_to_end(&stream)
    });
    let done = Running::feed(&mut framelink(["send", &address, "--framing", "line"]), b"hi\nho\n");
    assert_eq!((done.code, &*done.stdout), (Some(1), "bye\n"));
    assert!(done.stderr.contains("line 2 of stdin: "), "{}", done.stderr);
    host.join();
}
