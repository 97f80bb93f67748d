//! The file of a recording.

#[cfg(unix)]
use std::fs::Metadata;
use std::fs::{File, OpenOptions, remove_file, symlink_metadata};
use std::io::{Error, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use framelink_transport::profile::ProfileBuilder;
use framelink_transport::session::{Inputs, Numbers, Place};

use super::Recording;
use super::work::Work;
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
    work: Work,
}

impl RecordingFile {
    /// Creates the file. A file that exists is not overwritten, because others may be able to read it.
    pub(crate) fn create(path: &Path) -> Result<Self, Failure> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).map_err(|error| refused(path, &error))?;
        Ok(Self {
            path: path.to_owned(),
            file,
            is_written: AtomicBool::new(false),
            recording: Mutex::default(),
            work: Work::default(),
        })
    }

    /// Adds an exchange whose reply has arrived now.
    pub(crate) fn add(&self, request: &[u8], reply: &[u8], numbers: &Numbers) {
        let now = Inputs::system(numbers);
        self.recording().add(request, reply, &now);
    }

    /// Writes the file, if there is an exchange. `server` has the framing of the messages.
    pub(crate) fn finish(&self, server: ProfileBuilder, keys: &[Place], peer: &str) -> Result<(), Failure> {
        let path = shown(&self.path);
        let Some(recorded) = self.recording().as_profile(server, keys, peer, &self.work)? else {
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

    /// Lets `finish` end soon.
    pub(crate) fn hurry(&self) {
        self.work.stop();
    }

    /// Returns whether the path still names this file, and not another one that was put there meanwhile.
    #[cfg(unix)]
    fn is_at_path(&self) -> bool {
        use std::os::unix::fs::MetadataExt;
        let id = |metadata: std::io::Result<Metadata>| metadata.ok().map(|metadata| (metadata.dev(), metadata.ino()));
        let own = id(self.file.metadata());
        own.is_some() && own == id(symlink_metadata(&self.path))
    }

    #[cfg(not(unix))]
    fn is_at_path(&self) -> bool {
        symlink_metadata(&self.path).is_ok_and(|metadata| metadata.len() == 0)
    }

    fn recording(&self) -> MutexGuard<'_, Recording> {
        self.recording.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for RecordingFile {
    fn drop(&mut self) {
        if !self.is_written.load(Ordering::Relaxed) && self.is_at_path() {
            let _ = remove_file(&self.path);
        }
    }
}

fn refused(path: &Path, error: &Error) -> Failure {
    let is_empty = || symlink_metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.len() == 0);
    let why = match error.kind() {
        ErrorKind::AlreadyExists if is_empty() => {
            "the file exists and is empty, as a recording leaves it that was killed: remove it, or give another name"
        }
        ErrorKind::AlreadyExists => {
            "the file exists, and a recording overwrites no file: remove it, or give another name"
        }
        _ => return Failure::usage(format!("--record {}: {error}", shown(path))),
    };
    Failure::usage(format!("--record {}: {why}", shown(path)))
}

fn shown(path: &Path) -> String {
    Line(path.as_os_str().as_encoded_bytes()).to_string()
}
