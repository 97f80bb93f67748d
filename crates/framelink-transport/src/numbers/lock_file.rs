//! A file that one program at a time holds open.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

/// The lock on a file of numbers: a second file beside it, because the file of numbers is replaced when it is written.
/// Dropping this releases the lock. The system does so too when the program ends in any way.
#[derive(Debug)]
pub(super) struct LockFile {
    _held: File,
}

impl LockFile {
    /// Fails with `WouldBlock` if another program holds the lock.
    pub(super) fn take(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).read(true).write(true);
        exclusively(&mut options, path).map(|held| Self { _held: held })
    }
}

#[cfg(unix)]
fn exclusively(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    use rustix::fs::{FlockOperation, flock};
    let file = options.open(path)?;
    flock(&file, FlockOperation::NonBlockingLockExclusive)?;
    Ok(file)
}

/// The system refuses a second open of the file.
#[cfg(windows)]
fn exclusively(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    use std::os::windows::fs::OpenOptionsExt as _;
    const SHARING_VIOLATION: i32 = 32;
    options.share_mode(0).open(path).map_err(|error| match error.raw_os_error() {
        Some(SHARING_VIOLATION) => io::ErrorKind::WouldBlock.into(),
        _ => error,
    })
}

#[cfg(not(any(unix, windows)))]
fn exclusively(_: &mut OpenOptions, _: &Path) -> io::Result<File> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "this system has no locks on files"))
}
