//! The file that keeps the numbers of a profile over restarts.
//!
//! ```text
//! stan.numbers        the last number that is reserved; replaced as a whole, so that it is never half written
//! stan.numbers.lock   locked while a program uses the numbers
//!
//!   program starts   reserves 1..10, writes "reserved 10", then uses them
//!   meanwhile        reserves 11..110 in a thread, so that no call waits for the disk; later blocks have 1000 numbers
//!   program ends     writes "reserved N", where N is the last number that was used
//!   program crashes  the rest of the reserved numbers is left out
//! ```
//!
//! Roles of one program that name the same file share it, and each of them has blocks of its own.

use std::error::Error;
use std::fmt::{self, Write as _};
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::thread;

use super::lock_file::LockFile;
use crate::session::{NumberRange, Reserve};

/// A file of numbers, as one role names it. It is opened once it is needed.
pub(super) struct NumberFile {
    name: PathBuf,
    range: NumberRange,
    open: OnceLock<Arc<OpenFile>>,
    ahead: Mutex<Ahead>,
}

/// The next block of a role.
struct Ahead {
    /// `None` until a thread has reserved it.
    block: Option<NumberRange>,
    /// How many numbers the block after it has.
    len: u64,
    /// Whether the role needs no more numbers.
    is_over: bool,
}

/// Reserves blocks of a file for a source of numbers.
pub(super) struct Blocks(pub(super) Arc<NumberFile>);

/// An open and locked file, shared by all roles of the program.
struct OpenFile {
    path: PathBuf,
    range: NumberRange,
    /// The last number that is reserved in the file; `None` before the first.
    reserved: Mutex<Option<u64>>,
    /// `None` once it is released.
    lock: Option<LockFile>,
}

/// All open files of the program, and those that are being closed.
static OPEN: Mutex<Vec<(PathBuf, Weak<OpenFile>)>> = Mutex::new(Vec::new());
/// Notified when a file was closed.
static CLOSED: Condvar = Condvar::new();

/// The first line of a file.
const HEADING: &str = "framelink numbers 1";
/// The word before the number in the second line.
const RESERVED: &str = "reserved ";
/// The most bytes of a file. A longer file is another file.
const MOST_BYTES: u64 = 128;
/// The most numbers of a block.
const BLOCK: u64 = 1000;
/// The most numbers of the first block. Later blocks have ten times as many as the block before.
const FIRST_BLOCK: u64 = 10;

impl NumberFile {
    pub(super) const fn new(name: PathBuf, range: NumberRange) -> Self {
        let ahead = Ahead { block: None, len: FIRST_BLOCK, is_over: false };
        Self { name, range, open: OnceLock::new(), ahead: Mutex::new(ahead) }
    }

    /// Opens and locks the file, and reserves the first block.
    pub(super) fn prepare(self: &Arc<Self>) -> io::Result<()> {
        self.open()?;
        self.reserve_ahead();
        Ok(())
    }

    /// Returns how many numbers are reserved at a time at most: 1000, or a hundredth of a small range, because each crash of
    /// the program leaves out up to two blocks.
    pub(super) fn block_len(range: NumberRange) -> u64 {
        (range.count() / 100).clamp(1, BLOCK)
    }

    /// Returns the file's name for a message.
    pub(super) fn shown(&self) -> String {
        self.name.to_string_lossy().escape_debug().to_string()
    }

    fn open(&self) -> io::Result<&OpenFile> {
        if let Some(open) = self.open.get() {
            return Ok(open);
        }
        let opened = OpenFile::of(&self.name, self.range)?;
        Ok(self.open.get_or_init(|| opened))
    }

    /// Takes the block that is ready, or reserves one.
    fn reserve(self: &Arc<Self>) -> io::Result<NumberRange> {
        let open = self.open()?;
        let mut ahead = lock(&self.ahead);
        let ready = ahead.block.take();
        let block = ready.map_or_else(|| ahead.reserve(open), Ok)?;
        drop(ahead);
        self.reserve_ahead();
        Ok(block)
    }

    /// Gives back the block that is ready, and then the unused numbers of the block before it.
    fn end(&self, unused: Option<NumberRange>) {
        let mut ahead = lock(&self.ahead);
        ahead.is_over = true;
        let blocks = [ahead.block.take(), unused];
        if let Some(open) = self.open.get() {
            blocks.into_iter().flatten().for_each(|block| open.give_back(block));
        }
    }

    /// Reserves the next block in a thread. If that fails, the next call of [`reserve`](Self::reserve) reports why.
    fn reserve_ahead(self: &Arc<Self>) {
        let file = Arc::clone(self);
        let _ = thread::Builder::new().name("framelink-numbers".to_owned()).spawn(move || {
            // Held while the file is written, so that `reserve` waits for the block instead of reserving another.
            let mut ahead = lock(&file.ahead);
            if let (None, false, Ok(open)) = (ahead.block, ahead.is_over, file.open()) {
                ahead.block = ahead.reserve(open).ok();
            }
        });
    }
}

impl Ahead {
    fn reserve(&mut self, open: &OpenFile) -> io::Result<NumberRange> {
        let len = self.len.min(NumberFile::block_len(open.range));
        let block = open.reserve(len)?;
        self.len = len * 10;
        Ok(block)
    }
}

