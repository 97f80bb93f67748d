//! Row 35: the wall clock, which may jump.

use std::fs;
use std::path::{Path, PathBuf};

use crate::row::root;

/// Names with which code reads or sets the wall clock. (Each is in two pieces, so that this file does not contain
/// them.)
const WORDS: [(&str, &str); 4] = [("System", "Time"), ("UNIX_", "EPOCH"), ("CLOCK_", "REALTIME"), ("Utc::", "now")];

/// The files that read the time of day. One prints it, one writes it into messages of a template, one compares it with
/// the validity of certificates, and one compares when files were changed.
const READERS: [&str; 4] = [
    "framelink/src/command/check.rs",
    "framelink/src/output/message_line.rs",
    "framelink-template/src/template/inputs.rs",
    "framelink-transport/src/tls/files/mod.rs",
];

#[test]
fn no_code_decides_by_the_wall_clock() {
    let mut sources = Vec::new();
    for package in fs::read_dir(root().join("crates")).unwrap() {
        collect(&package.unwrap().path().join("src"), &mut sources);
    }
    assert!(sources.len() > 100, "only {} sources were found", sources.len());
    for path in sources.iter().filter(|path| !READERS.iter().any(|reader| path.ends_with(reader))) {
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
