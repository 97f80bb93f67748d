//! IPv6 addresses with the name of a network interface.
#![cfg(target_os = "linux")]

use std::net::TcpListener;

use crate::common::{Running, framelink};

#[test]
fn a_zone_may_be_the_name_of_an_interface_wherever_an_address_is_given() {
    if TcpListener::bind("[::1]:0").is_err() {
        println!("left out: this machine has no IPv6");
        return;
    }
    let (_host, address) = Running::listen(&mut framelink(["serve", "--listen", "[::1%lo]:0", "--framing", "net:2"]));
    let to = format!("[::1%lo]:{}", address.port());
    let ways: &[&[&str]] = &[&[], &["--connection", "short"], &["--exchange", "duplex"], &["--connection", "pooled:1"]];
    for way in ways {
        let done = Running::run(&mut framelink([&["send", &to, "--framing", "net:2"], *way, &["hello"]].concat()));
        assert_eq!((done.code, &*done.stdout), (Some(0), "hello\n"), "{way:?}: {}", done.stderr);
    }
    for connection in ["long", "pooled:1"] {
        let flags = ["bridge", "--listen", "[::1%lo]:0", "--framing", "ascii:4", "--to", &to, "--to-framing", "net:2"];
        let (_bridge, bridge) =
            Running::listen(&mut framelink([&flags[..], &["--to-connection", connection]].concat()));
        let to = format!("[::1%lo]:{}", bridge.port());
        let done = Running::run(&mut framelink(["send", &to, "--framing", "ascii:4", "hello"]));
        assert_eq!((done.code, &*done.stdout), (Some(0), "hello\n"), "{connection}: {}", done.stderr);
    }
}

#[test]
fn an_interface_that_is_not_there_is_named_and_those_there_are_listed() {
    let zoned = "[fe80::1%eth77]:7000";
    let commands: &[&[&str]] = &[
        &["send", zoned, "--framing", "line", "hi"],
        &["send", zoned, "--framing", "line", "--connection", "short", "hi"],
        &["send", zoned, "--framing", "line", "--exchange", "duplex", "hi"],
        &["serve", "--listen", zoned, "--framing", "line"],
        &["listen", "--listen", zoned, "--framing", "line"],
        &["bridge", "--listen", zoned, "--framing", "line", "--to", "127.0.0.1:1", "--to-framing", "net:2"],
    ];
    for command in commands {
        let done = Running::run(&mut framelink(*command));
        assert_eq!((done.code, &*done.stdout), (Some(1), ""), "{command:?}: {}", done.stderr);
        let told = "there is no network interface `eth77`; this machine has lo";
        assert!(done.stderr.contains(told), "{command:?}: {}", done.stderr);
    }
}

#[test]
fn a_link_local_address_without_a_zone_is_bad_usage() {
    let bare = "[fe80::1]:7000";
    let commands: &[&[&str]] = &[
        &["send", bare, "--framing", "line", "hi"],
        &["serve", "--listen", bare, "--framing", "line"],
        &["listen", "--listen", bare, "--framing", "line"],
        &["bridge", "--listen", "127.0.0.1:0", "--framing", "line", "--to", bare, "--to-framing", "net:2"],
    ];
    for command in commands {
        let done = Running::run(&mut framelink(*command));
        assert_eq!((done.code, &*done.stdout), (Some(2), ""), "{command:?}: {}", done.stderr);
        assert!(done.stderr.contains("needs a zone") && done.stderr.contains("[fe80::1%eth0]:7000"), "{}", done.stderr);
    }
}
