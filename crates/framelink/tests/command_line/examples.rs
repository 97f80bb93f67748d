//! Runs the examples at the end of each help as they stand. Only ports are replaced by free ones.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::common::{Finished, Running, framelink};

#[test]
fn the_examples_of_the_program_run() {
    run_examples_of(&[]);
}

#[test]
fn the_examples_of_each_command_run() {
    let help = help_of(&[]);
    let (_, list) = help.split_once("Commands:\n").expect("a list of commands");
    let names: Vec<_> = list.lines().map_while(|line| line.split_whitespace().next()).collect();
    assert!(names.len() == 11 && names.contains(&"bridge"), "{names:?}");
    for name in names.into_iter().filter(|name| *name != "help") {
        run_examples_of(&[name]);
    }
}

#[test]
fn every_help_is_100_columns_wide_and_the_short_one_is_shorter() {
    for name in ["", "inspect", "serve", "send", "listen", "check", "presets", "bridge", "hostile", "load", "demo"] {
        let command: Vec<_> = Some(name).into_iter().filter(|name| !name.is_empty()).collect();
        let (long, short) = (help_of(&command), Running::run(&mut framelink([&*command, &["-h"]].concat())).stdout);
        for line in long.lines().chain(short.lines()) {
            assert!(line.chars().count() <= 100, "{name}: {line}");
        }
        assert!(short.len() <= long.len(), "{name}");
    }
}

/// Runs the examples of one help. An example that listens is started, and ended when the others are done.
fn run_examples_of(command: &[&str]) {
    let help = help_of(command);
    let (title, examples) = examples_in(&help);
    assert_eq!(examples.len(), 2, "two examples in:\n{help}");
    let mut shell = Shell::new(command.first().unwrap_or(&"program"));
    let peer = title.split('`').nth(1).map(str::to_owned);
    for example in peer.iter().chain(&examples) {
        shell.run(example);
    }
    shell.end();
}

fn help_of(command: &[&str]) -> String {
    let done = Running::run(&mut framelink([command, &["--help"]].concat()));
    assert_eq!((done.code, &*done.stderr), (Some(0), ""), "{command:?}");
    done.stdout
}

/// Returns the line above the examples, which may name a peer that they need, and the examples. A backslash continues a
/// line.
fn examples_in(help: &str) -> (String, Vec<String>) {
    let start = help.rfind("\nExamples").unwrap_or_else(|| panic!("examples in:\n{help}"));
    let mut lines = help[start + 1..].lines();
    let title = lines.next().expect("the line that was found").to_owned();
    let examples = lines.collect::<Vec<_>>().join("\n").replace("\\\n", "");
    (title, examples.lines().map(|line| line.trim().to_owned()).collect())
}

/// Runs commands in a folder of its own, with the program in `PATH`.
struct Shell {
    folder: PathBuf,
    path: String,
    servers: Vec<Running>,
    /// Addresses in examples, and the free addresses that replace them.
    addresses: Vec<(String, SocketAddr)>,
}

impl Shell {
    fn new(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("examples-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder for files");
        let program = Path::new(env!("CARGO_BIN_EXE_framelink")).parent().expect("the folder of the program");
        let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap_or_default());
        Self { folder, path, servers: Vec::new(), addresses: Vec::new() }
    }

    fn run(&mut self, example: &str) {
        let mut command = example.to_owned();
        let listens_at = example.split_once(" --listen ").map(|(_, rest)| rest.split(' ').next().unwrap_or(rest));
        if let Some(address) = listens_at {
            command = format!("exec {}", command.replacen(address, "127.0.0.1:0", 1));
        }
        for (named, actual) in &self.addresses {
            command = command.replace(named, &actual.to_string());
        }
        if let Some(address) = listens_at {
            let (server, actual) = Running::listen(&mut self.command(&command));
            self.servers.push(server);
            self.addresses.push((address.to_owned(), actual));
            return;
        }
        let Finished { code, stdout, stderr } = Running::run(&mut self.command(&command));
        assert_eq!(code, Some(0), "{example}\n{stdout}{stderr}");
        let is_quiet = example.contains(" > switch.toml") || example.contains(" --no-reply ");
        assert_eq!(stdout.is_empty(), is_quiet, "{example}: prints\n{stdout}{stderr}");
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", line]).current_dir(&self.folder).env("PATH", &self.path).env_remove("RUST_LOG");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Ends the servers as Ctrl-C does, the last one first.
    fn end(self) {
        for server in self.servers.into_iter().rev() {
            server.signal("INT");
            let done = server.finish();
            assert_eq!(done.code, Some(0), "{}", done.stderr);
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}
