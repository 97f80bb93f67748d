//! How a command fails, and the exit code that says so.

use std::fmt::Display;
use std::io;
use std::process::ExitCode;

/// Why a command ended early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line asks for what cannot be: exit code 2.
    Usage(String),
    /// The data or the peer was at fault: exit code 1.
    Fault(String),
    /// The same, and it was said already where it belongs: exit code 1.
    Reported,
    /// Whoever read our output has had enough: no failure, exit code 0.
    OutputClosed,
}

impl Failure {
    pub(crate) fn usage(message: impl Display) -> Self {
        Self::Usage(message.to_string())
    }

    pub(crate) fn fault(message: impl Display) -> Self {
        Self::Fault(message.to_string())
    }

    /// What a failed write to stdout means.
    pub(crate) fn output(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::OutputClosed,
            _ => Self::Fault(format!("writing to stdout: {error}")),
        }
    }

    /// What is to be said of it.
    pub(crate) fn message(&self) -> Option<&str> {
        match self {
            Self::Usage(message) | Self::Fault(message) => Some(message),
            Self::Reported | Self::OutputClosed => None,
        }
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::from(2),
            Self::Fault(_) | Self::Reported => ExitCode::from(1),
            Self::OutputClosed => ExitCode::SUCCESS,
        }
    }
}
