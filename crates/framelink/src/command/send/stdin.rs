//! Reads messages from stdin, one per line.

use std::io::{self, BufRead, IsTerminal, Write};
use std::thread::Builder;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;

use super::to_message;
use crate::failure::Failure;

/// How long the reading thread takes at most to deliver a line.
const DELIVERED: Duration = Duration::from_millis(200);

/// The state of stdin when the peer has ended.
pub(super) enum AtPeerEnd {
    /// The next message, `None` at the end.
    Next(Option<Vec<u8>>),
    /// stdin has neither a line nor an end yet.
    Waiting,
}

/// The lines of stdin as messages.
pub(super) struct Stdin {
    lines: mpsc::Receiver<io::Result<Vec<u8>>>,
    hex: bool,
    number: u64,
    pub(super) is_terminal: bool,
}

impl Stdin {
    pub(super) fn new(hex: bool) -> Result<Self, Failure> {
        let lines =
            lines_of_stdin().map_err(|error| Failure::fault(format!("no thread to read stdin with: {error}")))?;
        Ok(Self { lines, hex, number: 0, is_terminal: io::stdin().is_terminal() })
    }

    /// Prints a prompt if stdin is a terminal.
    pub(super) fn prompt(&self) {
        if self.is_terminal {
            let _ = write!(io::stderr(), "> ");
        }
    }

    /// Returns the line number of the last message, from 1.
    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    /// Returns the state of stdin when the peer has ended.
    pub(super) async fn at_peer_end(&mut self) -> Result<AtPeerEnd, Failure> {
        loop {
            match timeout(DELIVERED, self.next()).await {
                Ok(next) => return next.map(AtPeerEnd::Next),
                // If stdin has ended or holds a line, the reading thread is only slow.
                Err(_) if is_ready() => {}
                Err(_) => return Ok(AtPeerEnd::Waiting),
            }
        }
    }

    /// Returns the next message, or `None` at the end. Dropping the future loses no message.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        let Some(line) = self.lines.recv().await else { return Ok(None) };
        self.number += 1;
        let line = line.map_err(|error| Failure::fault(format!("reading stdin: {error}")))?;
        let message = to_message(line, self.hex);
        message.map(Some).map_err(|error| Failure::usage(format!("line {} of stdin: {error}", self.number)))
    }
}

/// Returns whether stdin has ended or holds unread bytes.
#[cfg(unix)]
fn is_ready() -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    let stdin = rustix::stdio::stdin();
    let mut fds = [PollFd::new(&stdin, PollFlags::IN)];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    matches!(poll(&mut fds, Some(&now)), Ok(1..))
}

#[cfg(not(unix))]
const fn is_ready() -> bool {
    false
}

/// Reads stdin on a thread of its own, because a program cannot wait for a terminal and a socket together.
fn lines_of_stdin() -> io::Result<mpsc::Receiver<io::Result<Vec<u8>>>> {
    let (sender, lines) = mpsc::channel(1);
    Builder::new().name("framelink-stdin".to_owned()).spawn(move || {
        let mut stdin = io::stdin().lock();
        loop {
            let mut line = Vec::new();
            let read = match stdin.read_until(b'\n', &mut line) {
                Ok(0) => return,
                Ok(_) => {
                    let end = line.strip_suffix(b"\n").map_or(line.len(), |l| l.strip_suffix(b"\r").unwrap_or(l).len());
                    line.truncate(end);
                    Ok(line)
                }
                Err(error) => Err(error),
            };
            if sender.blocking_send(read).is_err() {
                return;
            }
        }
    })?;
    Ok(lines)
}
