//! A program that others wrote, as a process that never outlives its test.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use crate::DEADLINE;

/// A process that takes commands, one a line, answers them by lines, and exits when its stdin ends.
pub(crate) struct Program {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Receiver<String>,
}

impl Program {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("starting a program that is there");
        let (stdin, stdout) = (child.stdin.take(), lines(child.stdout.take().expect("a pipe")));
        Self { child, stdin, stdout }
    }

    pub(crate) fn tell(&mut self, command: &str) {
        let stdin = self.stdin.as_mut().expect("a pipe");
        writeln!(stdin, "{command}").and_then(|()| stdin.flush()).expect("a program that listens");
    }

    /// The next line of its stdout.
    pub(crate) fn line(&mut self) -> String {
        self.stdout.recv_timeout(DEADLINE).unwrap_or_else(|error| panic!("no line of the program came: {error}"))
    }

    /// All the lines until it ends.
    pub(crate) fn rest(&mut self) -> Vec<String> {
        self.stdin = None;
        let mut all = Vec::new();
        loop {
            match self.stdout.recv_timeout(DEADLINE) {
                Ok(line) => all.push(line),
                Err(mpsc::RecvTimeoutError::Disconnected) => return all,
                Err(mpsc::RecvTimeoutError::Timeout) => panic!("neither a line nor an end came; before that: {all:?}"),
            }
        }
    }

    /// Tells it to listen; the address where it does.
    pub(crate) fn listen(&mut self, command: &str) -> SocketAddr {
        self.tell(command);
        let port = self.line().parse().expect("a port");
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    pub(crate) fn has_exited(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }
}

/// It exits by itself when its stdin ends, and is given a little time for that: it may have children to end.
impl Drop for Program {
    fn drop(&mut self) {
        self.stdin = None;
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(2) {
            if self.has_exited() {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One of our little programs that drive what others wrote.
pub(crate) fn script(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/peers/programs").join(name)
}

/// Lines as they come, read on a thread of their own so that nobody waits for them without a deadline.
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
