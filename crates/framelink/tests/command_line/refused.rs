//! Refused connections in the log: the first of each reason with its peer, then a count, and all counts at the end of a
//! drain.

#![cfg(target_os = "linux")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::common::{Finished, Host, Running, dial, framelink, is_closed};

/// The commands that accept connections, with these limits.
fn commands(host: &Host, limits: &[&str]) -> Vec<(&'static str, Running, SocketAddr)> {
    let to = host.address.to_string();
    let start = |arguments: &[&str]| Running::listen(&mut framelink([arguments, limits].concat()));
    let listen = ["--listen", "127.0.0.1:0", "--framing", "ascii:4"];
    [
        ("serve", start(&[&["serve"][..], &listen].concat())),
        ("listen", start(&[&["listen"][..], &listen].concat())),
        ("bridge", start(&[&["bridge"][..], &listen, &["--to", &to, "--to-framing", "ascii:4"]].concat())),
        (
            "bridge over short connections",
            start(
                &[&["bridge"][..], &listen, &["--to", &to, "--to-framing", "ascii:4", "--to-connection", "short"]]
                    .concat(),
            ),
        ),
    ]
    .into_iter()
    .map(|(name, (running, address))| (name, running, address))
    .collect()
}

/// Ends the command, and returns its output and the line about the drain.
fn drain(running: Running) -> (Finished, String) {
    running.signal("TERM");
    let done = running.finish();
    let drained =
        done.stderr.lines().find(|line| line.contains("drained: ")).expect("a line about the drain").to_owned();
    (done, drained)
}

fn count(log: &str, text: &str) -> usize {
    log.lines().filter(|line| line.contains(text)).count()
}

fn refused(address: SocketAddr) -> SocketAddr {
    let peer = dial(address);
    let local = peer.local_addr().expect("an address");
    assert!(is_closed(&peer));
    local
}

#[test]
fn the_first_denied_client_has_a_line_and_the_others_are_counted() {
    let host = Host::listen();
    for (name, running, address) in commands(&host, &["--deny", "127.0.0.1"]) {
        let first = refused(address);
        for _ in 0..4 {
            refused(address);
        }
        let (done, drained) = drain(running);
        assert_eq!(done.code, Some(0), "{name}: {}", done.stderr);
        assert!(
            done.stderr.contains(&format!("{first}: refused: its client may not connect")),
            "{name}: {}",
            done.stderr
        );
        assert_eq!(count(&done.stderr, ": refused: "), 1, "{name}: {}", done.stderr);
        assert_eq!(count(&done.stderr, "and 4 more connections were refused"), 1, "{name}: {}", done.stderr);
        assert!(drained.contains("5 refused since the start: 5 by access, 0 by limits.connections, 0 by"), "{drained}");
    }
}

#[test]
fn each_reason_has_its_line_and_its_count() {
    for (flag, key, others) in [
        ("--max-connections", "(limits.connections)", "0 by access, 3 by limits.connections, 0 by"),
        ("--max-per-client", "(limits.connections-per-client)", "0 by access, 0 by limits.connections, 3 by"),
    ] {
        let host = Host::listen();
        let mut all: Vec<_> = commands(&host, &[flag, "1"])
            .into_iter()
            .map(|(name, running, at)| (name, running, at, dial(at)))
            .collect();
        for (_, running, address, _) in &mut all {
            running.log_line("connected");
            for _ in 0..3 {
                refused(*address);
            }
        }
        // This host does not answer the end of a connection. When it is gone, the bridge waits for nothing.
        drop(host);
        for (name, running, _, stays) in all {
            drop(stays);
            let (done, drained) = drain(running);
            assert_eq!(count(&done.stderr, key), 1, "{name}: {}", done.stderr);
            assert!(drained.contains(&format!("3 refused since the start: {others}")), "{name}: {drained}");
        }
    }
}

/// Without refusals, the line about the drain does not mention them.
#[test]
fn a_drain_without_refusals_does_not_mention_them() {
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--framing", "ascii:4"];
    let (running, address) = Running::listen(&mut framelink(arguments));
    let mut client = dial(address);
    client.write_all(b"0002hi").unwrap();
    client.read_exact(&mut [0; 6]).unwrap();
    drop::<TcpStream>(client);
    let (_, drained) = drain(running);
    assert!(drained.contains("drained: ") && !drained.contains("refused"), "{drained}");
}
