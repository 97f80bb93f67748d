//! How a command fails, and its exit code.

use std::fmt::Display;
use std::io;
use std::process::ExitCode;

/// Why a command ended early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The arguments are wrong: exit code 2.
    Usage(String),
    /// The data or the peer was at fault: exit code 1.
    Fault(String),
    /// As `Fault`, but the error is already printed: exit code 1.
    Reported,
    /// The program that read our output has closed the pipe. This is no failure: exit code 0.
    OutputClosed,
}

impl Failure {
    pub(crate) fn usage(message: impl Display) -> Self {
        Self::Usage(message.to_string())
    }

    pub(crate) fn fault(message: impl Display) -> Self {
        Self::Fault(message.to_string())
    }

    /// Returns the failure for a failed write to stdout.
    pub(crate) fn output(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::OutputClosed,
            _ => Self::Fault(format!("writing to stdout: {error}")),
        }
    }

    /// Returns the message to print, if there is one.
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
