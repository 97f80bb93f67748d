//! The client: `framelink load`.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Serialize;
use serde_json::Value;

use crate::arguments::Column;
use crate::process::{Process, on_core};
use crate::servers::Server;

/// What one run of the client has measured.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Measured {
    /// CPU time of the server, in microseconds for each message.
    pub(crate) cpu_us: f64,
    /// Messages a second.
    pub(crate) rate: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    /// How much of a processor the server had, and the client.
    pub(crate) server_cores: f64,
    pub(crate) client_cores: f64,
}

/// The client program, and the processor that it runs on.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) program: PathBuf,
    pub(crate) core: usize,
}

impl Client {
    /// Sends a load for some seconds, or all its messages. Returns the report, as JSON.
    pub(crate) fn run(
        &self,
        process: &Process,
        server: &Server,
        column: &Column,
        secs: f64,
        more: &[&OsStr],
    ) -> Result<String, String> {
        let mut command = on_core(self.core, &self.program);
        command.args([
            "load",
            &process.address,
            "--framing",
            server.framing,
            "--expect",
            "echo",
            "--threads",
            "1",
            "--json",
        ]);
        command.args(["--connections", &column.connections.to_string(), "--depth", &column.depth.to_string()]);
        command.args(["--size", &column.size.to_string(), "--pid", &process.pid().to_string(), "--name", server.title]);
        match column.count {
            Some(count) => command.args(["--count", &count.to_string()]),
            None => command.args(["--duration", &format!("{:.0}ms", secs * 1000.0)]),
        };
        output(command.args(more))
    }

    /// Returns what the table needs of a report.
    pub(crate) fn measured(report: &str) -> Result<Measured, String> {
        let report: Value = serde_json::from_str(report).map_err(|error| format!("the client's report: {error}"))?;
        let number = |pointer: &str| {
            report
                .pointer(pointer)
                .and_then(Value::as_f64)
                .ok_or_else(|| format!("the client's report has no {pointer}"))
        };
        Ok(Measured {
            cpu_us: number("/cpu/server_us_per_message")?,
            rate: number("/rate")?,
            p50_us: number("/latency_us/p50")?,
            p99_us: number("/latency_us/p99")?,
            server_cores: number("/cpu/server_cores")?,
            client_cores: number("/cpu/load_cores")?,
        })
    }
}

/// Returns the framelink of the tree, after building it.
pub(crate) fn build(root: &Path) -> Result<PathBuf, String> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    output(
        Command::new("cargo")
            .args(["build", "-q", "--release", "-p", "framelink", "--manifest-path"])
            .arg(root.join("Cargo.toml"))
            .arg("--target-dir")
            .arg(&target),
    )?;
    Ok(target.join("release/framelink"))
}

/// Runs a command to its end, and returns what it printed.
pub(crate) fn output(command: &mut Command) -> Result<String, String> {
    let shown = format!("{command:?}");
    let output = command.output().map_err(|error| format!("{shown}: {error}"))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned()),
        false => Err(format!("{shown}: {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim())),
    }
}
