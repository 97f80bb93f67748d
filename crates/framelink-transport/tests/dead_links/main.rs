//! Links that die, on real sockets in a network of their own: two hosts in namespaces, connected by a bridge that can
//! be cut.
//!
//! The tests need `ip`, `unshare` and `nsenter`, and a system that permits network namespaces. They print when one is
//! missing.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test")]

mod host;
mod kernel;
mod ours;
mod program;
#[path = "../support/mod.rs"]
mod support;

use std::process::{Child, Command, Stdio};

use support::driver;

/// The commands with which the tests set up their namespaces.
const NEEDED: &str = "ip link set lo up && ip link add br0 type bridge && ip link add wire type veth peer name far && \
    ip addr add 10.213.7.1/24 dev br0 && unshare --net true && nsenter --net=/proc/self/ns/net true";

/// The prefix of the names of tests that are otherwise ignored.
const IGNORED: &str = "in_namespaces";

/// Runs the tests that are otherwise ignored, all at once, each in a network of its own.
#[test]
fn dead_links_are_noticed() {
    let ways: [&[&str]; 2] = [&["--user", "--map-root-user", "--net"], &["--net"]];
    let can = |way: &&&[&str]| {
        let tried = Command::new("unshare").args(**way).args(["sh", "-c", NEEDED]).output();
        tried.is_ok_and(|tried| tried.status.success())
    };
    let Some(way) = ways.iter().find(can) else {
        println!("left out: no network namespaces here (they need unshare, ip, and a system that allows them)");
        return;
    };
    let list = Command::new(std::env::current_exe().unwrap()).args(["--ignored", "--list", IGNORED]).output().unwrap();
    let list = String::from_utf8(list.stdout).unwrap();
    let names: Vec<_> = list.lines().filter_map(|line| line.strip_suffix(": test")).collect();
    assert!(names.len() >= 9, "{names:?}");
    let running: Vec<_> = names.iter().map(|name| start(way, name)).collect();
    let mut failed = Vec::new();
    for (name, test) in names.iter().zip(running) {
        let test = test.wait_with_output().unwrap();
        print!("{}", String::from_utf8_lossy(&test.stdout));
        eprint!("{}", String::from_utf8_lossy(&test.stderr));
        // A wrong name runs no test and succeeds, so the number of passed tests is checked too.
        if !(test.status.success() && String::from_utf8_lossy(&test.stdout).contains("1 passed")) {
            failed.push(name);
        }
    }
    assert!(failed.is_empty(), "{failed:?}");
}

fn start(way: &[&str], name: &str) -> Child {
    let mut test = Command::new("unshare");
    test.args(way).arg(std::env::current_exe().unwrap()).args(["--ignored", "--nocapture", "--exact", name]);
    test.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}
