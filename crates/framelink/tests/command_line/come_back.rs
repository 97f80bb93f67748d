//! `send --every` and `--repeat`: repeated messages, also after the peer was gone.

use std::io::{BufReader, Write};
use std::net::TcpStream;

use framelink_testkit::ReservedPort;

use crate::common::{Finished, Host, Running, Wire, framelink, half_close, read_exactly, read_to_end};

const WIRE: Wire = Wire::Ascii4;

fn run(arguments: &[&str]) -> Finished {
    Running::run(&mut framelink(arguments))
}

/// Reads one message, and answers with `reply`.
fn answer(stream: &TcpStream, reply: &str) -> Vec<u8> {
    let message = WIRE.read(&mut BufReader::with_capacity(1, stream));
    let mut stream = stream;
    stream.write_all(&WIRE.frame(reply.as_bytes())).expect("replying");
    message
}

#[test]
fn messages_are_repeated_over_one_connection() {
    for flags in [&[][..], &["--connection", "long"], &["--in-flight", "2"]] {
        let host = Host::listen();
        let address = host.address.to_string();
        let host = host.serve(|stream| {
            for number in 0..4 {
                answer(&stream, &number.to_string());
            }
            read_to_end(&stream)
        });
        let arguments = ["send", &address, "--framing", "ascii:4", "--repeat", "2"];
        let done = run(&[&arguments[..], flags, &["a", "b"]].concat());
        assert_eq!((done.code, &*done.stdout), (Some(0), "0\n1\n2\n3\n"), "{flags:?}");
        // Two requests in flight without a key cause a warning.
        let warnings = usize::from(flags.contains(&"--in-flight"));
        assert_eq!(
            (done.stderr.lines().count(), done.stderr.matches("careful").count()),
            (warnings, warnings),
            "{flags:?}: {}",
            done.stderr
        );
        assert_eq!(host.join(), b"", "{flags:?}");
    }
}

#[test]
fn messages_without_replies_are_repeated_too() {
    let host = Host::listen();
    let address = host.address.to_string();
    let host = host.serve(|stream| read_to_end(&stream));
    let done = run(&["send", &address, "--framing", "ascii:4", "--no-reply", "--repeat", "3", "a", "b"]);
    assert_eq!((done.code, &*done.stderr), (Some(0), ""));
    assert_eq!(host.join(), b"0001a0001b0001a0001b0001a0001b");
}

#[test]
fn repeat_limits_the_rounds() {
    let host = Host::listen();
    let address = host.address.to_string();
    let host = host.serve(|stream| (answer(&stream, "one"), answer(&stream, "two"), read_to_end(&stream)));
    let done = run(&["send", &address, "--framing", "ascii:4", "--every", "10ms", "--repeat", "2", "ping"]);
    assert_eq!((done.code, &*done.stdout), (Some(0), "one\ntwo\n"), "{}", done.stderr);
    assert_eq!(host.join().2, b"");
}

#[test]
fn messages_that_cannot_be_repeated_are_bad_usage() {
    for (arguments, told) in [
        (&["--framing", "ascii:4", "--repeat", "2"][..], "required arguments were not provided"),
        (&["--framing", "ascii:4", "--repeat", "0", "a"], "invalid value '0' for '--repeat <N>'"),
        (&["--framing", "until-close", "--repeat", "2", "a"], "--framing until-close takes one message, 2 were given"),
    ] {
        let done = run(&[&["send", "127.0.0.1:1"], arguments].concat());
        assert_eq!(done.code, Some(2), "{arguments:?}: {}", done.stderr);
        assert!(done.stderr.contains(told), "{arguments:?}: {}", done.stderr);
    }
}

#[cfg(unix)]
#[test]
fn rounds_go_on_when_the_peer_is_back() {
    let port = ReservedPort::new().unwrap();
    let host = Host::at(port.address());
    let address = host.address;
    let to = address.to_string();
    let arguments = ["send", &to, "--framing", "ascii:4", "--every", "50ms", "--set", "reconnect.cap=200ms", "ping"];
    let mut running = Running::start(&mut framelink(arguments));
    let first = host.accept();
    assert_eq!(answer(&first, "one"), b"ping");
    assert_eq!(running.stdout_line(), "one");
    drop((host, first));
    running.log_line("ERROR message");

    let host = Host::at(address);
    let second = host.accept();
    answer(&second, "two");
    assert_eq!(running.stdout_line(), "two");
    running.signal("TERM");
    running.log_line("draining");
    half_close(&second);
    let done = running.finish();
    assert_eq!(done.code, Some(1), "some messages failed");
    assert!(done.stderr.contains(" failed\n"), "{}", done.stderr);
}

#[test]
fn a_key_of_the_profile_is_set_on_the_command_line() {
    let host = Host::listen();
    let address = host.address.to_string();
    let host = host.serve(|mut stream| {
        let greeting = read_exactly(&stream, 2);
        let message = answer(&stream, "yes");
        stream.flush().expect("flushing");
        (greeting, message)
    });
    let done = run(&[
        "send",
        &address,
        "--framing",
        "ascii:4",
        "--set",
        "preamble.send=0102",
        "--set",
        "timeouts.reply=9s",
        "hi",
    ]);
    assert_eq!((done.code, &*done.stdout, &*done.stderr), (Some(0), "yes\n", ""));
    assert_eq!(host.join(), (b"\x01\x02".to_vec(), b"hi".to_vec()));

    let done = run(&["send", &address, "--framing", "ascii:4", "--set", "timeouts.reply=never", "hi"]);
    assert_eq!(done.code, Some(2));
    assert!(done.stderr.starts_with("framelink: --set: timeouts.reply: expected "), "{}", done.stderr);
    let done = run(&["send", &address, "--framing", "ascii:4", "--set", "timeouts", "hi"]);
    assert!(done.stderr.contains("expected KEY=VALUE, such as limits.connections=50"), "{}", done.stderr);
}
