//! Other processes: this test program, started again as one side of a row. An environment variable says which.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::stage::DEADLINE;

const WHAT: &str = "FRAMELINK_FAULTS_PROGRAM";

/// Runs the program with the name and the arguments of the variable.
#[test]
#[ignore = "the program of another test"]
fn program() {
    let Ok(what) = std::env::var(WHAT) else { return };
    // The process ends with its test, even if the test is killed.
    thread::spawn(|| {
        thread::sleep(4 * DEADLINE);
        std::process::exit(3);
    });
    let words: Vec<&str> = what.split(' ').collect();
    match &words[..] {
        ["peer", ports @ ..] => crate::peers::program(ports),
        ["serve", driver, wire] => crate::programs::serve(driver, wire),
        ["beat", driver, wire, role, peer] => crate::programs::beat(driver, wire, role, peer),
        other => panic!("{other:?}"),
    }
}

/// Prints a line for the test.
pub(crate) fn say(line: &str) {
    let mut stdout = std::io::stdout().lock();
    // An empty line first, because the harness may have printed a part of a line.
    let _ = writeln!(stdout, "\n{line}");
    let _ = stdout.flush();
}

/// A running program, which is killed when this value is dropped.
pub(crate) struct Running {
    child: Child,
    stdin: ChildStdin,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Running {
    pub(crate) fn start(what: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("a path"));
        command.args(["--ignored", "--exact", "program::program", "--nocapture"]).env(WHAT, what);
        // A server's threads would fill the allowed memory with their stacks and with the arenas of the allocator.
        command.env("RUST_MIN_STACK", "131072").env("MALLOC_ARENA_MAX", "1");
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().expect("a program");
        let (stdin, stdout) = (child.stdin.take().expect("a pipe"), child.stdout.take().expect("a pipe"));
        let lines = Arc::<Mutex<Vec<String>>>::default();
        let seen = Arc::clone(&lines);
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                seen.lock().expect("lines").push(line);
            }
        });
        Self { child, stdin, lines }
    }

    pub(crate) fn tell(&mut self, line: &str) {
        writeln!(self.stdin, "{line}").expect("a program that reads");
    }

    /// Returns the rest of each line with this prefix so far.
    pub(crate) fn said(&self, start: &str) -> Vec<String> {
        let lines = self.lines.lock().expect("lines");
        lines.iter().filter_map(|line| Some(line.strip_prefix(start)?.trim().to_owned())).collect()
    }

    /// Waits until there are this many lines with this prefix.
    #[track_caller]
    pub(crate) fn wait_for(&self, start: &str, count: usize) -> Vec<String> {
        let began = Instant::now();
        loop {
            let said = self.said(start);
            if said.len() >= count {
                return said;
            }
            assert!(began.elapsed() < DEADLINE, "{count} × `{start}`, not {said:?}");
            thread::sleep(Duration::from_millis(2));
        }
    }

    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        let said = self.wait_for("listening on ", 1);
        said[0].split(' ').map(|address| address.parse().expect("an address")).collect()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().expect("a pid")), signal).expect("a signal");
    }

    pub(crate) fn is_alive(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_none()
    }

    /// Waits for the end, and returns the exit code.
    pub(crate) fn finish(&mut self) -> Option<i32> {
        let began = Instant::now();
        while self.is_alive() {
            assert!(began.elapsed() < DEADLINE, "the program does not end");
            thread::sleep(Duration::from_millis(2));
        }
        self.child.wait().expect("a child").code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
