//! Processes of servers: started on their processor, stopped at the end.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a server may take to listen.
const START: Duration = Duration::from_secs(15);

/// A running server. It is stopped when this is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    pub(crate) address: String,
}

impl Process {
    /// Starts a program, and waits until it listens on the address.
    pub(crate) fn start(mut command: Command, address: String) -> Result<Self, String> {
        let program = format!("{:?}", command);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        let mut process = Self { child: child.map_err(|error| format!("{program}: {error}"))?, address };
        let began = Instant::now();
        while TcpStream::connect(&process.address).is_err() {
            if let Ok(Some(status)) = process.child.try_wait() {
                return Err(format!("{program}: {status}"));
            }
            if began.elapsed() > START {
                return Err(format!("{program}: does not listen on {}", process.address));
            }
            sleep(Duration::from_millis(5));
        }
        Ok(process)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Returns the resident memory in bytes.
    pub(crate) fn resident(&self) -> io::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid()))?;
        let kibibytes =
            status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse().ok());
        kibibytes.map(|kibibytes: u64| kibibytes * 1024).ok_or_else(|| io::Error::other("no VmRSS"))
    }

    /// Returns the number of open descriptors.
    pub(crate) fn descriptors(&self) -> io::Result<usize> {
        Ok(fs::read_dir(format!("/proc/{}/fd", self.pid()))?.count())
    }

    /// Returns the CPU time in seconds, to 10 ms.
    pub(crate) fn cpu_secs(&self) -> io::Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid()))?;
        // The fields after the name, which ends with the last parenthesis.
        let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        let ticks: f64 = fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum();
        Ok(ticks / 100.0)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns the command that runs a program on a processor, or on any where taskset is missing.
pub(crate) fn on_core(core: usize, program: impl Into<OsString>) -> Command {
    if !has("taskset") {
        return Command::new(program.into());
    }
    let mut command = Command::new("taskset");
    command.arg("-c").arg(core.to_string()).arg(program.into());
    command
}

/// Returns whether a program is on the path.
pub(crate) fn has(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Returns an address of this machine that is free now.
pub(crate) fn free_address() -> io::Result<String> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}
