//! What it means that the system's `accept` fails. One rule for the listeners of all drivers.

use std::io;

/// Whether the error is about the connection that was to be accepted, and not about us: the listener takes the next one at once.
///
/// Linux reports errors of the new connection's network here, beside an abort. Everything else is told by the listener and is worth a
/// pause: a system that lacks something, such as file descriptors or memory, still does so at once afterwards; and one that forbids
/// accepting (`EPERM`) may keep the connection in its queue, where trying again at once would spin.
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

/// Fails as a test of this thread says. Otherwise it does nothing.
#[cfg_attr(not(test), expect(clippy::unnecessary_wraps, reason = "it fails in tests"))]
#[inline]
pub(crate) fn check() -> io::Result<()> {
    #[cfg(test)]
    scripted::check()?;
    Ok(())
}

/// A system whose `accept` fails, for the tests of this thread.
#[cfg(test)]
mod scripted {
    use std::cell::RefCell;
    use std::collections::VecDeque;
    use std::io;

    thread_local! {
        static ERRORS: RefCell<VecDeque<i32>> = const { RefCell::new(VecDeque::new()) };
    }

    /// The next calls of `accept` in this thread fail with these numbers.
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
