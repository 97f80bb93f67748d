//! Writes the log to stderr, on a thread of its own: a pipe that no program reads must not stop the program.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, TrySendError, channel, sync_channel};
use std::thread::Builder;
use std::time::{Duration, Instant};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::failure::Failure;
use crate::output::bytes_text::Shown;
use crate::server::strangers;

/// How many lines wait for a reader of stderr. Further lines are dropped and counted.
const LINES: usize = 4096;
/// How long the end of the program waits until the log is written.
const PATIENCE: Duration = Duration::from_secs(1);

/// Sends lines to the thread that writes to stderr.
#[derive(Clone)]
pub(crate) struct Log {
    /// `None` if the system has no thread left: then each line is written at once.
    lines: Option<SyncSender<Entry>>,
    dropped: Arc<AtomicU64>,
}

enum Entry {
    Line(Vec<u8>),
    /// Answered when all entries before it are written.
    Mark(Sender<()>),
}

impl Log {
    /// Starts the log on stderr, so that stdout holds only results. `RUST_LOG` chooses what is logged.
    pub(crate) fn start() -> Self {
        let (lines, entries) = sync_channel(LINES);
        let dropped = Arc::default();
        let counted = Arc::clone(&dropped);
        let writer = Builder::new().name("framelink-log".to_owned()).spawn(move || write_all(&entries, &counted));
        let log = Self { lines: writer.is_ok().then_some(lines), dropped };
        let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(log.clone())
            .with_ansi(io::stderr().is_terminal())
            .with_target(false)
            // Such an error goes to stderr, and panics in the thread that logs if stderr is closed.
            .log_internal_errors(false)
            .init();
        log
    }

    /// Writes why the program failed, if it did, and returns the exit code.
    pub(crate) fn end(self, result: Result<(), Failure>) -> ExitCode {
        strangers::tell_all();
        if let Some(message) = result.as_ref().err().and_then(Failure::message) {
            self.put_at_last(Entry::Line(format!("framelink: {}\n", Shown(message)).into_bytes()));
        }
        let (mark, written) = channel();
        self.put_at_last(Entry::Mark(mark));
        // If the log did not accept the mark, this wait times out.
        let _ = written.recv_timeout(PATIENCE);
        result.err().map_or(ExitCode::SUCCESS, |failure| failure.exit_code())
    }

    /// Queues an entry, and waits up to `PATIENCE` if the queue is full: it says why the program ended.
    fn put_at_last(&self, mut entry: Entry) {
        let Some(lines) = &self.lines else { return entry.write() };
        let began = Instant::now();
        while let Err(TrySendError::Full(refused)) = lines.try_send(entry) {
            if began.elapsed() > PATIENCE {
                return;
            }
            entry = refused;
            std::thread::sleep(PATIENCE / 100);
        }
    }

    fn put(&self, line: Vec<u8>) {
        let Some(lines) = &self.lines else { return Entry::Line(line).write() };
        if lines.try_send(Entry::Line(line)).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Writes entries until the program ends. Errors are ignored: if stderr is closed, no program reads the log.
fn write_all(entries: &Receiver<Entry>, dropped: &AtomicU64) {
    while let Ok(entry) = entries.recv() {
        let is_line = matches!(entry, Entry::Line(_));
        entry.write();
        let count = if is_line { dropped.swap(0, Ordering::Relaxed) } else { 0 };
        if count > 0 {
            let _ =
                writeln!(io::stderr(), "framelink: {count} lines of the log were dropped, because stderr was not read");
        }
    }
}

impl Entry {
    fn write(self) {
        match self {
            Self::Line(line) => drop(io::stderr().write_all(&line)),
            Self::Mark(mark) => drop(mark.send(())),
        }
    }
}

impl Write for Log {
    /// Receives one whole event in each call.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.put(line.to_vec());
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Log {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}
