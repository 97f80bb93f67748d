//! The meaning of errors of the system's `accept`, for the listeners of all drivers.

use std::io;

/// Returns whether the error concerns only the connection to accept, so that the next one is accepted at once.
///
/// Linux reports network errors of the new connection here, as well as an abort. The caller pauses after all other
/// errors: a system that lacks file descriptors or memory still lacks them right afterwards, and a system that forbids
/// accepting (`EPERM`) may keep the connection in its queue, so that an immediate retry would spin.
pub(crate) fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
            | io::ErrorKind::NetworkDown
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::HostUnreachable
    )
}

/// Fails if a test of this thread says so.
#[cfg_attr(not(test), expect(clippy::unnecessary_wraps, reason = "it fails in tests"))]
#[inline]
pub(crate) fn check() -> io::Result<()> {
    #[cfg(test)]
    scripted::check()?;
    Ok(())
}

/// Simulates a failing `accept`, for the tests of this thread.
#[cfg(test)]
mod scripted {
    use std::cell::RefCell;
    use std::collections::VecDeque;
    use std::io;

    thread_local! {
        static ERRORS: RefCell<VecDeque<i32>> = const { RefCell::new(VecDeque::new()) };
    }

    /// Makes the next calls of `accept` in this thread fail with these error numbers.
    #[cfg_attr(not(all(unix, feature = "blocking", feature = "nonblocking", feature = "tokio")), allow(dead_code))]
    pub(super) fn fail(errors: impl IntoIterator<Item = i32>) {
        ERRORS.with_borrow_mut(|all| all.extend(errors));
    }

    pub(super) fn check() -> io::Result<()> {
        match ERRORS.with_borrow_mut(VecDeque::pop_front) {
            Some(number) => Err(io::Error::from_raw_os_error(number)),
            None => Ok(()),
        }
    }
}

#[cfg(all(test, unix, feature = "blocking", feature = "nonblocking", feature = "tokio"))]
mod tests;
