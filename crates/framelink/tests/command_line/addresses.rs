//! Profiles that have addresses, so that no command needs them, and profiles that have a name.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::common::{DeadPort, Finished, Running, TempFile, framelink};

fn run(arguments: &[&str]) -> Finished {
    Running::run(&mut framelink(arguments))
}

fn echo() -> (Running, SocketAddr) {
    Running::listen(&mut framelink(["serve", "--listen", "127.0.0.1:0", "--framing", "ascii:4"]))
}

/// Returns a profile for clients of these addresses.
fn clients(addresses: &[SocketAddr]) -> TempFile {
    let addresses: Vec<_> = addresses.iter().map(|address| format!("'{address}'")).collect();
    TempFile::with(format!("framing = 'ascii:4'\naddresses = [{}]", addresses.join(", ")).as_bytes())
}

#[test]
fn send_needs_no_address_if_its_profile_has_one() {
    let (_host, host) = echo();
    let file = clients(&[host]);
    let ways: &[&[&str]] = &[
        &[],
        &["--connection", "short"],
        &["--connection", "pooled:1"],
        &["--exchange", "duplex"],
        &["--every", "1ms", "--repeat", "1"],
    ];
    for way in ways {
        let done = run(&[&["send", "--profile", file.path()], *way, &["hello", "world"]].concat());
        assert_eq!((done.code, &*done.stdout), (Some(0), "hello\nworld\n"), "{way:?}: {}", done.stderr);
    }
    let done = Running::feed(&mut framelink(["send", "--profile", file.path()]), b"one\ntwo\n");
    assert_eq!((done.code, &*done.stdout), (Some(0), "one\ntwo\n"), "{}", done.stderr);
    let done = Running::feed(&mut framelink(["send", "--profile", file.path(), "-"]), b"one\n");
    assert_eq!((done.code, &*done.stdout), (Some(0), "one\n"), "{}", done.stderr);
    // A key of --set is a profile too.
    let set = format!("addresses=[\"{host}\"]");
    let done = run(&["send", "--framing", "ascii:4", "--set", &set, "hello"]);
    assert_eq!((done.code, &*done.stdout, &*done.stderr), (Some(0), "hello\n", ""));
}

#[test]
fn send_turns_to_the_backup_of_its_profile() {
    let (dead, (_host, host)) = (DeadPort::new(), echo());
    let file = clients(&[dead.address, host]);
    let done = run(&["send", "--profile", file.path(), "hello"]);
    assert_eq!((done.code, &*done.stdout), (Some(0), "hello\n"), "{}", done.stderr);
}

#[test]
fn a_given_address_takes_precedence_over_the_profile() {
    let (dead, (_host, host)) = (DeadPort::new(), echo());
    let (file, to) = (clients(&[dead.address]), host.to_string());
    let done = run(&["send", &to, "--profile", file.path(), "hello"]);
    assert_eq!((done.code, &*done.stdout), (Some(0), "hello\n"), "{}", done.stderr);
    assert!(done.stderr.contains(&format!("{to} is used instead of the addresses of the profile")), "{}", done.stderr);
    // A message that looks like an address stands behind one.
    let done = run(&["send", "--profile", file.path(), &to, "a:80"]);
    assert_eq!((done.code, &*done.stdout), (Some(0), "a:80\n"), "{}", done.stderr);
}

#[test]
fn servers_bridges_and_load_find_their_addresses_in_profiles() {
    let listens = TempFile::with(b"framing = 'ascii:4'\nlisten = '127.0.0.1:0'");
    let (_host, host) = Running::listen(&mut framelink(["serve", "--profile", listens.path()]));
    let (mut printer, to_print) = Running::listen(&mut framelink(["listen", "--profile", listens.path()]));
    let file = clients(&[host]);
    for connection in ["long", "pooled:1"] {
        let flags = ["bridge", "--profile", listens.path(), "--to-profile", file.path(), "--to-connection", connection];
        let (_bridge, bridge) = Running::listen(&mut framelink(flags));
        let done = run(&["send", "--profile", clients(&[bridge]).path(), "hello"]);
        assert_eq!((done.code, &*done.stdout), (Some(0), "hello\n"), "{connection}: {}", done.stderr);
    }
    let done = run(&["send", "--profile", clients(&[to_print]).path(), "--no-reply", "hello"]);
    assert_eq!((done.code, printer.stdout_line()), (Some(0), "hello".to_owned()), "{}", done.stderr);
    let given = run(&["serve", "--profile", listens.path(), "--listen", "127.0.0.1:70000"]);
    assert_eq!(given.code, Some(2), "--listen takes precedence: {}", given.stderr);
    if cfg!(feature = "load") {
        let done = run(&["load", "--profile", file.path(), "--count", "10", "--expect", "echo"]);
        assert_eq!(done.code, Some(0), "{}", done.stderr);
        assert!(done.stdout.contains(&host.to_string()), "{}", done.stdout);
    }
}

