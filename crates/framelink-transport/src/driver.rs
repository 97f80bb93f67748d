//! Interim, until the real one is merged.
#[cfg(any(feature = "blocking", feature = "nonblocking"))]
use std::future::Future;
#[cfg(any(feature = "blocking", feature = "nonblocking"))]
use std::io;
#[cfg(any(feature = "blocking", feature = "nonblocking"))]
use std::pin::pin;
#[cfg(any(feature = "blocking", feature = "nonblocking"))]
use std::task::{Context, Poll, Waker};

#[cfg(any(feature = "blocking", feature = "nonblocking"))]
use crate::error::{Cause, Error, Operation};

#[cfg(any(feature = "blocking", feature = "nonblocking"))]
pub(crate) fn at_once<T: Suspended>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => T::suspended(),
    }
}

/// A result that can say that a future was suspended which never should be.
#[cfg(any(feature = "blocking", feature = "nonblocking"))]
pub(crate) trait Suspended {
    fn suspended() -> Self;
}

#[cfg(any(feature = "blocking", feature = "nonblocking"))]
impl<T, D, E> Suspended for Result<T, Error<D, E>> {
    fn suspended() -> Self {
        let fault = "a fault of framelink: an operation of this driver was suspended, which waits by itself";
        Err(Error::new(Operation::Receive, None, Cause::Io(io::Error::other(fault))))
    }
}

#[cfg(feature = "tokio")]
macro_rules! awaited {
    ($future:expr) => {
        $future.await
    };
}
#[cfg(any(feature = "blocking", feature = "nonblocking"))]
macro_rules! ready {
    ($future:expr) => {
        $crate::driver::at_once($future)
    };
}
#[cfg(any(feature = "blocking", feature = "nonblocking"))]
macro_rules! plain {
    ($output:expr) => {
        $output
    };
}
#[cfg(feature = "tokio")]
pub(crate) use awaited;
#[cfg(any(feature = "blocking", feature = "nonblocking"))]
pub(crate) use {plain, ready};
