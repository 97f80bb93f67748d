//! Links that die, on real sockets in a network of their own: two hosts in namespaces, with a bridge between that can be cut.
//!
//! Needs `ip`, `unshare` and `nsenter`, and a system that lets us make namespaces; says so where one is missing.
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

/// All that the tests do with namespaces.
const NEEDED: &str = "ip link set lo up && ip link add br0 type bridge && ip link add wire type veth peer name far && \
    ip addr add 10.213.7.1/24 dev br0 && unshare --net true && nsenter --net=/proc/self/ns/net true";

/// What the tests that are ignored otherwise have in their names.
const IGNORED: &str = "in_namespaces";

/// Runs the tests that are ignored otherwise, all at once, each in a network of its own.
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
        // One that is named wrongly is not run, and does not fail.
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
