//! Runs the program as a process that never outlives its test.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Instant;

use super::DEADLINE;

/// Returns a command that runs the program with these arguments and captures its output.
pub(crate) fn framelink<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_framelink"));
    command.args(arguments).env_remove("RUST_LOG");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The result of a process.
#[derive(Debug)]
pub(crate) struct Finished {
    /// The exit code; `None` if a signal ended the process.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A running process. It is killed when this value is dropped.
pub(crate) struct Running {
    child: Child,
    stdout: Lines,
    stderr: Lines,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.spawn().expect("starting framelink");
        let stdout = Lines::of(child.stdout.take());
        let stderr = Lines::of(child.stderr.take());
        Self { child, stdout, stderr }
    }

    /// Runs a command to its end with these bytes on stdin.
    pub(crate) fn feed(command: &mut Command, stdin: &[u8]) -> Finished {
        let mut running = Self::start(command.stdin(Stdio::piped()));
        let mut pipe = running.stdin();
        let stdin = stdin.to_vec();
        // The process may close the pipe early.
        thread::spawn(move || pipe.write_all(&stdin));
        running.finish()
    }

    /// Runs a command to its end.
    pub(crate) fn run(command: &mut Command) -> Finished {
        Self::start(command).finish()
    }

    /// Starts a command that listens, and reads its address.
    pub(crate) fn listen(command: &mut Command) -> (Self, SocketAddr) {
        let mut running = Self::start(command);
        let line = running.stdout_line();
        let address = line.strip_prefix("listening on ").and_then(|address| address.parse().ok());
        (running, address.unwrap_or_else(|| panic!("`listening on IP:PORT`, not `{line}`")))
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn stdin(&mut self) -> ChildStdin {
        self.child.stdin.take().expect("a piped stdin")
    }

    /// Returns the next line on stdout.
    pub(crate) fn stdout_line(&mut self) -> String {
        self.stdout.next().expect("a line on stdout")
    }

    /// Returns the next line on stderr that contains this text.
    pub(crate) fn log_line(&mut self, text: &str) -> String {
        loop {
            match self.stderr.next() {
                Some(line) if line.contains(text) => return line,
                Some(_) => {}
                None => panic!("no line with `{text}` on stderr, only:\n{}", self.stderr.seen),
            }
        }
    }

    /// Sends a signal by its name: `TERM`, `INT`.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.pid().to_string()]).status();
        assert!(sent.expect("running kill").success(), "sending {name}");
    }

    /// Waits for the end of the process.
    pub(crate) fn finish(mut self) -> Finished {
        // Both pipes end when the process ends.
        while self.stdout.next().is_some() {}
        while self.stderr.next().is_some() {}
        let status = self.child.wait().expect("waiting for framelink");
        let take = |lines: &mut Lines| std::mem::take(&mut lines.seen);
        Finished { code: status.code(), stdout: take(&mut self.stdout), stderr: take(&mut self.stderr) }
    }

    /// Returns the KiB in a line of `/proc/PID/status`: the memory that the process holds, or its peak.
    #[cfg(target_os = "linux")]
    pub(crate) fn memory_kib(&self, line: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("a process that lives");
        let value = status.lines().find_map(|text| text.strip_prefix(line)).expect("the line");
        value.trim_start_matches(':').trim().trim_end_matches(" kB").parse().expect("a number of kB")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The lines of a pipe. A thread of their own reads them, so that every wait for a line has a deadline.
struct Lines {
    coming: Receiver<String>,
    seen: String,
}

impl Lines {
    fn of(pipe: Option<impl Read + Send + 'static>) -> Self {
        let (sender, coming) = mpsc::channel();
        if let Some(pipe) = pipe {
            thread::spawn(move || {
                let mut pipe = BufReader::new(pipe);
                loop {
                    let mut line = Vec::new();
                    match pipe.read_until(b'\n', &mut line) {
                        Ok(1..) => {}
                        _ => return,
                    }
                    if sender.send(String::from_utf8(line).expect("output that is UTF-8")).is_err() {
                        return;
                    }
                }
            });
        }
        Self { coming, seen: String::new() }
    }

    /// Returns the next line without its newline, or `None` after the last one.
    fn next(&mut self) -> Option<String> {
        let before = Instant::now();
        let line = match self.coming.recv_timeout(DEADLINE) {
            Ok(line) => line,
            Err(mpsc::RecvTimeoutError::Disconnected) => return None,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                panic!("neither a line nor an end within {:?}; before that:\n{}", before.elapsed(), self.seen)
            }
        };
        self.seen += &line;
        Some(line.trim_end_matches('\n').to_owned())
    }
}
