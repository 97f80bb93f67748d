//! Links that die, on real sockets in a network of their own: two hosts in namespaces, with a bridge between that can be cut.
//!
//! Needs `ip`, `unshare` and `nsenter`, and a system that lets us make namespaces; says so where one is missing.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "../drivers/driver.rs"]
#[expect(dead_code, unused_imports, unused_macros, reason = "the other tests need more of it")]
mod driver;
mod host;
mod kernel;
mod ours;
mod peer;

use std::process::Command;

/// All that the tests do with namespaces.
const NEEDED: &str = "ip link set lo up && ip link add br0 type bridge && ip link add wire type veth peer name far && \
    ip addr add 10.213.7.1/24 dev br0 && unshare --net true && nsenter --net=/proc/self/ns/net true";

/// Runs the tests of this file that are ignored otherwise, in a network of their own.
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
    let tests = Command::new("unshare")
        .args(*way)
        .arg(std::env::current_exe().unwrap())
        .args(["--ignored", "--test-threads=1", "--nocapture", "in_namespaces"])
        .output()
        .unwrap();
    print!("{}", String::from_utf8_lossy(&tests.stdout));
    eprint!("{}", String::from_utf8_lossy(&tests.stderr));
    assert!(tests.status.success());
}
