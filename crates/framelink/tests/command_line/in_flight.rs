//! `framelink send` with many messages in flight, `framelink listen`, and the messages that `framelink serve` pushes.

use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use crate::common::{
    DEADLINE, Finished, Host, Running, Task, Wire, dial, framelink, half_close, read_exactly, read_to_end,
};

const WIRE: Wire = Wire::Ascii4;

fn send(address: SocketAddr, arguments: &[&str]) -> Finished {
    Running::run(&mut framelink([&["send", &address.to_string(), "--framing", WIRE.notation()], arguments].concat()))
}

fn read(stream: &mut TcpStream, count: usize) -> Vec<Vec<u8>> {
    (0..count).map(|_| WIRE.read(stream)).collect()
}

fn write(stream: &mut TcpStream, payload: &[u8]) {
    stream.write_all(&WIRE.frame(payload)).expect("writing");
}

#[test]
fn replies_by_key_are_printed_in_the_order_of_the_messages() {
    let host = Host::listen();
    let address = host.address;
    let host = host.serve(|mut stream| {
        // All requests are there before the first reply.
        let mut requests = read(&mut stream, 3);
        requests.sort();
        write(&mut stream, b"99 news");
        for request in requests.iter().rev() {
            write(&mut stream, &[&request[..2], b" re"].concat());
        }
        read_to_end(stream)
    });
    let done = send(address, &["--key", "0:2", "01 a", "02 b", "03 c"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let (unsolicited, replies): (Vec<&str>, _) = done.stdout.lines().partition(|line| line.starts_with("unasked: "));
    assert_eq!((unsolicited, replies), (vec!["unasked: 99 news"], vec!["01 re", "02 re", "03 re"]));
    assert_eq!(host.join(), b"");
}

#[test]
fn every_received_message_is_printed_before_the_program_ends() {
    let host = Host::listen();
    let address = host.address;
    let host = host.serve(|mut stream| {
        let request = WIRE.read(&mut stream);
        let before = (0..300).map(|number| format!("news {number}")).flat_map(|news| WIRE.frame(news.as_bytes()));
        let all: Vec<u8> = before.chain(WIRE.frame(&[&request[..2], b" re"].concat())).collect();
        stream.write_all(&all).expect("writing");
        // The program has ended its side by now, and still receives.
        read_to_end(&stream);
        write(&mut stream, b"a last word");
    });
    let done = send(address, &["--key", "0:2", "01 a"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let (unsolicited, replies): (Vec<&str>, _) = done.stdout.lines().partition(|line| line.starts_with("unasked: "));
    assert_eq!((unsolicited.len(), replies), (301, vec!["01 re"]));
    assert_eq!((unsolicited[299], unsolicited[300]), ("unasked: news 299", "unasked: a last word"));
    host.join();
}

#[test]
fn the_limit_of_messages_in_flight_holds() {
    let host = Host::listen();
    let address = host.address;
    let host = host.serve(|mut stream| {
        for _ in 0..2 {
            let requests = read(&mut stream, 2);
            stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
            assert!(stream.peek(&mut [0]).is_err(), "a third message waits");
            stream.set_read_timeout(Some(DEADLINE)).unwrap();
            requests.iter().for_each(|request| write(&mut stream, request));
        }
        read_to_end(stream)
    });
    let done = send(address, &["--exchange", "duplex", "--in-flight", "2", "a", "b", "c", "d"]);
    assert_eq!((done.code, &*done.stdout), (Some(0), "a\nb\nc\nd\n"), "{}", done.stderr);
    host.join();
}

#[test]
fn each_message_that_fails_is_logged_with_what_the_peer_may_have_seen() {
    let host = Host::listen();
    let address = host.address;
    let host = host.serve(|mut stream| {
        read(&mut stream, 2);
        write(&mut stream, b"02 re");
        // No reply to the first message in time, then a late one.
        std::thread::sleep(Duration::from_millis(400));
        write(&mut stream, b"01 late");
        read_to_end(stream)
    });
    let done = send(address, &["--key", "0:2", "--timeout", "200ms", "01 a", "02 b"]);
    assert_eq!((done.code, &*done.stdout), (Some(1), "02 re\nlate: 01 late\n"));
    assert!(done.stderr.contains("message 1: calling 127.0.0.1:") && done.stderr.contains("(sent, no reply)"));
    assert!(done.stderr.ends_with("framelink: 1 of 2 messages failed\n"), "{}", done.stderr);
    host.join();
}

/// Receives two messages on one connection, and answers them on the other in reverse order.
fn answer_apart(mut requests: TcpStream, mut replies: TcpStream) {
    requests.set_read_timeout(Some(DEADLINE)).expect("a deadline");
    let seen = read(&mut requests, 2);
    seen.iter().rev().for_each(|request| write(&mut replies, request));
    assert_eq!(read_to_end(&requests), b"");
    half_close(&replies);
    assert_eq!(read_to_end(&replies), b"", "nothing is sent on the receiving connection");
}

#[test]
fn replies_come_on_a_connection_that_is_dialled() {
    let (requests, replies) = (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
    let (to, from) = (requests.local_addr().unwrap(), replies.local_addr().unwrap().to_string());
    let host = Task::start(move || answer_apart(requests.accept().unwrap().0, replies.accept().unwrap().0));
    let done = send(to, &["--receive-from", &from, "--key", "0:2", "01 a", "02 b"]);
    assert_eq!((done.code, &*done.stdout), (Some(0), "01 a\n02 b\n"), "{}", done.stderr);
    host.join();
}

#[test]
fn replies_come_on_a_connection_that_the_peer_dials() {
    let requests = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = requests.local_addr().unwrap();
    // A port that was free just now.
    let at = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let host = Task::start(move || answer_apart(requests.accept().unwrap().0, dial_until_there(at)));
    let done = send(to, &["--receive-at", &at.to_string(), "--key", "0:2", "01 a", "02 b"]);
    assert_eq!((done.code, &*done.stdout), (Some(0), "01 a\n02 b\n"), "{}", done.stderr);
    host.join();
}

fn dial_until_there(address: SocketAddr) -> TcpStream {
    loop {
        match TcpStream::connect(address) {
            Ok(stream) => return stream,
            Err(_) => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}

#[test]
fn flags_that_do_not_go_together_are_bad_usage() {
    let cases: &[(&[&str], &str)] = &[
        (&["--exchange", "sync", "--key", "4:6"], "and the exchange is sync"),
        (&["--exchange", "simplex"], "--receive-from ADDR to dial it, or --receive-at ADDR"),
        (&["--exchange", "duplex", "--receive-from", "h:1"], "are for a pair of connections"),
        (&["--connection", "short", "--key", "4:6"], "no other request can be in flight"),
        (&["--connection", "shared:3", "--exchange", "sync"], "connections are shared by many requests in flight"),
        (&["--connection", "shared"], "shared:N: expected 1 to 1024 connections"),
        (&["--key", "4"], "expected OFFSET:LEN"),
        (&["--in-flight", "0"], "0 is not in 1..=65536"),
        (&["--assign", "digits"], "set exchange.key"),
        (&["--exchange", "both"], "expected sync, duplex, simplex or send-only"),
    ];
    for (flags, told) in cases {
        let done = Running::run(&mut framelink([&["send", "h:1", "--framing", "line"], *flags, &["x"]].concat()));
        assert_eq!(done.code, Some(2), "{flags:?}: {}", done.stderr);
        assert!(done.stderr.contains(told), "{flags:?}: {}", done.stderr);
    }
}

#[test]
fn a_listener_prints_messages_and_answers_none() {
    let (mut listening, address) =
        Running::listen(&mut framelink(["listen", "--listen", "127.0.0.1:0", "--framing", WIRE.notation()]));
    let mut client = dial(address);
    write(&mut client, b"hello");
    assert_eq!(listening.stdout_line(), "hello");
    write(&mut client, b"a\nb");
    assert_eq!(listening.stdout_line(), "a\\nb");
    half_close(&client);
    assert_eq!(read_to_end(&client), b"");
    listening.signal("TERM");
    assert_eq!(listening.finish().code, Some(0));
}

#[test]
fn a_server_pushes_messages_beside_its_replies() {
    let flags = ["--framing", WIRE.notation(), "--push", "tick", "--push-every", "50ms"];
    let (_serving, address) =
        Running::listen(&mut framelink([&["serve", "--listen", "127.0.0.1:0"], &flags[..]].concat()));
    let mut client = dial(address);
    assert_eq!(read_exactly(&client, 16), b"0004tick0004tick");
    write(&mut client, b"hello");
    let mut seen = Vec::new();
    while seen.iter().filter(|message: &&Vec<u8>| **message == b"tick").count() < 3
        || seen.iter().all(|m| m != b"hello")
    {
        seen.push(WIRE.read(&mut client));
    }
    let done = Running::run(&mut framelink(["serve", "--listen", "127.0.0.1:0", "--framing", "line", "--push", "x"]));
    assert_eq!(done.code, Some(2), "--push-every is missing");
}

#[test]
fn messages_leave_in_the_order_in_which_they_were_given() {
    let lines: String = (0..3000).map(|number| format!("{number}\n")).collect();
    let (listening, address) =
        Running::listen(&mut framelink(["listen", "--listen", "127.0.0.1:0", "--framing", WIRE.notation()]));
    let flags = ["--framing", WIRE.notation(), "--exchange", "duplex", "--no-reply", "--in-flight", "64"];
    let sent = Running::feed(&mut framelink([&["send", &address.to_string()], &flags[..]].concat()), lines.as_bytes());
    assert_eq!(sent.code, Some(0), "{}", sent.stderr);
    // Received messages are printed although the program must end.
    listening.signal("TERM");
    let done = listening.finish();
    assert_eq!((done.code, done.stdout.contains(&lines)), (Some(0), true), "{}", done.stderr);
}

#[test]
fn an_invalid_line_does_not_drop_earlier_messages() {
    let (_serving, address) =
        Running::listen(&mut framelink(["serve", "--listen", "127.0.0.1:0", "--framing", WIRE.notation()]));
    let flags = ["--framing", WIRE.notation(), "--exchange", "duplex", "--hex"];
    let command = &mut framelink([&["send", &address.to_string()], &flags[..]].concat());
    let done = Running::feed(command, b"61\n62\nzz\n63\n");
    assert_eq!((done.code, &*done.stdout), (Some(2), "61\n62\n"));
    assert!(done.stderr.contains("line 3 of stdin: "), "{}", done.stderr);
}
