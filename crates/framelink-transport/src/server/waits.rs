//! How a public method turns the future of a role into what it returns.

/// For a method that is `async`.
#[cfg(feature = "tokio")]
macro_rules! awaited {
    ($future:expr) => {
        $future.await
    };
}

/// For a method of a driver that waits by itself: a future is ready at its first poll, because everything that it awaits has waited.
#[cfg(any(feature = "blocking", all(feature = "nonblocking", unix)))]
macro_rules! ready {
    ($future:expr) => {
        $crate::server::at_once($future)
    };
}

/// For what has waited already when it returns.
#[cfg(feature = "blocking")]
macro_rules! plain {
    ($output:expr) => {
        $output
    };
}

#[cfg(feature = "tokio")]
pub(crate) use awaited;
#[cfg(feature = "blocking")]
pub(crate) use plain;
#[cfg(any(feature = "blocking", all(feature = "nonblocking", unix)))]
pub(crate) use {ready, suspended::Suspended, suspended::at_once};

#[cfg(any(feature = "blocking", all(feature = "nonblocking", unix)))]
mod suspended {
    use std::io;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use crate::error::{Cause, Error, Operation};

    /// Polls a future once. If it is not ready, that is a fault of framelink, and the output says so.
    pub(crate) fn at_once<T: Suspended>(future: impl Future<Output = T>) -> T {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(output) => output,
            Poll::Pending => T::suspended(),
        }
    }

    /// An output that can say that a future was suspended which never should be.
    pub(crate) trait Suspended {
        fn suspended() -> Self;
    }

    impl<T, D, E> Suspended for Result<T, Error<D, E>> {
        fn suspended() -> Self {
            let fault = "a fault of framelink: an operation of this driver was suspended, which waits by itself";
            Err(Error::new(Operation::Serve, None, Cause::Io(io::Error::other(fault))))
        }
    }
}

#[cfg(test)]
#[cfg(any(feature = "blocking", all(feature = "nonblocking", unix)))]
mod tests {
    use std::future::pending;

    use crate::error::Error;
    use crate::server::at_once;
    use crate::server::ending::ServedOutcome;

    #[test]
    fn serving_that_is_suspended_where_it_never_should_be_is_an_error() {
        let error = at_once(pending::<ServedOutcome<Error>>()).into_answered().unwrap_err();
        assert!(error.to_string().contains("a fault of framelink"), "{error}");
        #[cfg(feature = "blocking")]
        assert!(!at_once(pending::<crate::server::DrainReport>()).is_clean());
    }
}
