//! Starts all threads of this crate, so that a lack of threads is an error and never a panic.

#[cfg(test)]
#[cfg(feature = "blocking")]
mod tests;

use std::io;
use std::thread::{Builder, JoinHandle, Scope, ScopedJoinHandle};

pub(crate) fn spawn<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    #[cfg(test)]
    refusal::check()?;
    Builder::new().name(name.to_owned()).spawn(work).map_err(|error| refused(&error))
}

/// Starts a thread that ends within its scope.
pub(crate) fn spawn_scoped<'s, T: Send + 's>(
    scope: &'s Scope<'s, '_>,
    work: impl FnOnce() -> T + Send + 's,
) -> io::Result<ScopedJoinHandle<'s, T>> {
    #[cfg(test)]
    refusal::check()?;
    Builder::new().spawn_scoped(scope, work).map_err(|error| refused(&error))
}

/// Starts a thread that takes this value. If there is no thread left, returns the value.
pub(crate) fn hand_over<T: Send + 'static>(
    name: &str,
    value: T,
    work: impl FnOnce(T) + Send + 'static,
) -> Result<(), (io::Error, T)> {
    let (hand, handed) = std::sync::mpsc::channel();
    let begun = spawn(name, move || {
        if let Ok(value) = handed.recv() {
            work(value);
        }
    });
    match begun {
        // The thread waits for the value.
        Ok(_) => drop(hand.send(value)),
        Err(error) => return Err((error, value)),
    }
    Ok(())
}

/// Replaces the system's `WouldBlock`, which has another meaning for sockets.
fn refused(error: &io::Error) -> io::Error {
    io::Error::other(format!("the system has no thread left ({error})"))
}

#[cfg(test)]
pub(crate) use refusal::{refuse, refuse_after};

/// Simulates a system without threads, for the tests of this thread.
#[cfg(test)]
mod refusal {
    use std::cell::Cell;
    use std::io;

    thread_local! {
        /// How many threads this thread may start.
        static LEFT: Cell<usize> = const { Cell::new(usize::MAX) };
    }

    /// Until this is dropped, this thread starts no other.
    pub(crate) struct Refusal(());

    pub(crate) fn refuse() -> Refusal {
        refuse_after(0)
    }

    /// Refuses threads after this many were started.
    pub(crate) fn refuse_after(begun: usize) -> Refusal {
        LEFT.set(begun);
        Refusal(())
    }

    pub(super) fn check() -> io::Result<()> {
        match LEFT.get() {
            0 => Err(super::refused(&io::Error::from(io::ErrorKind::WouldBlock))),
            usize::MAX => Ok(()),
            left => {
                LEFT.set(left - 1);
                Ok(())
            }
        }
    }

    impl Drop for Refusal {
        fn drop(&mut self) {
            LEFT.set(usize::MAX);
        }
    }
}
