//! Standard output, where a closed pipe is no panic.

pub(crate) mod bytes_text;
pub(crate) mod message_line;
pub(crate) mod stdout;

use std::fmt::{self, Display};
use std::io::{self, BufWriter, StdoutLock, Write};

use crate::failure::Failure;

/// Writes lines to stdout. What is buffered leaves with [`Output::flush`] or when it is dropped.
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

/// Writes one line and sees to it that it is out, for commands that have others wait for it.
pub(crate) fn say(line: impl Display) -> Result<(), Failure> {
    let mut output = Output::new();
    output.line(line)?;
    output.flush()
}

/// So many of something: `1 byte`, `2 bytes`.
pub(crate) struct Count(pub(crate) u64, pub(crate) &'static str);

impl Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{}", self.0, self.1, if self.0 == 1 { "" } else { "s" })
    }
}
