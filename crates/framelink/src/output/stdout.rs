//! Checks standard output before a command receives messages that it will print.

use crate::failure::Failure;

/// Fails if stdout is closed.
///
/// Before `main`, Rust replaces a closed stdout with `/dev/null` opened for reading and writing, to which every write
/// succeeds. A `/dev/null` that the caller opened for reading and writing, such as `DEVNULL` of Python, cannot be
/// distinguished from that, and the error says so. If stdin or stderr is the same open file, as in a daemon, the check
/// passes, although Rust too shares one file if two streams are closed. `> /dev/null` opens the file for writing only.
pub(crate) fn check_is_open() -> Result<(), Failure> {
    match is_stand_in() {
        false => Ok(()),
        true => Err(Failure::fault(
            "standard output is closed, or is /dev/null opened for reading and writing, which looks the same; to discard what is printed, \
             open /dev/null for writing only, as `> /dev/null` does",
        )),
    }
}

/// Fails if stdout is a pipe that no program reads.
pub(crate) fn check_is_read() -> Result<(), Failure> {
    match has_no_reader() {
        false => Ok(()),
        true => Err(Failure::fault("standard output is a pipe that no program reads any more (broken pipe)")),
    }
}

#[cfg(unix)]
fn is_stand_in() -> bool {
    use rustix::fs::{FileType, OFlags, fcntl_getfl, fstat, stat};
    use rustix::stdio::stdout;

    let Ok(flags) = fcntl_getfl(stdout()) else { return true };
    let (Ok(ours), Ok(null)) = (fstat(stdout()), stat("/dev/null")) else { return false };
    let is_null = FileType::from_raw_mode(ours.st_mode) == FileType::CharacterDevice && ours.st_rdev == null.st_rdev;
    is_null && flags & OFlags::RWMODE == OFlags::RDWR && !is_shared(flags) && !stderr_is_discarded(null.st_rdev)
}

/// Returns whether stderr is a `/dev/null` of its own, opened for reading and writing, as Node.js opens stdout and
/// stderr. Rust opens one file for both.
#[cfg(unix)]
fn stderr_is_discarded(null: rustix::fs::Dev) -> bool {
    use rustix::fs::{OFlags, fcntl_getfl, fstat};
    use rustix::stdio::stderr;

    fstat(stderr()).is_ok_and(|stat| stat.st_rdev == null)
        && fcntl_getfl(stderr()).is_ok_and(|flags| flags & OFlags::RWMODE == OFlags::RDWR)
}

/// Returns whether stdin or stderr shares the open file of stdout, and so its flags. `/dev/null` ignores this flag.
#[cfg(unix)]
fn is_shared(flags: rustix::fs::OFlags) -> bool {
    use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
    use rustix::stdio::{stderr, stdin, stdout};

    let marked = flags ^ OFlags::APPEND;
    if fcntl_setfl(stdout(), marked).is_err() {
        return false;
    }
    let shows = |other| fcntl_getfl(other).is_ok_and(|flags| flags & OFlags::APPEND == marked & OFlags::APPEND);
    let is_null = |other| rustix::fs::fstat(other).ok().map(|stat| stat.st_rdev);
    let is_shared = [stdin(), stderr()].into_iter().any(|other| is_null(other) == is_null(stdout()) && shows(other));
    let _ = fcntl_setfl(stdout(), flags);
    is_shared
}

#[cfg(unix)]
fn has_no_reader() -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    let stdout = rustix::stdio::stdout();
    let mut fds = [PollFd::new(&stdout, PollFlags::empty())];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut fds, Some(&now)).is_ok() && fds[0].revents().contains(PollFlags::ERR)
}

#[cfg(not(unix))]
const fn is_stand_in() -> bool {
    false
}

#[cfg(not(unix))]
const fn has_no_reader() -> bool {
    false
}
