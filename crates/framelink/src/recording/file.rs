//! The file of a recording.

use std::fs::{File, OpenOptions, remove_file};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use framelink_transport::Profile;
use framelink_transport::session::{Inputs, Numbers, Place};

use super::Recording;
use crate::failure::Failure;
use crate::output::Count;
use crate::output::bytes_text::Line;

/// A recording that is written to a new file at the end. Only the owner of the file can read it. A file without a
/// recording is removed.
pub(crate) struct RecordingFile {
    path: PathBuf,
    file: File,
    is_written: AtomicBool,
    recording: Mutex<Recording>,
}

impl RecordingFile {
    /// Creates the file. A file that exists is not overwritten, because others may be able to read it.
    pub(crate) fn create(path: &Path) -> Result<Self, Failure> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).map_err(|error| Failure::usage(format!("--record {}: {error}", shown(path))))?;
        Ok(Self { path: path.to_owned(), file, is_written: AtomicBool::new(false), recording: Mutex::default() })
    }

    /// Adds an exchange whose reply has arrived now.
    pub(crate) fn add(&self, request: &[u8], reply: &[u8], numbers: &Numbers) {
        let now = Inputs::system(numbers);
        self.recording().add(request, reply, &now);
    }

    /// Writes the file, if there is an exchange.
    pub(crate) fn finish(&self, clients: &Profile, keys: &[Place], peer: &str) -> Result<(), Failure> {
        let path = shown(&self.path);
        let Some(recorded) = self.recording().as_profile(clients, keys, peer)? else {
            tracing::warn!("nothing was recorded, so {path} is not written");
            return Ok(());
        };
        let written = (&self.file).write_all(recorded.toml.as_bytes()).and_then(|()| self.file.sync_all());
        written.map_err(|error| Failure::fault(format!("writing {path}: {error}")))?;
        self.is_written.store(true, Ordering::Relaxed);
        let (exchanges, rules) = (Count(recorded.exchanges as u64, "exchange"), Count(recorded.rules as u64, "rule"));
        tracing::info!("recorded {exchanges} as {rules} in {path}");
        Ok(())
    }

    fn recording(&self) -> MutexGuard<'_, Recording> {
        self.recording.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for RecordingFile {
    fn drop(&mut self) {
        if !self.is_written.load(Ordering::Relaxed) {
            let _ = remove_file(&self.path);
        }
    }
}

fn shown(path: &Path) -> String {
    Line(path.as_os_str().as_encoded_bytes()).to_string()
}
