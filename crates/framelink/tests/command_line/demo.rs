//! `framelink demo`.

use crate::common::{Running, framelink};

#[test]
fn the_demo_shows_the_bytes_of_every_hop_and_ends_well() {
    let done = Running::run(&mut framelink(["demo"]));
    assert_eq!((done.code, &*done.stderr), (Some(0), ""), "{}", done.stdout);

    let expected = [
        ("client → bridge", "30 30 31 32 | 68 65 6c 6c 6f 2c 20 77 6f 72 6c 64 ", "0012|hello, world"),
        ("bridge → host", "00 12       | 68 65 6c 6c 6f 2c 20 77 6f 72 6c 64 ", "..|hello, world"),
        ("host → bridge", "00 16       | 6f 6b 3a 20 68 65 6c 6c 6f 2c 20 77 6f 72 6c 64 ", "..|ok: hello, world"),
        ("bridge → client", "30 30 31 36 | 6f 6b 3a 20 68 65 6c 6c 6f 2c 20 77 6f 72 6c 64 ", "0016|ok: hello, world"),
    ];
    let hops: Vec<&str> = done.stdout.lines().filter(|line| line.contains(" | ") || line.ends_with('|')).collect();
    assert_eq!(hops.len(), 3 * expected.len(), "four hops for each of three messages:\n{}", done.stdout);
    for (line, (name, hex, text)) in hops.iter().zip(expected) {
        assert!(line.starts_with(&format!("{name:<16}{hex}")), "{line}");
        assert!(line.ends_with(text), "{line}");
    }
    for (i, line) in hops.iter().enumerate() {
        assert!(line.starts_with(expected[i % 4].0), "hop {i} is {}, not: {line}", expected[i % 4].0);
    }
    assert!(done.stdout.contains("\n3 of 3 replies were right\n"), "{}", done.stdout);
    let widest = done.stdout.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(100), "a line of {widest:?} characters");
}

#[test]
fn the_demo_shows_how_soon_silence_is_noticed() {
    let done = Running::run(&mut framelink(["demo"]));
    assert_eq!((done.code, &*done.stderr), (Some(0), ""), "{}", done.stdout);
    let (_, scene) = done.stdout.split_once("\n3 of 3 replies were right\n").expect("the first scene");
    let mut lines = scene.lines().filter(|line| !line.is_empty());
    let mut next = || lines.next().expect("a line");
    assert_eq!(next(), "Heartbeats between bridge and host: numbered,interval=40ms,timeout=500ms");
    let asks = "a client asks `are you there?`, and receives `ok: are you there?`";
    assert_eq!(next(), format!("the host is there         {asks}"));
    assert!(next().starts_with("no request for 150ms      "));
    assert!(next().starts_with("the host goes silent      "));

    let noticed = next();
    let took = noticed.strip_prefix("the bridge notices        after ");
    let (took, bound) = took.and_then(|took| took.split_once("ms; ")).unwrap_or_else(|| panic!("{noticed}"));
    assert!(took.parse::<u64>().is_ok_and(|took| took <= 1540), "{noticed}");
    assert_eq!(bound, "the bound is 540ms from the host's last byte");
    let says = next();
    assert!(says.starts_with("  the peer is gone: nothing came for "), "{says}");
    assert!(says.contains(", 1 probe was not answered, our last byte went "), "{says}");
    assert_eq!(next(), format!("the host is back          {asks}"));
    assert_eq!(next(), "the silence was noticed in time, and the bridge went on");
    assert_eq!(lines.next(), None);
}
