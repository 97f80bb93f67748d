//! What is said on stderr. A pipe there that nobody reads must stop nothing, so it is written by a thread of its own.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

use crate::failure::Failure;

/// So many lines wait for a reader of stderr; what comes then is dropped and counted.
const LINES: usize = 4096;

/// The way to stderr. What waits is written when this is dropped, unless nobody reads it for a second.
pub(crate) struct Log {
    stderr: NonBlocking,
    _guard: WorkerGuard,
}

impl Log {
    /// Logs go to stderr, so that stdout holds only what was asked for. `RUST_LOG` chooses what is logged.
    pub(crate) fn start() -> Self {
        let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
        let (stderr, guard) =
            NonBlockingBuilder::default().buffered_lines_limit(LINES).lossy(true).finish(io::stderr());
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(stderr.clone())
            .with_ansi(io::stderr().is_terminal())
            .with_target(false)
            // It would be said on stderr, with a panic where that is closed, and whatever logged would end with it.
            .log_internal_errors(false)
            .init();
        Self { stderr, _guard: guard }
    }

    /// Says why the program failed, and gives the exit code.
    pub(crate) fn report(mut self, failure: &Failure) -> ExitCode {
        if let Some(message) = failure.message() {
            let dropped = self.stderr.error_counter().dropped_lines();
            if dropped > 0 {
                let _ = writeln!(self.stderr, "framelink: {dropped} lines of the log were dropped, nobody had read it");
            }
            let _ = self.stderr.write_all(format!("framelink: {message}\n").as_bytes());
        }
        failure.exit_code()
    }
}
