//! `framelink send`: the promises of its options, for every way to send.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{DEADLINE, Finished, Host, Running, TempFile, framelink};

fn send(address: &str, arguments: &[&str]) -> Finished {
    Running::run(&mut framelink([&["send", address], arguments].concat()))
}

/// What a peer does instead of answering a message.
type Misdeed = (&'static str, fn(TcpStream));

const MISDEEDS: &[Misdeed] = &[
    ("nothing came within", |stream| drop(crate::common::read_to_end(stream))),
    ("instead of replying", drop),
    ("reset", |stream| {
        socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).expect("a reset");
    }),
    ("the bytes begin like an HTTP response", |mut stream| {
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").expect("sending garbage");
    }),
];

/// Misbehaves at the first message, and answers all others.
fn misbehave_once(misdeed: fn(TcpStream)) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("listening");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        let mut misdeed = Some(misdeed);
        for mut stream in listener.incoming().map_while(Result::ok) {
            while stream.read_exact(&mut [0; 6]).is_ok() {
                if let Some(misdeed) = misdeed.take() {
                    misdeed(stream);
                    break;
                }
                if stream.write_all(b"\0\0\0\x02ok").is_err() {
                    break;
                }
            }
        }
    });
    address
}

#[test]
fn rounds_go_on_if_the_first_message_fails_after_the_peer_was_reached() {
    for (complaint, misdeed) in MISDEEDS {
        let address = misbehave_once(*misdeed).to_string();
        let flags = ["send", &address, "--framing", "net:4", "--timeout", "400ms", "--every", "10ms", "hi"];
        let mut running = Running::start(&mut framelink(flags));
        let logged = running.log_line("ERROR");
        assert!(logged.contains("message 1: ") && logged.contains(complaint), "{complaint}: {logged}");
        assert_eq!(running.stdout_line(), "ok", "{complaint}");
        running.signal("TERM");
        let done = running.finish();
        assert_eq!(done.code, Some(1), "{complaint}: {}", done.stderr);
        assert!(done.stderr.ends_with(" messages failed\n"), "{}", done.stderr);
    }
}

/// The default of a profile is ten seconds.
#[cfg(target_os = "linux")]
#[test]
fn the_timeout_option_is_for_connecting_too() {
    let (port, other) = (crate::common::SilentPort::new(), crate::common::SilentPort::new());
    let one = port.address.to_string();
    let two = format!("{one},{}", other.address);
    let profile = TempFile::with(b"framing = \"ascii:4\"\n[timeouts]\nconnect = \"20s\"\n");
    let modes: &[(&str, &[&str])] = &[
        (&one, &[]),
        (&one, &["--connection", "long"]),
        (&one, &["--connection", "short"]),
        (&one, &["--connection", "shared:2", "--key", "0:2"]),
        (&one, &["--connection", "pooled:2"]),
        (&one, &["--exchange", "duplex", "--in-flight", "1"]),
        (&one, &["--every", "1s"]),
        (&one, &["--every", "1s", "--no-reply"]),
        (&one, &["--profile", profile.path()]),
        (&one, &["--set", "socket.nodelay=true"]),
        (&two, &[]),
    ];
    thread::scope(|scope| {
        for (address, mode) in modes {
            scope.spawn(move || {
                let began = Instant::now();
                let done =
                    send(address, &[&["--framing", "ascii:4", "--timeout", "300ms"], *mode, &["hello"]].concat());
                let took = began.elapsed();
                assert_eq!(done.code, Some(1), "{mode:?}: {}", done.stderr);
                assert!(took < Duration::from_secs(8), "{mode:?} took {took:?}: {}", done.stderr);
            });
        }
    });
}

#[test]
fn set_takes_precedence_over_the_timeout_option() {
    let done = send("127.0.0.1:1", &["--framing", "ascii:4", "--timeout", "1s", "--set", "timeouts.connect=0ms", "x"]);
    assert_eq!(done.code, Some(2), "{}", done.stderr);
    assert!(done.stderr.contains("timeouts.connect"), "{}", done.stderr);
}

#[test]
fn a_key_is_refused_with_no_reply() {
    let host = Host::listen();
    let address = host.address.to_string();
    for (flag, value) in [("--key", "0:2"), ("--assign", "digits")] {
        let done = send(&address, &["--framing", "ascii:4", "--no-reply", flag, value, "01 hello"]);
        assert_eq!((done.code, &*done.stdout), (Some(2), ""), "{}", done.stderr);
        assert!(done.stderr.contains(flag) && done.stderr.contains("--no-reply"), "{}", done.stderr);
    }
    host.expect_untouched();
}

#[test]
fn a_profile_that_is_not_there_or_is_a_directory_is_bad_usage_everywhere() {
    let directory = env!("CARGO_TARGET_TMPDIR");
    let started = Instant::now();
    for profile in ["./there-is-no-such-file.toml", directory] {
        let commands: &[&[&str]] = &[
            &["send", "127.0.0.1:1", "--profile", profile, "hello"],
            &["serve", "--listen", "127.0.0.1:0", "--profile", profile],
            &["listen", "--listen", "127.0.0.1:0", "--profile", profile],
            &["bridge", "--listen", "127.0.0.1:0", "--profile", profile, "--to", "127.0.0.1:1", "--to-framing", "line"],
            &["bridge", "--listen", "127.0.0.1:0", "--framing", "line", "--to", "127.0.0.1:1", "--to-profile", profile],
            &["check", profile],
        ];
        for command in commands {
            let done = Running::run(&mut framelink(*command));
            assert_eq!((done.code, &*done.stdout), (Some(2), ""), "{command:?}: {}", done.stderr);
            assert!(done.stderr.contains(profile), "{command:?}: {}", done.stderr);
        }
    }
    assert!(started.elapsed() < DEADLINE);
}
