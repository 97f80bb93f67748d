//! A daemon of another project, with its configuration in a folder of its own. It never outlives its test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::DEADLINE;
use crate::program::Program;

/// Runs a program until it ends. A line on stdin asks the program to end (SIGTERM), the end of stdin kills it. A background
/// process of `sh` has no stdin of its own.
const UNTIL_STDIN_ENDS: &str = r#"
exec 3<&0
"$@" >>log 2>&1 3<&- & program=$!
(while read -r _; do kill $program; done <&3; kill -KILL $program) 2>/dev/null & watcher=$!
wait $program 2>/dev/null
kill $watcher 2>/dev/null
"#;

pub(crate) struct Daemon {
    command: Vec<PathBuf>,
    folder: PathBuf,
    running: Option<Program>,
}

impl Daemon {
    /// Writes these files into a folder with this name, and starts the daemon there. Its output goes to the file `log`.
    pub(crate) fn start(name: &str, program: &Path, arguments: &[&str], files: &[(&str, String)]) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        for (name, content) in files {
            let file = folder.join(name);
            fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
            fs::write(file, content).expect("a file");
        }
        let command = [program].into_iter().chain(arguments.iter().map(Path::new)).map(PathBuf::from).collect();
        let mut daemon = Self { command, folder, running: None };
        daemon.start_again();
        daemon
    }

    pub(crate) fn start_again(&mut self) {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", UNTIL_STDIN_ENDS, "sh"]).args(&self.command).current_dir(&self.folder);
        self.running = Some(Program::start(&mut shell));
    }

    /// Kills the daemon without notice.
    pub(crate) fn kill(&mut self) {
        self.running.take().expect("a running daemon").rest();
    }

    /// Asks the daemon to end, and calls `meanwhile` until it has ended.
    pub(crate) fn stop(&mut self, mut meanwhile: impl FnMut()) {
        let mut program = self.running.take().expect("a running daemon");
        program.tell("end");
        let began = Instant::now();
        while !program.has_exited() {
            assert!(began.elapsed() < DEADLINE, "the daemon does not end; its log:\n{}", self.log());
            meanwhile();
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Waits for this condition. The daemon must not end meanwhile.
    pub(crate) fn wait_for(&mut self, what: &str, mut condition: impl FnMut() -> bool) {
        let began = Instant::now();
        while !condition() {
            let is_running = self.running.as_mut().is_some_and(|program| !program.has_exited());
            assert!(is_running && began.elapsed() < DEADLINE, "waiting for {what}; the log:\n{}", self.log());
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Returns the last lines of the log.
    fn log(&self) -> String {
        let log = fs::read(self.folder.join("log")).unwrap_or_default();
        String::from_utf8_lossy(&log[log.len().saturating_sub(4096)..]).into_owned()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("{}", self.log());
        }
        self.running = None;
        let _ = fs::remove_dir_all(&self.folder);
    }
}
