//! The program psql, with its default settings.

use std::env;
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use crate::common::{Finished, Running};

/// A psql for one server or bridge.
#[derive(Clone, Copy)]
pub(super) struct Psql {
    address: SocketAddr,
}

impl Psql {
    pub(super) const fn new(address: SocketAddr) -> Self {
        Self { address }
    }

    /// Returns a command without the settings of this machine's user.
    pub(super) fn command(self) -> Command {
        let mut command = Command::new("psql");
        for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PG")) {
            command.env_remove(name);
        }
        let (host, port) = (self.address.ip().to_string(), self.address.port().to_string());
        command.args(["-X", "-h", &host, "-p", &port, "-U", "joe", "postgres"]).env("LC_ALL", "C");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs these statements to their end.
    pub(super) fn run(self, statements: &str) -> Finished {
        Running::feed(&mut self.command(), statements.as_bytes())
    }

    /// Runs statements that succeed, and returns their output without headers.
    pub(super) fn rows(self, statements: &str) -> String {
        let done = Running::feed(self.command().args(["-At", "-v", "ON_ERROR_STOP=1"]), statements.as_bytes());
        assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""), "{statements}");
        done.stdout
    }
}
