//! Writes to standard output. A closed pipe is an error, not a panic.

pub(crate) mod bytes_text;
pub(crate) mod message_line;
pub(crate) mod stdout;

use std::fmt::{self, Display};
use std::io::{self, BufWriter, StdoutLock, Write};

use crate::failure::Failure;

/// Writes lines to stdout through a buffer, which [`Output::flush`] and dropping write out.
pub(crate) struct Output {
    stdout: BufWriter<StdoutLock<'static>>,
}

impl Output {
    pub(crate) fn new() -> Self {
        Self { stdout: BufWriter::new(io::stdout().lock()) }
    }

    pub(crate) fn line(&mut self, line: impl Display) -> Result<(), Failure> {
        writeln!(self.stdout, "{line}").map_err(|error| Failure::output(&error))
    }

    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        self.stdout.flush().map_err(|error| Failure::output(&error))
    }
}

/// Writes one line to stdout at once.
pub(crate) fn say(line: impl Display) -> Result<(), Failure> {
    let mut output = Output::new();
    output.line(line)?;
    output.flush()
}

/// Writes the line about the address of a listener. If no program reads stdout, logs the address instead.
pub(crate) fn say_listening(address: &impl Display, line: impl Display) -> Result<(), Failure> {
    match say(line) {
        Err(Failure::OutputClosed) => tracing::warn!("listening on {address}, but no program reads stdout"),
        said => said?,
    }
    Ok(())
}

/// Displays a number with a noun: `1 byte`, `2 bytes`.
pub(crate) struct Count(pub(crate) u64, pub(crate) &'static str);

impl Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{}", self.0, self.1, if self.0 == 1 { "" } else { "s" })
    }
}
