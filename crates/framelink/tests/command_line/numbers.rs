//! Which messages are replies, and which numbers messages get: options, shared bridges, and the file of numbers.

use std::collections::BTreeSet;
use std::io::Write;
use std::net::TcpStream;
use std::path::PathBuf;

use crate::common::{Finished, Host, Running, Wire, dial, framelink, read_to_end};

const WIRE: Wire = Wire::Ascii4;

fn send(host: &Host, arguments: &[&str]) -> std::process::Command {
    let address = host.address.to_string();
    framelink([&["send", &address, "--framing", WIRE.notation()], arguments].concat())
}

fn read(stream: &mut TcpStream) -> String {
    String::from_utf8(WIRE.read(stream)).expect("text")
}

fn write(stream: &mut TcpStream, message: &str) {
    stream.write_all(&WIRE.frame(message.as_bytes())).expect("writing");
}

/// Sends messages to a host that reads each of them and then sends these messages.
fn answered_by(arguments: &[&str], requests: usize, answers: &'static [&'static str]) -> Finished {
    let host = Host::listen();
    let mut command = send(&host, arguments);
    let serving = host.serve(move |mut stream| {
        for _ in 0..requests {
            read(&mut stream);
        }
        for answer in answers {
            write(&mut stream, answer);
        }
        read_to_end(stream)
    });
    let done = Running::run(&mut command);
    serving.join();
    done
}

#[test]
fn a_request_of_the_peer_with_our_trace_number_is_unsolicited() {
    let answers = &["0800000001 echo", "0210000001 approved"];
    let done = answered_by(&["--key", "4:6", "--reply-rule", "2:1=odd", "0200000001 buy"], 1, answers);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let mut lines: Vec<_> = done.stdout.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["0210000001 approved", "unasked: 0800000001 echo"]);
}

#[test]
fn a_key_of_two_places_tells_messages_apart() {
    let done = answered_by(&["--key", "0:2+3:1", "01 a", "01 b"], 2, &["01 b!", "01 a!"]);
    assert_eq!((done.code, &*done.stdout), (Some(0), "01 a!\n01 b!\n"), "{}", done.stderr);
}

#[test]
fn numbers_are_written_as_the_option_says() {
    for (encoding, first, reply) in [("ascii", "01", "01 re"), ("digits", "01", "01 re"), ("hex", "01", "01 re")] {
        let host = Host::listen();
        let mut command = send(&host, &["--key", "0:2", "--assign", encoding, "?? hello"]);
        let serving = host.serve(move |mut stream| {
            let request = read(&mut stream);
            write(&mut stream, reply);
            request
        });
        assert_eq!(Running::run(&mut command).stdout, "01 re\n", "{encoding}");
        assert_eq!(serving.join(), format!("{first} hello"), "{encoding}");
    }
}

#[test]
fn wrong_rules_and_encodings_are_bad_usage() {
    let host = Host::listen();
    for (arguments, told) in [
        (&["--key", "0:2", "--reply-rule", "0:2=text:0"][..], "expected 2 bytes, as the place has, found 1 byte"),
        (&["--reply-rule", "0:1=text:+", "--exchange", "sync"], "which duplex and simplex have, and this one is sync"),
        (&["--no-reply", "--reply-rule", "0:1=text:+"], "--reply-rule finds the message that a reply answers"),
        (&["--key", "0:2", "--assign", "decimal"], "expected one of ascii, binary, binary-le, bcd, ebcdic, hex"),
        (&["--key", "0:2+"], "expected OFFSET:LEN"),
    ] {
        let done = Running::run(&mut send(&host, &[arguments, &["hello"]].concat()));
        assert_eq!(done.code, Some(2), "{arguments:?}: {}", done.stderr);
        assert!(done.stderr.contains(told), "{arguments:?}: {}", done.stderr);
    }
    host.expect_untouched();
}

#[test]
fn through_a_shared_bridge_a_request_of_the_host_is_no_reply() {
    let host = Host::listen();
    let exchange =
        "exchange={ kind = \"duplex\", key = \"4:6\", assign = \"ascii\", reply = \"0:4=map:0200>0210|0800>0810\" }";
    let to = host.address.to_string();
    let arguments =
        ["bridge", "--listen", "127.0.0.1:0", "--framing", "ascii:4", "--to", &to, "--to-framing", "ascii:4"];
    let shared = ["--to-connection", "shared:1", "--to-set", exchange];
    let (mut bridge, address) = Running::listen(&mut framelink([&arguments[..], &shared].concat()));
    let mut client = dial(address);
    write(&mut client, "0200777777 buy");
    let mut host = host.accept();
    assert_eq!(read(&mut host), "0200000001 buy");
    write(&mut host, "0800000001 echo");
    write(&mut host, "0810000001 echo");
    write(&mut host, "0210000001 approved");
    assert_eq!(read(&mut client), "0210777777 approved", "with the number of the client");
    for _ in 0..2 {
        bridge.log_line("dropped an unsolicited message of 15 bytes from the host");
    }
}

/// A folder for a file of numbers.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    /// The arguments of a program that keeps its numbers there.
    fn arguments(&self) -> Vec<String> {
        let file = format!("numbers.file={}", self.0.join("stan.numbers").display());
        ["--key", "0:6", "--assign", "ascii", "--set", &file, "?????? hello"].map(str::to_owned).to_vec()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn kept(host: &Host, folder: &Folder) -> std::process::Command {
    let arguments = folder.arguments();
    send(host, &arguments.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
#[cfg(unix)]
fn no_number_repeats_after_a_restart_or_a_crash() {
    let folder = Folder::new("crashes");
    let host = Host::listen();
    let mut seen = BTreeSet::new();
    for round in 0..6 {
        let mut running = Running::start(&mut kept(&host, &folder));
        let mut stream = host.accept();
        let request = read(&mut stream);
        assert!(seen.insert(request.clone()), "{request} repeats");
        if round % 2 == 0 {
            running.signal("KILL");
        } else {
            write(&mut stream, &request);
            assert_eq!(running.stdout_line(), request);
        }
        let _ = running.finish();
    }
}

#[test]
fn a_second_program_with_the_file_is_refused_before_it_dials() {
    let folder = Folder::new("second");
    let (host, other) = (Host::listen(), Host::listen());
    let first = Running::start(&mut kept(&host, &folder));
    let mut stream = host.accept();
    let request = read(&mut stream);
    let second = Running::run(&mut kept(&other, &folder));
    assert_eq!(second.code, Some(2), "{}", second.stderr);
    for told in ["numbers.file", "stan.numbers", "another program uses it"] {
        assert!(second.stderr.contains(told), "{}", second.stderr);
    }
    other.expect_untouched();
    write(&mut stream, &request);
    assert_eq!(first.finish().code, Some(0));
}
