//! A process of another project's program, which never outlives its test.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use crate::DEADLINE;
use crate::starting::starting;

/// A process that reads commands from stdin, one a line, answers them with lines, and exits when its stdin ends.
pub(crate) struct Program {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Receiver<String>,
}

impl Program {
    pub(crate) fn start(command: &mut Command) -> Self {
        let _starting = starting();
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("starting an installed program");
        let (stdin, stdout) = (child.stdin.take(), lines(child.stdout.take().expect("a pipe")));
        Self { child, stdin, stdout }
    }

    pub(crate) fn tell(&mut self, command: &str) {
        let stdin = self.stdin.as_mut().expect("a pipe");
        writeln!(stdin, "{command}").and_then(|()| stdin.flush()).expect("a program that listens");
    }

    /// Returns the next line of its stdout.
    pub(crate) fn line(&mut self) -> String {
        self.stdout.recv_timeout(DEADLINE).unwrap_or_else(|error| panic!("no line from the program: {error}"))
    }

    /// Gives each next line to `take`, until `is_so` is true of what it takes them into.
    pub(crate) fn lines_until<T>(&mut self, seen: &mut T, take: impl Fn(&mut T, &str), is_so: impl Fn(&T) -> bool) {
        let began = Instant::now();
        while !is_so(seen) {
            assert!(began.elapsed() < DEADLINE, "still not so after {DEADLINE:?}");
            take(seen, &self.line());
        }
    }

    /// Returns all lines until the process ends.
    pub(crate) fn rest(&mut self) -> Vec<String> {
        self.stdin = None;
        let mut all = Vec::new();
        loop {
            match self.stdout.recv_timeout(DEADLINE) {
                Ok(line) => all.push(line),
                Err(mpsc::RecvTimeoutError::Disconnected) => return all,
                Err(mpsc::RecvTimeoutError::Timeout) => panic!("neither a line nor an end; the lines before: {all:?}"),
            }
        }
    }

    /// Kills the process without notice, and returns the lines that it wrote before and that were not taken.
    pub(crate) fn kill(&mut self) -> Vec<String> {
        self.child.kill().and_then(|()| self.child.wait()).expect("a process that can be killed");
        self.rest()
    }

    /// Tells the process to listen, and returns the address.
    pub(crate) fn listen(&mut self, command: &str) -> SocketAddr {
        self.tell(command);
        let port = self.line().parse().expect("a port");
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    pub(crate) fn has_exited(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    fn exits_within(&mut self, limit: Duration) -> bool {
        let began = Instant::now();
        while !self.has_exited() {
            if began.elapsed() > limit {
                return false;
            }
            thread::sleep(Duration::from_millis(5));
        }
        true
    }
}

/// The process exits by itself when its stdin ends. It is given a little time, because it may have children to end.
impl Drop for Program {
    fn drop(&mut self) {
        self.stdin = None;
        if self.exits_within(Duration::from_secs(2)) {
            return;
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns the path of one of our small programs that drive the peers.
pub(crate) fn script(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/peers/programs").join(name)
}

/// Receives lines from a thread that reads them, so that every wait has a deadline.
fn lines(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, coming) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines() {
            let Ok(line) = line else { return };
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    coming
}