#[test]
fn a_missing_address_is_bad_usage_and_the_error_has_both_forms() {
    let forms = "write `framelink send ADDRESS MESSAGE`, or `framelink send --profile PROFILE MESSAGE` with a profile that \
                 has `addresses`";
    let no_address =
        format!("the first word is no address: expected HOST:PORT, the port is missing, found `hello`; {forms}");
    let profile = ["--profile", "long-sync", "--framing", "ascii:4"];
    let cases: &[(&[&str], &str)] = &[
        (&["send", "hello"], &no_address),
        (&["send"], &format!("the address is missing; {forms}")),
        (&["serve"], "give --listen ADDR, or a profile that has `listen = \"ADDR\"`"),
        (&["listen"], "give --listen ADDR, or a profile that has `listen = \"ADDR\"`"),
        (&["load"], "give ADDRESS, or a profile that has `addresses`"),
        (
            &["bridge", "--to-profile", "long-sync", "--to-framing", "ascii:4"],
            "give --to ADDR, or a --to-profile that has `addresses`",
        ),
        (&["bridge", "--to", "127.0.0.1:1", "--to-framing", "ascii:4"], "give --listen ADDR"),
    ];
    for (command, told) in cases {
        let done = run(&[*command, &profile].concat());
        assert_eq!((done.code, &*done.stdout), (Some(2), ""), "{command:?}: {}", done.stderr);
        assert!(done.stderr.contains(told), "{command:?}: {told}\nin:\n{}", done.stderr);
    }
    let done = run(&["send", "hello", "--framing", "ascii:4"]);
    assert!(done.code == Some(2) && done.stderr.contains(&no_address), "{}", done.stderr);
}

#[test]
fn check_explains_addresses_and_finds_what_is_wrong_with_them() {
    let file = TempFile::with(b"framing = 'line'\naddresses = ['a:1', 'b:1']\nlisten = '0.0.0.0:7000'");
    let done = run(&["check", file.path()]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(
        done.stdout.contains("\naddresses    a:1, and as backup b:1\nlistens at   0.0.0.0:7000\n"),
        "{}",
        done.stdout
    );
    let file = TempFile::with(b"framing = 'line'\naddresses = ['a:1', 'b:x']");
    let done = run(&["check", file.path()]);
    let told = "line 2, column 24: addresses.2: expected a port from 0 to 65535 after the last colon, found `x`\n";
    assert_eq!((done.code, done.stderr), (Some(1), format!("framelink: {}: {told}", file.path())));
}

/// A folder with files, which is removed when this value is dropped.
struct Folder(PathBuf);

impl Folder {
    fn with(name: &str, files: &[(&str, &str)]) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("profiles-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        for (name, text) in files {
            std::fs::write(folder.join(name), text).expect("a file");
        }
        Self(folder)
    }

    fn run(&self, arguments: &[&str]) -> Finished {
        Running::run(framelink(arguments).env("FRAMELINK_PROFILES", &self.0))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_profile_with_a_name_is_a_file_of_the_folder() {
    let (_host, host) = echo();
    let switch = format!("framing = 'ascii:4'\naddresses = ['{host}']");
    let folder =
        Folder::with("name", &[("switch.toml", &switch), ("duplex.toml", "framing = 'line'"), ("wrong.toml", "")]);
    let done = folder.run(&["send", "--profile", "switch", "hello"]);
    assert_eq!((done.code, &*done.stdout, &*done.stderr), (Some(0), "hello\n", ""));
    let done = folder.run(&["check", "switch", "--toml"]);
    assert_eq!(done.stdout, format!("addresses = [\"{host}\"]\nframing = \"ascii:4\"\n"));

    let done = folder.run(&["check", "duplex"]);
    assert_eq!((done.code, &*done.stderr), (Some(2), "framelink: the template duplex needs --framing\n"));
    let done = folder.run(&["check", "wrong"]);
    let told = format!("framelink: {}: line 1, column 1: framing is missing", folder.0.join("wrong.toml").display());
    assert!(done.code == Some(1) && done.stderr.starts_with(&told), "{}", done.stderr);
}

#[test]
fn an_unknown_name_is_told_with_the_folder_and_its_names() {
    let folder = Folder::with("unknown", &[("switch.toml", ""), ("backup.toml", ""), ("notes.txt", "")]);
    let done = folder.run(&["send", "--profile", "swich", "hello"]);
    let told = format!(
        "found `swich`; did you mean `switch`? (a profile is a template, a TOML file, or a name from {}, which has backup, \
         switch)\n",
        folder.0.display()
    );
    assert!(done.code == Some(2) && done.stderr.ends_with(&told), "{told}\nin:\n{}", done.stderr);
    let empty = Folder::with("empty", &[]);
    let done = empty.run(&["check", "switch"]);
    assert!(done.stderr.ends_with(&format!("{}, which has none)\n", empty.0.display())), "{}", done.stderr);
    // A path is no name.
    let done = folder.run(&["check", "./switch"]);
    assert!(done.code == Some(2) && done.stderr.starts_with("framelink: ./switch: "), "{}", done.stderr);
}

#[cfg(unix)]
#[test]
fn without_the_variable_names_are_looked_for_in_the_settings_of_the_user() {
    let home = Folder::with("home", &[]);
    for (variable, folder) in [("HOME", ".config/framelink/profiles"), ("XDG_CONFIG_HOME", "framelink/profiles")] {
        let folder = home.0.join(folder);
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join(format!("{variable}.toml")), "framing = 'line'").expect("a file");
        let mut command = framelink(["check", variable, "--toml"]);
        command.env_remove("FRAMELINK_PROFILES").env_remove("XDG_CONFIG_HOME").env(variable, &home.0);
        let done = Running::run(&mut command);
        assert_eq!((done.code, &*done.stdout), (Some(0), "framing = \"line\"\n"), "{}", done.stderr);
    }
}
