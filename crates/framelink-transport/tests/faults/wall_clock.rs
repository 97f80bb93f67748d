//! Row 35: the clock on the wall, which may jump.

use std::fs;
use std::path::{Path, PathBuf};

use crate::row::root;

/// What asks it, or sets something by it. (In two pieces, so that this file does not name them.)
const WORDS: [(&str, &str); 4] = [("System", "Time"), ("UNIX_", "EPOCH"), ("CLOCK_", "REALTIME"), ("Utc::", "now")];

/// Prints the time of day, and decides nothing by it.
const PRINTS: &str = "framelink/src/output/message_line.rs";

#[test]
fn no_code_decides_by_the_clock_on_the_wall() {
    let mut sources = Vec::new();
    for package in fs::read_dir(root().join("crates")).unwrap() {
        collect(&package.unwrap().path().join("src"), &mut sources);
    }
    assert!(sources.len() > 100, "only {} sources were found", sources.len());
    for path in sources.iter().filter(|path| !path.ends_with(PRINTS)) {
        let source = fs::read_to_string(path).unwrap();
        for (first, second) in WORDS {
            assert!(!source.contains(&format!("{first}{second}")), "{} names {first}{second}", path.display());
        }
    }
    let rules = fs::read_to_string(root().join("clippy.toml")).unwrap();
    assert!(rules.contains("std::time::SystemTime"), "clippy.toml does not forbid it");
}

fn collect(directory: &Path, sources: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => collect(&path, sources),
            false if path.extension().is_some_and(|extension| extension == "rs") => sources.push(path),
            false => {}
        }
    }
}
