//! Futures of roles on drivers that wait by themselves.

use std::io;
use std::pin::pin;
#[cfg(any(feature = "blocking", feature = "tokio"))]
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

#[cfg(any(feature = "blocking", feature = "tokio"))]
use crate::error::PoolError;
use crate::error::{CallError, Cause, ConnectError, Error, Operation};
use crate::session::Sent;

/// Returns the output of a role's future on a driver that waits by itself.
///
/// Such a future is ready at its first poll. Otherwise framelink has a bug, and the returned error says so.
pub(crate) fn at_once<T: Suspended>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => T::suspended(),
    }
}

/// A result type that can report a future that was suspended by mistake.
pub(crate) trait Suspended {
    fn suspended() -> Self;
}

fn fault() -> io::Error {
    io::Error::other("a fault of framelink: an operation of this driver was suspended, which waits by itself")
}

impl Suspended for () {
    fn suspended() -> Self {}
}

impl<T> Suspended for Option<T> {
    fn suspended() -> Self {
        None
    }
}

impl<T, D, E> Suspended for Result<T, Error<D, E>> {
    fn suspended() -> Self {
        Err(Error::new(Operation::Receive, None, Cause::Io(fault())))
    }
}

impl<T> Suspended for io::Result<T> {
    fn suspended() -> Self {
        Err(fault())
    }
}

impl<T> Suspended for Result<T, ConnectError> {
    fn suspended() -> Self {
        Err(ConnectError::Resolve(fault()))
    }
}

#[cfg(any(feature = "blocking", feature = "tokio"))]
impl<T> Suspended for Result<T, PoolError> {
    fn suspended() -> Self {
        let last_failure = Some(Arc::new(ConnectError::Resolve(fault())));
        Err(PoolError { is_closed: false, last_failure, ..PoolError::closed() })
    }
}

/// Reports `Perhaps`, because it is unknown how far the call was.
impl<T, D, E> Suspended for Result<T, CallError<D, E>> {
    fn suspended() -> Self {
        Err(CallError::new(Sent::Perhaps, Error::new(Operation::Call, None, Cause::Io(fault()))))
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[test]
    fn a_future_that_is_ready_yields_its_output() {
        assert_eq!(at_once(ready(Some(7))), Some(7));
    }

    #[test]
    fn a_suspended_future_is_an_error_with_its_outcome() {
        let error = at_once(pending::<Result<(), CallError>>()).unwrap_err();
        assert_eq!(error.sent(), Sent::Perhaps);
        assert!(error.to_string().contains("a fault of framelink"), "{error}");
        let error = at_once(pending::<Result<(), Error>>()).unwrap_err();
        assert!(error.to_string().contains("a fault of framelink"), "{error}");
        let error = at_once(pending::<Result<(), ConnectError>>()).unwrap_err();
        assert!(error.to_string().contains("a fault of framelink"), "{error}");
        #[cfg(feature = "blocking")]
        {
            let error = at_once(pending::<Result<(), PoolError>>()).unwrap_err();
            assert!(!error.is_closed());
            assert!(error.to_string().contains("a fault of framelink"), "{error}");
        }
        assert_eq!(at_once(pending::<Option<()>>()), None);
    }
}
