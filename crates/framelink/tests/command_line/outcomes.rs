//! Compares the outcome that `framelink send` prints for a failed message with the bytes that the peer received, for
//! every way to send.

use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use crate::common::{DEADLINE, DeadPort, Finished, Host, Running, TempFile, framelink};

/// The ways to send, with `--no-reply` and without.
const MODES: &[&[&str]] = &[
    &[],
    &["--connection", "short"],
    &["--key", "0:2"],
    &["--connection", "shared:2", "--key", "0:2"],
    &["--connection", "pooled:1"],
    &["--every", "1ms", "--repeat", "1"],
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Refused,
    TooLarge,
    /// The peer does not read.
    StuckMidway,
    ResetAfter,
    Silence,
}

const WAYS: &[Way] = &[Way::Refused, Way::TooLarge, Way::StuckMidway, Way::ResetAfter, Way::Silence];

impl Way {
    fn message(self) -> String {
        let len = match self {
            Self::TooLarge => 2000,
            // More bytes than the buffers of both sockets hold.
            Self::StuckMidway => 20 << 20,
            _ => 100,
        };
        format!("01{}", "x".repeat(len - 2))
    }

    const fn framing(self) -> &'static str {
        if matches!(self, Self::TooLarge) { "net:4,max=1KiB" } else { "net:4,max=32MiB" }
    }

    /// The expected error, if a message fails.
    const fn word(self) -> &'static str {
        match self {
            Self::Refused | Self::TooLarge => "(not sent)",
            Self::StuckMidway | Self::ResetAfter => "(perhaps sent)",
            Self::Silence => "(sent, no reply)",
        }
    }
}

/// A peer on a thread of its own. When it is released, it returns how many bytes it has received.
fn peer(way: Way, host: Host, released: Receiver<()>, counted: Sender<usize>) {
    let mut stream = match way {
        Way::Refused | Way::TooLarge => {
            let _ = released.recv_timeout(DEADLINE);
            // A connection that was made all the same waits to be accepted before this one.
            drop(TcpStream::connect(host.address));
            host.accept()
        }
        _ => host.accept(),
    };
    if way == Way::StuckMidway {
        let _ = released.recv_timeout(DEADLINE);
    }
    let mut count = 0;
    if way == Way::ResetAfter {
        count += read(&mut stream, 4 + way.message().len());
        socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).expect("a reset");
    } else {
        count += read(&mut stream, usize::MAX);
    }
    counted.send(count).expect("a test");
}

fn read(stream: &mut TcpStream, most: usize) -> usize {
    let (mut buffer, mut count) = (vec![0; 64 * 1024], 0);
    while count < most {
        let len = buffer.len().min(most - count);
        match stream.read(&mut buffer[..len]) {
            Ok(0) | Err(_) => break,
            Ok(read) => count += read,
        }
    }
    count
}

/// A long message is a line of stdin, because it is too long for a command line.
fn send(way: Way, to: SocketAddr, mode: &[&str], within: &str) -> Finished {
    let (to, message) = (to.to_string(), way.message());
    let flags = ["send", &to, "--framing", way.framing(), "--timeout", within];
    match way {
        Way::StuckMidway => Running::feed(&mut framelink([&flags[..], mode].concat()), message.as_bytes()),
        _ => Running::run(&mut framelink([&flags[..], mode, &[&*message]].concat())),
    }
}

/// An error describes the difference. It may be due to a machine that is busy for longer than `within`.
fn try_mode(way: Way, mode: &[&str], within: &str) -> Result<(), String> {
    let (dead, host) = (DeadPort::new(), Host::listen());
    let to = if way == Way::Refused { dead.address } else { host.address };
    let ((release, released), (counted, count)) = (mpsc::channel(), mpsc::channel());
    thread::spawn(move || peer(way, host, released, counted));
    let done = send(way, to, mode, within);
    release.send(()).ok();
    let count = count.recv_timeout(DEADLINE).expect("a count");
    let name = format!("{way:?}, {mode:?}: {count} bytes came, exit code {:?}, it said: {}", done.code, done.stderr);
    let (said, whole) = (|word| done.stderr.contains(word), 4 + way.message().len());
    assert!(!said("(not sent)") || count == 0, "{name}");
    assert!(!said("(sent, no reply)") || count == whole, "{name}");
    let is_no_reply = mode.contains(&"--no-reply");
    if is_no_reply && matches!(way, Way::ResetAfter | Way::Silence) && done.code == Some(0) {
        return Ok(());
    }
    // A failure to connect has no number of a message.
    let is_numbered =
        said("message 1: ") || said("line 1 of stdin: ") || (way == Way::Refused && said("connecting to "));
    if done.code == Some(1) && said(way.word()) && is_numbered { Ok(()) } else { Err(name) }
}

