//! A server of PostgreSQL in a folder of its own.

use std::env;
use std::fs::{self, DirBuilder};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use framelink_testkit::ReservedPort;

use super::psql::Psql;
use crate::common::Running;
use crate::installed;

/// The user that the server runs as if the test runs as root, which the server refuses: `nobody`.
const NOBODY: u32 = 65534;

/// The folder and the address of a server. The folder is removed when this value is dropped.
pub(super) struct Server {
    folder: PathBuf,
    programs: PathBuf,
    port: ReservedPort,
    /// The process, while the server runs.
    running: Option<Running>,
}

impl Server {
    /// Makes a database and starts its server. `None` if PostgreSQL is not installed.
    pub(super) fn start() -> Option<Self> {
        let programs = installed::find("PostgreSQL's server", programs())?;
        installed::find("PostgreSQL's psql", installed::program("psql"))?;
        let folder = new_folder();
        let mut server = Self { folder, programs, port: ReservedPort::new().expect("a free port"), running: None };
        let data = server.folder.join("data");
        let made = Running::run(
            server
                .command("initdb")
                .args(["--auth=trust", "--username=joe", "--encoding=UTF8", "--locale=C", "--no-sync", "-D"])
                .arg(data),
        );
        assert_eq!(made.code, Some(0), "{made:?}");
        server.start_again();
        Some(server)
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// Returns a psql that is connected without a bridge.
    pub(super) fn psql(&self) -> Psql {
        Psql::new(self.address())
    }

    /// Starts the server, and waits until it accepts connections.
    pub(super) fn start_again(&mut self) {
        let port = self.address().port().to_string();
        let mut command = self.command("postgres");
        command.args(["-h", "127.0.0.1", "-p", &port, "-c", "fsync=off", "-k"]).arg(&self.folder);
        let mut running = Running::start(command.arg("-D").arg(self.folder.join("data")));
        running.log_line("database system is ready to accept connections");
        self.running = Some(running);
    }

    /// Stops the server as a crash does: each session ends at once, and the next start recovers the database.
    pub(super) fn crash(&mut self) {
        let running = self.running.take().expect("a running server");
        running.signal("QUIT");
        running.finish();
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.current_dir(&self.folder).env("LC_ALL", "C");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.running.is_some() {
            self.crash();
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Returns the folder of the server's programs: Debian has one for each version.
fn programs() -> Result<PathBuf, String> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let versions = versions.map(|version| version.path().join("bin")).filter(|folder| folder.join("initdb").is_file());
    let number = |folder: &PathBuf| {
        folder.parent().and_then(Path::file_name).and_then(|name| name.to_str()?.parse::<u32>().ok())
    };
    versions.max_by_key(number).map_or_else(
        || installed::program("initdb").map(|file| file.parent().map(Path::to_owned).unwrap_or_default()),
        Ok,
    )
}

fn new_folder() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let folder = env::temp_dir().join(format!("framelink-postgres-{}-{number}", std::process::id()));
    DirBuilder::new().mode(0o700).create(&folder).expect("a folder of its own");
    if is_root() {
        chown(&folder, Some(NOBODY), Some(NOBODY)).expect("giving the folder away");
    }
    folder
}

/// Returns whether this process belongs to root.
fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}
