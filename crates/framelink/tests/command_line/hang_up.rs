//! SIGHUP starts a drain like SIGTERM, unless the program was started with SIGHUP ignored.

#![cfg(target_os = "linux")]

use std::io::Write;
use std::process::{Command, Stdio};

use crate::common::{Host, Running, dial, framelink, read_exactly, read_to_end};

const LISTEN: [&str; 4] = ["--listen", "127.0.0.1:0", "--framing", "ascii:4"];

#[test]
fn a_server_finishes_its_exchange_even_if_the_terminal_hangs_up_twice() {
    let (mut server, address) = Running::listen(&mut framelink([&["serve"][..], &LISTEN].concat()));
    let mut client = dial(address);
    client.write_all(b"0002hi0005he").unwrap();
    assert_eq!(read_exactly(&client, 6), b"0002hi");
    server.signal("HUP");
    server.log_line("draining");
    server.signal("HUP");
    client.write_all(b"llo").unwrap();
    assert_eq!(read_to_end(&client), b"0005hello");
    drop(client);
    let done = server.finish();
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    // The first reply counts as before the drain or as in it: the client receives it a moment before the count.
    assert!(done.stderr.contains(" answered, 0 cut, 0 came too late"), "{}", done.stderr);
}

#[test]
fn a_listener_prints_a_message_that_has_begun() {
    let (mut listening, address) = Running::listen(&mut framelink([&["listen"][..], &LISTEN].concat()));
    let mut client = dial(address);
    client.write_all(b"0002hi0005he").unwrap();
    assert_eq!(listening.stdout_line(), "hi");
    listening.signal("HUP");
    listening.log_line("draining");
    client.write_all(b"llo").unwrap();
    assert_eq!(read_to_end(&client), b"");
    drop(client);
    let done = listening.finish();
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(done.stdout.ends_with("hi\nhello\n"), "{}", done.stdout);
}

#[test]
fn a_bridge_waits_for_the_reply() {
    let host = Host::listen();
    let to = host.address.to_string();
    let arguments = [&["bridge"][..], &LISTEN, &["--to", &to, "--to-framing", "ascii:4"]].concat();
    let (mut bridge, address) = Running::listen(&mut framelink(arguments));
    let mut client = dial(address);
    client.write_all(b"0002hi").unwrap();
    let mut host = host.accept();
    assert_eq!(read_exactly(&host, 6), b"0002hi");
    bridge.signal("HUP");
    bridge.log_line("draining");
    host.write_all(b"0002ok").unwrap();
    assert_eq!(read_to_end(&client), b"0002ok");
    drop((client, host));
    assert_eq!(bridge.finish().code, Some(0));
}

#[test]
fn a_watch_ends_after_its_exchange() {
    let host = Host::listen();
    let to = host.address.to_string();
    let arguments = ["send", &to, "--framing", "ascii:4", "--every", "60s", "hi"];
    let mut watch = Running::start(&mut framelink(arguments));
    let mut host = host.accept();
    assert_eq!(read_exactly(&host, 6), b"0002hi");
    watch.signal("HUP");
    watch.log_line("draining");
    host.write_all(b"0002ok").unwrap();
    assert_eq!(read_to_end(&host), b"");
    drop(host);
    let done = watch.finish();
    assert_eq!((done.code, &*done.stdout), (Some(0), "ok\n"), "{}", done.stderr);
}

/// `nohup` starts a program with SIGHUP ignored, so that the program stays when the terminal is closed.
#[test]
fn a_program_that_was_started_with_sighup_ignored_goes_on() {
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' HUP; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_framelink"), "serve"]).args(LISTEN);
    shell.env_remove("RUST_LOG").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let (server, address) = Running::listen(&mut shell);
    server.signal("HUP");
    let mut client = dial(address);
    client.write_all(b"0002hi").unwrap();
    assert_eq!(read_exactly(&client, 6), b"0002hi");
    drop(client);
    server.signal("TERM");
    let done = server.finish();
    assert_eq!(done.code, Some(0), "{}", done.stderr);
}
