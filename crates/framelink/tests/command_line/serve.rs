//! `framelink serve`, with clients that read and write plain bytes.

use std::io::{BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::common::{Host, Running, Task, Wire, dial, framelink, half_close, read_exactly, read_to_end};

fn serve(arguments: &[&str]) -> (Running, SocketAddr) {
    Running::listen(&mut framelink([&["serve", "--listen", "127.0.0.1:0"], arguments].concat()))
}

/// Arguments, the bytes that a client sends before it ends its side, and the bytes that it receives.
const ANSWERS: &[(&[&str], &[u8], &[u8])] = &[
    (&["--framing", "ascii:4"], b"0005hello00000002hi", b"0005hello00000002hi"),
    (&["--framing", "ascii:4", "--reply", "echo"], b"0000", b"0000"),
    (&["--framing", "ascii:4", "--reply", "none"], b"0005hello0002hi", b""),
    (&["--framing", "net:2", "--reply", "text:OK"], b"\0\x05hello\0\0", b"\0\x02OK\0\x02OK"),
    (&["--framing", "net:2", "--reply", "text:"], b"\0\x05hello", b"\0\0"),
    (&["--framing", "net:2", "--reply", "hex:00 ff"], b"\0\x05hello", b"\0\x02\0\xff"),
    (&["--framing", "line", "--reply-framing", "net:2"], b"hello\r\n\nhi\n", b"\0\x05hello\0\0\0\x02hi"),
    (&["--framing", "bcd:2", "--reply-framing", "mllp"], b"\0\x12hello, world", b"\x0bhello, world\x1c\r"),
    (&["--framing", "until-close"], b"all\nof it", b"all\nof it"),
    (&["--framing", "until-close", "--reply", "text:OK"], b"", b""),
];

#[test]
fn a_server_answers_each_message_as_its_options_say() {
    for &(arguments, sent, received) in ANSWERS {
        let (_server, address) = serve(arguments);
        let mut client = dial(address);
        client.write_all(sent).unwrap();
        half_close(&client);
        assert_eq!(read_to_end(client), received, "{arguments:?}");
    }
}

#[test]
fn a_server_answers_while_the_client_goes_on() {
    for (framing, request) in [("quiet:30ms", b"hi"), ("each-read", b"yo")] {
        let (_server, address) = serve(&["--framing", framing, "--reply", "text:OK!"]);
        let mut client = dial(address);
        for round in 0..2 {
            client.write_all(request).unwrap();
            assert_eq!(read_exactly(&client, 3), b"OK!", "{framing}, round {round}");
        }
    }
}

#[test]
fn a_server_answers_many_clients_at_once() {
    let (_server, address) = serve(&["--framing", "ascii:4"]);
    let mut clients: Vec<_> = (0..20).map(|_| dial(address)).collect();
    for (i, client) in clients.iter_mut().enumerate().rev() {
        client.write_all(format!("0002{i:02}").as_bytes()).unwrap();
    }
    for (i, client) in clients.iter().enumerate() {
        assert_eq!(read_exactly(client, 6), format!("0002{i:02}").as_bytes());
    }
}

#[test]
fn replies_before_garbage_arrive_and_the_garbage_is_explained() {
    let (mut server, address) = serve(&["--framing", "ascii:4"]);
    let mut client = dial(address);
    let name = client.local_addr().unwrap();
    client.write_all(b"0002hiGET / HTTP/1.1\r\n\r\n").unwrap();
    assert_eq!(read_to_end(&client), b"0002hi");
    drop(client);
    let line = server.log_line("HTTP");
    assert!(line.contains(&format!("receiving from {name}: header byte 0 is 0x47")), "{line}");

    let mut next = dial(address);
    next.write_all(b"0000").unwrap();
    assert_eq!(read_exactly(&next, 4), b"0000", "other clients are served");
}

#[test]
fn a_reply_that_cannot_be_framed_closes_its_connection() {
    let (mut server, address) = serve(&["--framing", "net:2", "--reply-framing", "ascii:1"]);
    let mut client = dial(address);
    client.write_all(b"\0\x02hi\0\x0a0123456789").unwrap();
    assert_eq!(read_to_end(&client), b"2hi");
    let line = server.log_line("payload is 10 bytes");
    assert!(line.contains("at most 9"), "{line}");
}

#[cfg(unix)]
#[test]
fn a_signal_ends_a_server_with_exit_0() {
    for signal in ["TERM", "INT"] {
        let (server, address) = serve(&["--framing", "ascii:4"]);
        let mut client = dial(address);
        client.write_all(b"0002hi").unwrap();
        assert_eq!(read_exactly(&client, 6), b"0002hi");
        server.signal(signal);
        assert_eq!(read_to_end(&client), b"", "the connection has a proper end");
        drop(client);
        assert_eq!(server.finish().code, Some(0), "{signal}");
        assert!(TcpStream::connect(address).is_err(), "no program listens any more");
    }
}

#[cfg(unix)]
#[test]
fn a_server_whose_log_is_not_read_goes_on_answering() {
    let mut command = framelink(["serve", "--listen", "127.0.0.1:0", "--framing", "ascii:4"]);
    let (stderr, pipe) = std::io::pipe().unwrap();
    let (_server, address) = Running::listen(command.stderr(pipe));
    drop(command);
    drop(stderr);
    for _ in 0..2 {
        let mut client = dial(address);
        client.write_all(b"0002hi").unwrap();
        assert_eq!(read_exactly(&client, 6), b"0002hi");
    }
}

#[test]
fn an_address_that_is_taken_is_an_error() {
    let host = Host::listen();
    let taken = host.address.to_string();
    let done = Running::run(&mut framelink(["serve", "--listen", &taken, "--framing", "line"]));
    assert_eq!((done.code, &*done.stdout), (Some(1), ""));
    assert!(done.stderr.starts_with(&format!("framelink: listening on {taken}: ")), "{}", done.stderr);
}

/// A client that never stops sending must not keep the server from ending, nor lose a reply to what the server took.
#[cfg(unix)]
#[test]
fn a_signal_ends_a_server_under_load() {
    let (mut server, address) = serve(&["--framing", "net:2"]);
    let mut client = dial(address);
    let reader = client.try_clone().unwrap();
    let (sender, ended) = std::sync::mpsc::channel();
    let sending = Task::start(move || {
        while ended.try_recv().is_err() && client.write_all(&Wire::Net2.frame(b"hello")).is_ok() {}
        half_close(&client);
    });
    let receiving = Task::start(move || {
        let mut reader = BufReader::new(reader);
        let mut replies = 0;
        while let Ok(1..) = reader.read(&mut [0; 7]) {
            replies += 1;
        }
        sender.send(()).expect("a sender that waits for this");
        replies
    });
    server.log_line("connected");
    server.signal("TERM");
    let told = Instant::now();
    assert!(receiving.join() > 0);
    sending.join();
    let done = server.finish();
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(told.elapsed() < Duration::from_secs(4), "half of the time is for taking: {:?}", told.elapsed());
}

/// The client requests more than it reads. Its replies are cut, so the exit code is 1.
#[cfg(unix)]
#[test]
fn a_server_that_must_cut_connections_exits_1() {
    let (mut server, address) = serve(&["--framing", "net:2", "--drain", "500ms"]);
    let mut client = dial(address);
    client.set_write_timeout(Some(Duration::from_millis(300))).unwrap();
    let block = Wire::Net2.frame(&[b'x'; 60_000]);
    while client.write_all(&block).is_ok() {}
    server.signal("TERM");
    server.log_line("draining");
    let done = server.finish();
    assert_eq!(done.stderr.lines().last(), Some("framelink: cut 1 connection that had not finished"));
    assert_eq!(done.code, Some(1));
}

/// The pipe of the log stays open and is full. Neither logging nor the end of the program waits for it.
#[cfg(unix)]
#[test]
fn a_full_log_pipe_stops_neither_the_server_nor_its_end() {
    let mut command = framelink(["serve", "--listen", "127.0.0.1:0", "--framing", "ascii:4"]);
    let (stderr, pipe) = std::io::pipe().unwrap();
    let (server, address) = Running::listen(command.env("RUST_LOG", "trace").stderr(pipe));
    drop(command);
    for _ in 0..20 {
        let mut client = dial(address);
        // Each message writes a line. All lines are more than the pipe and the queue of the log hold.
        client.write_all(&Wire::Ascii4.frame(b"hi").repeat(1000)).unwrap();
        assert_eq!(read_exactly(&client, 6000).len(), 6000);
    }
    server.signal("TERM");
    let done = server.finish();
    assert_eq!((done.code, done.stdout), (Some(0), format!("listening on {address}\n")));
    drop(stderr);
}

#[cfg(unix)]
#[test]
fn a_server_whose_stdout_is_not_read_still_serves() {
    let (stdout, pipe) = std::io::pipe().unwrap();
    drop(stdout);
    let mut command = framelink(["serve", "--listen", "127.0.0.1:0", "--framing", "ascii:4"]);
    let mut server = Running::start(command.stdout(pipe));
    drop(command);
    let line = server.log_line("listening on ");
    let address = line.split("listening on ").nth(1).and_then(|rest| rest.split(',').next()).unwrap();
    let mut client = dial(address.parse().unwrap());
    client.write_all(b"0002hi").unwrap();
    assert_eq!(read_exactly(&client, 6), b"0002hi");
}

/// The process has descriptors for a few connections. Other clients wait, and the log has one line about it, not ten a
/// second.
#[cfg(target_os = "linux")]
#[test]
fn a_server_without_file_descriptors_logs_that_once_and_recovers() {
    let command = "ulimit -n 24; exec \"$0\" serve --listen 127.0.0.1:0 --framing ascii:4";
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", command, env!("CARGO_BIN_EXE_framelink")]).stdin(Stdio::null());
    let (mut server, address) = Running::listen(shell.stdout(Stdio::piped()).stderr(Stdio::piped()));
    let mut clients: Vec<_> = (0..40).map(|_| dial(address)).collect();
    let line = server.log_line("accepting on");
    assert!(line.contains(&address.to_string()), "{line}");
    std::thread::sleep(Duration::from_millis(500));
    let mut waiting = clients.pop().unwrap();
    drop(clients);
    server.log_line("accepting again");
    waiting.write_all(b"0002hi").unwrap();
    assert_eq!(read_exactly(&waiting, 6), b"0002hi");
    drop(waiting);
    server.signal("TERM");
    let done = server.finish();
    // The signal may have arrived in another wait for descriptors.
    let [paused, resumed] = ["trying again", "accepting again"].map(|text| done.stderr.matches(text).count());
    assert!(paused == resumed || paused == resumed + 1, "{}", done.stderr);
    assert!(paused <= 40, "no more often than a client came: {}", done.stderr);
}
