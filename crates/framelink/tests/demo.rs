//! `framelink demo`.

mod common;

use std::time::{Duration, Instant};

use common::{Running, framelink};

#[test]
fn the_demo_shows_the_bytes_of_every_hop_and_ends_well() {
    let start = Instant::now();
    let done = Running::run(&mut framelink(["demo"]));
    assert!(start.elapsed() < Duration::from_secs(3), "took {:?}", start.elapsed());
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
    assert!(done.stdout.ends_with("3 of 3 replies were right\n"), "{}", done.stdout);
    let widest = done.stdout.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(100), "a line of {widest:?} characters");
}
