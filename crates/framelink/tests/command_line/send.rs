//! `framelink send`, with peers that read and write plain bytes.

use std::io::{BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::common::{
    DEADLINE, DeadPort, Finished, Host, Running, Task, Wire, framelink, half_close, is_closed, read_exactly,
    read_to_end,
};

fn serve(arguments: &[&str]) -> (Running, SocketAddr) {
    Running::listen(&mut framelink([&["serve", "--listen", "127.0.0.1:0"], arguments].concat()))
}

fn send(address: SocketAddr, arguments: &[&str]) -> Finished {
    Running::run(&mut framelink([&["send", &address.to_string()], arguments].concat()))
}

fn send_lines(address: SocketAddr, arguments: &[&str], stdin: &[u8]) -> Finished {
    Running::feed(&mut framelink([&["send", &address.to_string()], arguments].concat()), stdin)
}

#[track_caller]
fn assert_said(done: &Finished, stdout: &str) {
    assert_eq!((done.code, &*done.stdout, &*done.stderr), (Some(0), stdout, ""));
}

/// Reads `count` messages, answers each with `re: ` and the message, and waits for the end.
fn answer(wire: Wire, count: usize) -> impl FnOnce(TcpStream) -> Vec<Vec<u8>> + Send {
    move |mut stream| {
        let mut reader = BufReader::new(stream.try_clone().expect("cloning a socket"));
        let mut messages = Vec::new();
        for _ in 0..count {
            let message = wire.read(&mut reader);
            stream.write_all(&wire.frame(&[b"re: ", &*message].concat())).expect("replying");
            messages.push(message);
        }
        assert_eq!(read_to_end(reader), b"", "nothing follows the last message");
        messages
    }
}

#[test]
fn each_message_is_sent_and_its_reply_printed() {
    for wire in [Wire::Ascii4, Wire::Bcd2, Wire::Net2, Wire::Line, Wire::Mllp] {
        let host = Host::listen();
        let address = host.address;
        let host = host.serve(answer(wire, 3));
        let done = send(address, &["--framing", wire.notation(), "hello, world", "", "naïve"]);
        assert_said(&done, "re: hello, world\nre: \nre: naïve\n");
        assert_eq!(host.join(), ["hello, world".as_bytes(), b"", "naïve".as_bytes()], "{wire:?}");
    }
}

#[test]
fn replies_can_be_framed_differently() {
    let host = Host::listen();
    let address = host.address;
    let host = host.serve(|mut stream| {
        assert_eq!(read_exactly(&stream, 9), b"0005hello");
        stream.write_all(b"there\r\n").unwrap();
        assert_eq!(read_to_end(&stream), b"");
    });
    assert_said(&send(address, &["--framing", "ascii:4", "--reply-framing", "line", "hello"]), "there\n");
    host.join();
}

#[test]
fn lines_of_stdin_are_messages() {
    let lines = b"one\r\n\ntwo\r\r\nlast, without an end";
    let expected = "re: one\nre: \nre: two\\r\nre: last, without an end\n";
    for arguments in [&["--framing", "net:2"][..], &["--framing", "net:2", "-"]] {
        let host = Host::listen();
        let address = host.address;
        let host = host.serve(answer(Wire::Net2, 4));
        assert_said(&send_lines(address, arguments, lines), expected);
        assert_eq!(host.join(), [&b"one"[..], b"", b"two\r", b"last, without an end"]);
    }
}

#[test]
fn no_lines_are_no_messages() {
    let host = Host::listen();
    let address = host.address;
    let host = host.serve(answer(Wire::Net2, 0));
    assert_said(&send_lines(address, &["--framing", "net:2"], b""), "");
    host.join();
}

#[test]
fn hex_goes_both_ways() {
    let host = Host::listen();
    let address = host.address;
    let host = host.serve(answer(Wire::Net2, 3));
    let done = send(address, &["--framing", "net:2", "--hex", "00FF", "30 31", ""]);
    assert_said(&done, "72653a2000ff\n72653a203031\n72653a20\n");
    assert_eq!(host.join(), [&b"\0\xff"[..], b"01", b""]);

    let host = Host::listen();
    let address = host.address;
    let host = host.serve(answer(Wire::Net2, 2));
    assert_said(&send_lines(address, &["--framing", "net:2", "--hex"], b"00 FF\n\n"), "72653a2000ff\n72653a20\n");
    assert_eq!(host.join(), [&b"\0\xff"[..], b""]);
}

#[test]
fn a_reply_stays_on_its_line() {
    let host = Host::listen();
    let address = host.address;
    let host = host.serve(|mut stream| {
        read_exactly(&stream, 3);
        stream.write_all(b"\0\x07a\nb\t\x1b\xffc").unwrap();
    });
    assert_said(&send(address, &["--framing", "net:2", "x"]), "a\\nb\\t\\x1b\\xffc\n");
    host.join();
}

#[test]
fn until_close_sends_one_message_and_takes_all_bytes_as_the_reply() {
    for lines in [false, true] {
        let host = Host::listen();
        let address = host.address;
        let host = host.serve(|mut stream| {
            assert_eq!(read_to_end(&stream), b"request", "our side ends after the message");
            stream.write_all(b"the ").unwrap();
            stream.write_all(b"reply").unwrap();
        });
        let arguments = ["--framing", "until-close"];
        let done = if lines {
            send_lines(address, &arguments, b"request\n")
        } else {
            send(address, &[&arguments[..], &["request"]].concat())
        };
        assert_said(&done, "the reply\n");
        host.join();
    }
}

#[test]
fn a_reply_can_end_with_silence() {
    let host = Host::listen();
    let address = host.address;
    let host = host.serve(|mut stream| {
        read_exactly(&stream, 7);
        stream.write_all(b"in two ").unwrap();
        stream.write_all(b"parts").unwrap();
        assert_eq!(read_to_end(&stream), b"", "it was taken although this side stays open");
    });
    let done = send(address, &["--framing", "line", "--reply-framing", "quiet:400ms", "hello"]);
    assert_said(&done, "in two parts\n");
    host.join();
}

#[test]
fn a_reply_can_be_the_bytes_of_one_read() {
    let host = Host::listen();
    let address = host.address;
    let host = host.serve(|mut stream| {
        assert_eq!(read_exactly(&stream, 5), b"hello");
        stream.write_all(b"at once").unwrap();
        assert_eq!(read_to_end(&stream), b"");
    });
    assert_said(&send(address, &["--framing", "each-read", "hello"]), "at once\n");
    host.join();
}

#[test]
fn a_timeout_says_how_long_and_which_bytes_arrived() {
    let cases: [(&[u8], &str); 3] = [
        (b"", "nothing came within 300ms (sent, no reply)"),
        (b"\0\x07hell", "no whole message within 300ms: 6 bytes of a message came, at least 3 more are owed"),
        (
            b"\0\x07hello",
            "no whole message within 300ms: 7 bytes of a message came, at least 2 more are owed; \
             the frame is complete if the number counts 2 header bytes too (sent, no reply)",
        ),
    ];
    for (reply, complaint) in cases {
        let host = Host::listen();
        let address = host.address;
        let host = host.serve(move |mut stream| {
            read_exactly(&stream, 4);
            stream.write_all(reply).expect("part of a reply");
            is_closed(&stream)
        });
        let start = Instant::now();
        let done = send(address, &["--framing", "net:2", "--timeout", "300ms", "hi"]);
        assert!(start.elapsed() >= Duration::from_millis(300), "{:?}", start.elapsed());
        assert_eq!((done.code, &*done.stdout), (Some(1), ""));
        assert!(
            done.stderr.starts_with(&format!("framelink: message 1: calling {address}: {complaint}")),
            "{}",
            done.stderr
        );
        assert!(host.join(), "the connection is closed");
    }
}

#[test]
fn a_peer_that_closes_instead_of_replying_is_an_error() {
    let host = Host::listen();
    let address = host.address;
    let host = host.serve(|mut stream| {
        read_exactly(&stream, 4);
        stream.write_all(b"\0\x02ok").unwrap();
        read_exactly(&stream, 4);
    });
    let done = send(address, &["--framing", "net:2", "hi", "ho"]);
    assert_eq!((done.code, &*done.stdout), (Some(1), "ok\n"));
    let complaint = "the peer closed the connection instead of replying (perhaps sent)";
    assert_eq!(done.stderr, format!("framelink: message 2: calling {address}: {complaint}\n"));
    host.join();
}

#[test]
fn a_peer_that_sends_garbage_is_explained() {
    let host = Host::listen();
    let address = host.address;
    let host = host.serve(|mut stream| {
        read_exactly(&stream, 6);
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
    });
    let done = send(address, &["--framing", "net:4", "hi"]);
    assert_eq!(done.code, Some(1));
    assert!(done.stderr.contains("the bytes begin like an HTTP response"), "{}", done.stderr);
    host.join();
}

#[test]
fn a_peer_that_closes_after_its_reply_is_no_error() {
    let host = Host::listen();
    let address = host.address;
    let arguments = ["send", &address.to_string(), "--framing", "line"];
    let mut running = Running::start(framelink(arguments).stdin(Stdio::piped()));
    let mut stdin = running.stdin();
    stdin.write_all(b"hi\n").unwrap();
    let mut stream = host.accept();
    assert_eq!(read_exactly(&stream, 4), b"hi\r\n");
    stream.write_all(b"bye\r\n").unwrap();
    assert_eq!(running.stdout_line(), "bye");
    drop(stdin);
    half_close(&stream);
    let done = running.finish();
    assert_said(&done, "bye\n");
    assert_eq!(read_to_end(&stream), b"");
}

#[test]
fn unsolicited_messages_are_printed_too() {
    let host = Host::listen();
    let address = host.address;
    let mut running =
        Running::start(framelink(["send", &address.to_string(), "--framing", "line"]).stdin(Stdio::piped()));
    let mut stdin = running.stdin();
    let mut stream = host.accept();
    stream.write_all(b"welcome\r\n").unwrap();
    assert_eq!(running.stdout_line(), "welcome");
    stdin.write_all(b"hi\n").unwrap();
    assert_eq!(read_exactly(&stream, 4), b"hi\r\n");
    stream.write_all(b"hello\r\n").unwrap();
    assert_eq!(running.stdout_line(), "hello");
    drop(stdin);
    assert_eq!(running.finish().code, Some(0));
}

#[test]
fn a_refused_connection_is_exit_1() {
    let port = DeadPort::new();
    let done = send(port.address, &["--framing", "line", "hi"]);
    assert_eq!((done.code, &*done.stdout), (Some(1), ""));
    assert!(done.stderr.starts_with(&format!("framelink: connecting to {}: ", port.address)), "{}", done.stderr);
}

#[test]
fn a_message_that_cannot_be_sent_is_refused_before_anything_is() {
    let long = "x".repeat(10_000);
    let host = Host::listen();
    let done = send(host.address, &["--framing", "ascii:4", "fits", &long]);
    assert_eq!((done.code, &*done.stdout), (Some(1), ""));
    let complaint = "framelink: message 2: payload is 10000 bytes, the header can announce at most 9999 (not sent)\n";
    assert_eq!(done.stderr, complaint);
    host.expect_untouched();

    let host = Host::listen();
    let address = host.address;
    let host = host.serve(answer(Wire::Ascii4, 1));
    let done = send_lines(address, &["--framing", "ascii:4"], format!("fits\n{long}\nnever\n").as_bytes());
    assert_eq!((done.code, &*done.stdout), (Some(1), "re: fits\n"));
    assert!(done.stderr.contains("payload is 10000 bytes"), "{}", done.stderr);
    assert_eq!(host.join(), [b"fits"]);
}

#[test]
fn bad_hex_is_bad_usage() {
    let host = Host::listen();
    let done = send(host.address, &["--framing", "net:2", "--hex", "00", "0g"]);
    assert_eq!((done.code, &*done.stdout), (Some(2), ""));
    assert_eq!(done.stderr, "framelink: message 2: column 2: expected pairs of hex digits, found `g`\n");
    host.expect_untouched();

    let host = Host::listen();
    let address = host.address;
    let host = host.serve(answer(Wire::Net2, 1));
    let done = send_lines(address, &["--framing", "net:2", "--hex"], b"00\n012\n");
    assert_eq!((done.code, &*done.stdout), (Some(2), "72653a2000\n"));
    assert_eq!(done.stderr, "framelink: line 2 of stdin: column 4: expected a second hex digit, found the end\n");
    host.join();
}

#[test]
fn without_replies_everything_is_delivered_before_the_exit() {
    const COUNT: usize = 200;
    let line = "x".repeat(50_000);
    let host = Host::listen();
    let address = host.address;
    // The peer answers although no reply is expected. If the program closed its socket with these bytes unread, the
    // system would reset the connection, and messages on their way would be lost.
    let host = host.serve(|stream| {
        let mut answers = stream.try_clone().expect("cloning a socket");
        let mut all = Vec::new();
        let mut bytes = [0; 65536];
        while let count @ 1.. = (&stream).read(&mut bytes).expect("a proper end") {
            all.extend_from_slice(&bytes[..count]);
            answers.write_all(b"\0\x02ok").expect("answering");
        }
        all
    });
    let mut running = Running::start(
        framelink(["send", &address.to_string(), "--framing", "net:2", "--no-reply"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null()),
    );
    let mut stdin = running.stdin();
    let feeding = Task::start({
        let lines = format!("{line}\n").repeat(COUNT);
        move || stdin.write_all(lines.as_bytes()).expect("feeding lines")
    });
    assert_eq!(host.join(), Wire::Net2.frames(&vec![&line; COUNT]));
    feeding.join();
    assert_eq!(running.finish().code, Some(0));
}

#[test]
fn without_replies_nothing_is_printed_and_a_silent_peer_will_do() {
    let host = Host::listen();
    let address = host.address;
    let host = host.serve(|stream| {
        half_close(&stream);
        read_to_end(&stream)
    });
    let done = send(address, &["--framing", "ascii:4", "--no-reply", "one", "two"]);
    assert_eq!((done.code, &*done.stdout), (Some(0), ""));
    assert_eq!(host.join(), b"0003one0003two");
}

#[test]
fn without_replies_a_peer_that_answers_all_the_same_is_not_held_up_and_printed() {
    // More bytes than the buffers of both sockets hold, so unread replies would stop the peer from reading.
    let (server, address) = serve(&["--framing", "net:2"]);
    let line = format!("{}\n", "x".repeat(40_000));
    let done = send_lines(address, &["--framing", "net:2", "--no-reply"], line.repeat(500).as_bytes());
    assert_eq!((done.code, &*done.stderr), (Some(0), ""));
    assert!(done.stdout == format!("unasked: {line}").repeat(500), "{} bytes", done.stdout.len());
    drop(server);
}

#[test]
fn without_replies_a_peer_that_resets_at_the_end_is_exit_1() {
    let host = Host::listen();
    let address = host.address;
    let host = host.serve(|stream| {
        // A socket that is closed with bytes unread resets its connection.
        let mut byte = [0];
        while stream.peek(&mut byte).expect("looking") == 0 {}
    });
    let done = send(address, &["--framing", "ascii:4", "--no-reply", "one"]);
    host.join();
    assert_eq!((done.code, &*done.stdout), (Some(1), ""));
    assert!(done.stderr.contains("reset"), "{}", done.stderr);
}

#[test]
fn without_replies_a_peer_that_only_listens_is_sent_every_line() {
    let host = Host::listen();
    let address = host.address;
    let arguments = ["send", &address.to_string(), "--framing", "line", "--no-reply"];
    let mut running = Running::start(framelink(arguments).stdin(Stdio::piped()));
    let mut stdin = running.stdin();
    let stream = host.accept();
    half_close(&stream);
    for _ in 0..3 {
        stdin.write_all(b"hi\n").unwrap();
        assert_eq!(read_exactly(&stream, 4), b"hi\r\n");
    }
    drop(stdin);
    assert_eq!(read_to_end(&stream), b"");
    // The peer's end came before our end, so it proves no receipt.
    let done = running.finish();
    assert_eq!((done.code, &*done.stdout), (Some(0), ""));
    assert!(done.stderr.contains("it is not known whether it received everything"), "{}", done.stderr);
}

#[test]
fn a_reply_that_no_program_reads_is_an_error() {
    let host = Host::listen();
    let address = host.address;
    let mut command = framelink(["send", &address.to_string(), "--framing", "line"]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let host = host.serve(|mut stream| {
        let mut byte = [0];
        while let Ok(1..) = stream.read(&mut byte) {
            if byte == *b"\n" && stream.write_all(b"hello\r\n").is_err() {
                return;
            }
        }
    });
    // A process that another test starts now holds our end of the pipe for a moment, so one line may be written.
    let mut stdin = child.stdin.take().unwrap();
    let feeding = Task::start(move || while stdin.write_all(b"hi\n").is_ok() {});
    let stderr = child.stderr.take().unwrap();
    let stderr = Task::start(move || read_to_end(stderr));
    feeding.join();
    let stderr = String::from_utf8(stderr.join()).unwrap();
    assert!(stderr.contains("broken pipe") && !stderr.contains("panicked"), "{stderr}");
    assert_eq!(child.wait().unwrap().code(), Some(1));
    // The program found the closed pipe before dialling, or else closed the connection.
    drop(TcpStream::connect(address));
    host.join();
}

#[test]
fn send_and_serve_understand_each_other() {
    let framings = ["varint", "netstring", "fixed:5", "base24-tcp", "hex:4,counts=self,lower"];
    let start = Instant::now();
    for framing in framings {
        let (_server, address) = serve(&["--framing", framing]);
        assert_said(&send(address, &["--framing", framing, "hello", "world"]), "hello\nworld\n");
    }
    assert!(start.elapsed() < DEADLINE);
}

/// With an extra reply, it is unknown which reply belongs to which message.
#[test]
fn an_extra_reply_is_a_fault() {
    let host = Host::listen();
    let address = host.address;
    let host = host.serve(|mut stream| {
        read_exactly(&stream, 6);
        stream.write_all(b"0002ok0002ok0002ok").expect("replying");
        read_to_end(&stream)
    });
    let done = send(address, &["--framing", "ascii:4", "hi"]);
    assert_eq!((done.code, &*done.stdout), (Some(1), "ok\nunasked: ok\nunasked: ok\n"));
    assert!(done.stderr.starts_with("framelink: received 2 messages that no request waits for"), "{}", done.stderr);
    assert_eq!(host.join(), b"");
}

#[test]
fn without_replies_a_peer_that_reads_nothing_is_named_with_the_unwritten_bytes() {
    let host = Host::listen();
    let address = host.address.to_string();
    let line = "x".repeat(60_000);
    let lines = format!("{line}\n").repeat(400);
    let mut running = Running::start(
        framelink(["send", &address, "--framing", "net:2", "--no-reply", "--timeout", "300ms"]).stdin(Stdio::piped()),
    );
    let mut stdin = running.stdin();
    Task::start(move || stdin.write_all(lines.as_bytes()));
    let stream = host.accept();
    let done = running.finish();
    assert_eq!(done.code, Some(1));
    assert!(done.stderr.starts_with("framelink: line "), "{}", done.stderr);
    assert!(done.stderr.contains(&format!(" of stdin: sending to {address}: ")), "{}", done.stderr);
    assert!(done.stderr.ends_with(" bytes could not be written within 300ms (perhaps sent)\n"), "{}", done.stderr);
    drop(stream);
}

#[test]
fn a_line_of_stdin_that_cannot_be_sent_is_named() {
    for more in [&[][..], &["--no-reply"]] {
        let host = Host::listen();
        let address = host.address;
        let host = host.serve(|mut stream| {
            read_exactly(&stream, 3);
            let _ = stream.write_all(b"2ok");
            read_to_end(&stream)
        });
        let lines = format!("hi\n{}\n", "x".repeat(10));
        let done = send_lines(address, &[&["--framing", "ascii:1"], more].concat(), lines.as_bytes());
        assert_eq!(done.code, Some(1));
        assert!(done.stderr.starts_with("framelink: line 2 of stdin: "), "{more:?}: {}", done.stderr);
        assert!(done.stderr.contains("payload is 10 bytes"), "{}", done.stderr);
        host.join();
    }
}
