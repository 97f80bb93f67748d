//! Threads: all of them begin here, so that a system that has no thread left is an error, and never a panic.

#[cfg(test)]
#[cfg(feature = "blocking")]
mod tests;

use std::io;
use std::thread::{Builder, JoinHandle};
#[cfg(feature = "blocking")]
use std::thread::{Scope, ScopedJoinHandle};

/// Begins a thread.
pub(crate) fn spawn<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    #[cfg(test)]
    refusal::check()?;
    Builder::new().name(name.to_owned()).spawn(work).map_err(|error| refused(&error))
}

/// Begins a thread that ends within its scope.
#[cfg(feature = "blocking")]
pub(crate) fn spawn_scoped<'s, T: Send + 's>(
    scope: &'s Scope<'s, '_>,
    work: impl FnOnce() -> T + Send + 's,
) -> io::Result<ScopedJoinHandle<'s, T>> {
    #[cfg(test)]
    refusal::check()?;
    Builder::new().spawn_scoped(scope, work).map_err(|error| refused(&error))
}

/// Begins a thread that has this value. Where there is no thread the value comes back.
#[cfg(feature = "blocking")]
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
        // The thread waits for it.
        Ok(_) => drop(hand.send(value)),
        Err(error) => return Err((error, value)),
    }
    Ok(())
}

/// The system says `WouldBlock`, which means something else where sockets are concerned.
fn refused(error: &io::Error) -> io::Error {
    io::Error::other(format!("the system has no thread left ({error})"))
}

#[cfg(test)]
#[allow(unused_imports, reason = "not all drivers have tests of both")]
pub(crate) use refusal::{refuse, refuse_after};

/// A system without threads, for the tests of this thread.
#[cfg(test)]
mod refusal {
    use std::cell::Cell;
    use std::io;

    thread_local! {
        /// So many threads this one may begin.
        static LEFT: Cell<usize> = const { Cell::new(usize::MAX) };
    }

    /// Until this is dropped, this thread begins no other.
    pub(crate) struct Refusal(());

    pub(crate) fn refuse() -> Refusal {
        refuse_after(0)
    }

    /// The same, after so many.
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