#[test]
fn every_failed_message_is_printed_with_its_number_and_what_the_peer_may_have_seen() {
    // A key identifies a reply, and is refused with `--no-reply`.
    let keyless = MODES.iter().filter(|mode| !mode.contains(&"--key"));
    let no_reply = keyless.map(|mode| [mode, &["--no-reply"][..]].concat());
    let modes: Vec<Vec<&str>> = MODES.iter().map(|mode| mode.to_vec()).chain(no_reply).collect();
    let cells: Vec<_> = WAYS.iter().flat_map(|way| modes.iter().map(move |mode| (*way, mode))).collect();
    // Repeated messages cannot come from stdin.
    let applies = |(way, mode): &(Way, &Vec<&str>)| *way != Way::StuckMidway || !mode.contains(&"--every");
    let cells: Vec<_> = cells.into_iter().filter(applies).collect();
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| {
                while let Some((way, mode)) = cells.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let mut failure = None;
                    for within in ["700ms", "3s", "10s"] {
                        failure = try_mode(*way, mode, within).err();
                        if failure.is_none() {
                            break;
                        }
                    }
                    assert!(failure.is_none(), "{}", failure.unwrap_or_default());
                }
            });
        }
    });
    println!("{} cells", cells.len());
}

/// Short, because nothing will arrive.
fn try_to_send(flags: &[&str]) -> Finished {
    let port = DeadPort::new();
    let to = port.address.to_string();
    Running::run(&mut framelink([&["send", &to, "--framing", "ascii:4", "--timeout", "200ms"], flags, &["x"]].concat()))
}

const CAREFUL: &str = "careful: replies have no key, and up to ";

#[test]
fn a_profile_whose_replies_may_go_to_wrong_requests_causes_a_warning_at_the_start() {
    let warned: &[&[&str]] = &[
        &["--exchange", "duplex"],
        &["--in-flight", "8"],
        &["--connection", "shared:2"],
        &["--profile", "shared"],
        &["--exchange", "simplex", "--receive-from", "127.0.0.1:1"],
    ];
    for flags in warned {
        let done = try_to_send(flags);
        assert!(done.stderr.contains(CAREFUL) && done.stderr.contains("give a key"), "{flags:?}: {}", done.stderr);
    }
    let not_warned: &[&[&str]] = &[
        &[],
        &["--key", "0:1"],
        &["--exchange", "duplex", "--no-reply"],
        &["--exchange", "duplex", "--in-flight", "1"],
        &["--connection", "shared:2", "--key", "0:1"],
        &["--connection", "pooled:2"],
    ];
    for flags in not_warned {
        let done = try_to_send(flags);
        assert!(!done.stderr.contains("careful"), "{flags:?}: {}", done.stderr);
    }
}

#[test]
fn a_bridge_and_check_print_this_warning_too() {
    let host = Host::listen();
    let to = host.address.to_string();
    let flags = ["bridge", "--listen", "127.0.0.1:0", "--framing", "ascii:4", "--to", &to, "--to-framing", "net:2"];
    let mut bridge = Running::start(&mut framelink([&flags[..], &["--to-connection", "shared:2"]].concat()));
    bridge.log_line(CAREFUL);
    let profile = TempFile::with(b"framing = \"ascii:4\"\nconnection = \"shared\"\nexchange = \"duplex\"\n");
    let checked = Running::run(&mut framelink(["check", profile.path()]));
    assert!(checked.stdout.contains("\ncareful      replies have no key, and up to 64 requests"), "{}", checked.stdout);
    let keyed = TempFile::with(b"framing = \"ascii:4\"\n[exchange]\nkind = \"duplex\"\nkey = \"4:6\"\n");
    let checked = Running::run(&mut framelink(["check", keyed.path()]));
    assert!(!checked.stdout.contains("no key"), "{}", checked.stdout);
}
