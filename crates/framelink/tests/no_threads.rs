//! The program on a system with few threads left, or none: the program ends, and prints the outcome of each message.
//!
//! The processes run as separate users with `RLIMIT_NPROC`. Without the rights for that the test is skipped.

#![cfg(target_os = "linux")]

mod common;

use std::fs;
use std::io;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;

use common::{Finished, Running, framelink};

/// The numbers of threads: from none beside the first one to more than a runtime needs with two processors.
const LIMITS: std::ops::RangeInclusive<u32> = 1..=6;

/// A copy of the program that any user may run.
struct Copy(PathBuf);

impl Copy {
    fn make(name: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("framelink-{name}-{}", std::process::id()));
        fs::create_dir_all(&directory).expect("a directory");
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o755)).expect("it is readable");
        let program = framelink::<&str>([]).get_program().to_owned();
        fs::copy(program, directory.join("framelink")).expect("a copy");
        Self(directory)
    }

    /// Runs the command as a separate user with at most this many threads.
    fn limited(&self, user: u32, threads: u32, arguments: &[&str]) -> Command {
        let (user, limit) =
            ((62_000 + std::process::id() % 1000 * 20 + user).to_string(), format!("--nproc={threads}"));
        let mut command = Command::new("setpriv");
        command.args(["--reuid", &user, "--regid", &user, "--clear-groups", "prlimit", &limit]);
        command.arg(self.0.join("framelink")).args(arguments).env_remove("RUST_LOG");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn can_be_limited(&self) -> bool {
        let output = self.limited(0, 1, &["--version"]).output();
        output.is_ok_and(|output| output.status.success())
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A host that echoes all bytes, and so each message.
fn echo() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let serve = |stream: TcpStream| io::copy(&mut &stream, &mut &stream);
    thread::spawn(move || listener.incoming().flatten().for_each(|stream| drop(thread::spawn(move || serve(stream)))));
    port
}

#[test]
fn with_few_threads_a_message_is_answered_or_the_error_says_what_was_sent() {
    let copy = Copy::make("few-threads");
    if !copy.can_be_limited() {
        return println!("skipped, the rights of a process cannot be dropped here");
    }
    let port = echo();
    let modes: [&[&str]; 3] = [&[], &["--key", "0:2"], &["--connection", "pooled:1"]];
    let rows = LIMITS.flat_map(|threads| modes.map(|mode| (threads, mode)));
    // All run at once, each as a separate user, because the system counts threads by user.
    thread::scope(|scope| {
        for (user, (threads, mode)) in (1..).zip(rows) {
            let copy = &copy;
            scope.spawn(move || {
                for (host, within, needs_thread) in [("127.0.0.1", "60s", false), ("localhost", "1s", true)] {
                    let to = format!("{host}:{port}");
                    let flags = ["send", &to, "--framing", "ascii:4", "--timeout", within, "01hello"];
                    let done = Running::run(&mut copy.limited(user, threads, &[&flags[..], mode].concat()));
                    let Finished { code, stdout, stderr, .. } = done;
                    let is_answered = code == Some(0) && stdout == "01hello\n";
                    let is_told = needs_thread && code == Some(1) && stderr.contains("sent");
                    assert!(is_answered || is_told, "{threads} threads, {mode:?}, {to}: {code:?} {stdout} {stderr}");
                }
            });
        }
    });
}

#[test]
fn a_hostile_peer_without_threads_prints_an_error() {
    let copy = Copy::make("no-thread");
    if !copy.can_be_limited() {
        return println!("skipped, the rights of a process cannot be dropped here");
    }
    let arguments = ["hostile", "--listen", "127.0.0.1:0", "--framing", "ascii:4", "--fault", "silent"];
    let done = Running::run(&mut copy.limited(19, 1, &arguments));
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    assert!(done.stderr.contains("the system has no thread left"), "{}", done.stderr);
}