impl Reserve for Blocks {
    fn reserve(&self, _after: Option<u64>, _count: u64) -> Result<RangeInclusive<u64>, Box<dyn Error>> {
        let block = self.0.reserve().map_err(|error| format!("{}: {error}", self.0.shown()))?;
        Ok(block.into())
    }

    fn give_back(&self, unused: Option<RangeInclusive<u64>>) {
        self.0.end(unused.and_then(|unused| NumberRange::new(*unused.start(), *unused.end())));
    }
}

impl OpenFile {
    /// Returns the file, opened and locked by this program.
    fn of(name: &Path, range: NumberRange) -> io::Result<Arc<Self>> {
        let path = full_path(name)?;
        let mut all = lock(&OPEN);
        loop {
            match all.iter().find(|(open, _)| *open == path).map(|(_, open)| open.upgrade()) {
                Some(Some(open)) if open.range == range => return Ok(open),
                Some(Some(open)) => {
                    // Dropping the last reference to an open file takes the lock.
                    drop(all);
                    let message = format!("this program uses it for the numbers {}, not for {range}", open.range);
                    return Err(io::Error::new(ErrorKind::InvalidInput, message));
                }
                // Its last role is dropping it.
                Some(None) => all = CLOSED.wait(all).unwrap_or_else(PoisonError::into_inner),
                None => break,
            }
        }
        let lock_path = beside(&path, ".lock");
        let lock = LockFile::take(&lock_path).map_err(|error| not_locked(&lock_path, &error))?;
        let reserved = Mutex::new(read(&path)?);
        let open = Arc::new(Self { path: path.clone(), range, reserved, lock: Some(lock) });
        all.push((path, Arc::downgrade(&open)));
        Ok(open)
    }

    /// Reserves up to `count` numbers. They are used only after the file says so.
    fn reserve(&self, count: u64) -> io::Result<NumberRange> {
        let mut reserved = lock(&self.reserved);
        let first = reserved.map_or(self.range.first(), |reserved| self.range.after(reserved));
        let last = first.saturating_add(count.max(1) - 1).min(self.range.last());
        write(&self.path, last)?;
        *reserved = Some(last);
        NumberRange::new(first, last).ok_or_else(|| ErrorKind::InvalidInput.into())
    }

    /// Takes back numbers that were never used, if they are the last that were reserved. If the file cannot be written, or
    /// another role has reserved numbers since, these numbers are left out.
    fn give_back(&self, unused: NumberRange) {
        let mut reserved = lock(&self.reserved);
        if *reserved != Some(unused.last()) {
            return;
        }
        // The first number of the range comes after the last.
        let used = if unused.first() == self.range.first() { self.range.last() } else { unused.first() - 1 };
        if write(&self.path, used).is_ok() {
            *reserved = Some(used);
        }
    }
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        let mut all = lock(&OPEN);
        self.lock = None;
        all.retain(|(path, _)| *path != self.path);
        drop(all);
        CLOSED.notify_all();
    }
}

/// No panic leaves a value half changed.
fn lock<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns one path for all names of a file, which may not exist yet.
fn full_path(name: &Path) -> io::Result<PathBuf> {
    match name.canonicalize() {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        canonical => return canonical,
    }
    let file = name.file_name().ok_or(ErrorKind::InvalidInput)?;
    let folder = name.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    Ok(folder.canonicalize()?.join(file))
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn not_locked(path: &Path, error: &io::Error) -> io::Error {
    let shown = path.display();
    let message = match error.kind() {
        ErrorKind::WouldBlock => format!("another program uses it, and holds the lock on {shown}"),
        _ => format!("{shown}: {error}"),
    };
    io::Error::new(error.kind(), message)
}

/// Returns the last number that is reserved. Refuses a file of another kind, which must not be overwritten.
fn read(path: &Path) -> io::Result<Option<u64>> {
    let mut text = String::new();
    match File::open(path) {
        Ok(file) => {
            file.take(MOST_BYTES + 1).read_to_string(&mut text).map(drop).or_else(|error| match error.kind() {
                ErrorKind::InvalidData => Ok(()),
                _ => Err(error),
            })?
        }
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    }
    let number = text.strip_prefix(HEADING).and_then(|rest| rest.strip_prefix('\n')?.strip_prefix(RESERVED));
    let number = number.and_then(|rest| rest.strip_suffix('\n')?.parse().ok());
    number.map(Some).ok_or_else(|| {
        let message = format!(
            "it is no file of numbers, which has the lines `{HEADING}` and `{RESERVED}N`; delete it to begin from the first \
             number, or name another file"
        );
        io::Error::new(ErrorKind::InvalidData, message)
    })
}

/// Replaces the file. After a crash of program or system it has either the old content or the new one.
fn write(path: &Path, reserved: u64) -> io::Result<()> {
    let mut text = String::new();
    let _ = write!(text, "{HEADING}\n{RESERVED}{reserved}\n"); // a String takes it
    let new = beside(path, ".new");
    let mut file = File::create(&new)?;
    if let Ok(before) = fs::metadata(path) {
        file.set_permissions(before.permissions())?;
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    drop(file);
    fs::rename(&new, path)?;
    sync_folder(path)
}

/// The rename itself has to reach the disk.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

#[cfg(not(unix))]
const fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Shows the name.
impl fmt::Debug for NumberFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NumberFile").field("name", &self.name).finish_non_exhaustive()
    }
}
