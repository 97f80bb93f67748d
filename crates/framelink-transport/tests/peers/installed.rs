//! Finds the installed peers.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use crate::starting::starting;

/// Returns the path of a peer. If the peer is missing, prints that it is left out, and returns `None`. With
/// `FRAMELINK_PEERS_REQUIRED=1` a missing peer is an error.
pub(crate) fn find(peer: &str, found: Result<PathBuf, String>) -> Option<PathBuf> {
    static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let missing = match found {
        Ok(path) => return Some(path),
        Err(missing) => missing,
    };
    let left_out = format!("left out: {peer} (missing: {missing}; .ci/peers installs it)\n");
    assert!(std::env::var_os("FRAMELINK_PEERS_REQUIRED").is_none_or(|value| value != "1"), "{left_out}");
    if SAID.lock().expect("a set").insert(left_out.clone()) {
        // `eprint` shows nothing in a test that passes.
        let _ = std::io::stderr().write_all(left_out.as_bytes());
    }
    None
}

/// Finds a program on the PATH, or in the folders of daemons, which not every user's PATH contains.
pub(crate) fn program(name: &str) -> Result<PathBuf, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    places.map(|place| place.join(name)).find(|file| file.is_file()).ok_or_else(|| name.to_owned())
}

/// Finds a Python that has this module.
pub(crate) fn python(module: &str) -> Result<PathBuf, String> {
    let python = folder().join("venv/bin/python");
    let mut import = Command::new(&python);
    import.args(["-c", &format!("import {module}")]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let _starting = starting();
    match import.status() {
        Ok(status) if status.success() => Ok(python),
        _ => Err(format!("python module {module}")),
    }
}

/// Finds the folder of this npm package.
pub(crate) fn npm(package: &str) -> Result<PathBuf, String> {
    let modules = folder().join("npm/node_modules");
    if modules.join(package).is_dir() { Ok(modules) } else { Err(format!("npm package {package}")) }
}

fn folder() -> PathBuf {
    let by_default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peers");
    std::env::var_os("FRAMELINK_PEERS").map_or_else(by_default, PathBuf::from)
}
