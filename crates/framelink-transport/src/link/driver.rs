//! What a link needs from its driver, in addition to the trait `Driver`.

use std::time::{Duration, Instant};

use crate::error::{CallError, Cause, Error};
use framelink_session::Incoming;
use framelink_session::Message;

/// Sends requests on one connection. The methods are those of the public type `Caller`.
pub(crate) trait LinkCaller: Send + Sync + 'static {
    fn call(&self, request: &[u8], within: Duration) -> impl Future<Output = Result<Message, CallError>> + Send;
    fn send_with_outcome(&self, message: &[u8], within: Duration)
    -> impl Future<Output = Result<(), CallError>> + Send;
    /// Returns why no more calls are possible, if so.
    fn ended(&self) -> Option<Cause>;
    fn in_flight(&self) -> usize;
    fn abort(&self);
}

/// Receives on one connection.
pub(crate) trait LinkReceiver: Send + 'static {
    fn recv(&mut self) -> impl Future<Output = Result<Option<Incoming>, Error>> + Send;
}

/// A lock that is held while a connection is dialled. Tasks or threads that wait get it one after the other.
pub(crate) trait DialLock: Send + Sync + 'static {
    /// Waits for the lock, until `until` at most; `None` if it was not free by then. Dropping the guard frees the lock.
    fn take(&self, until: Option<Instant>) -> impl Future<Output = Option<Box<dyn Send + '_>>> + Send;
}

/// Implements the traits for `Caller` and `Receiver`. `$future` turns a plain result into a future, where needed.
macro_rules! role_caller {
    ($($future:path)?) => {
        impl $crate::link::LinkCaller for Caller {
            #[inline]
            fn call(
                &self,
                request: &[u8],
                within: std::time::Duration,
            ) -> impl Future<Output = Result<$crate::Message, $crate::error::CallError>> + Send {
                $($future)?(self.call(request, within))
            }

            #[inline]
            fn send_with_outcome(
                &self,
                message: &[u8],
                within: std::time::Duration,
            ) -> impl Future<Output = Result<(), $crate::error::CallError>> + Send {
                $($future)?(self.send_with_outcome(message, within))
            }

            fn ended(&self) -> Option<$crate::error::Cause> {
                self.ended()
            }

            fn in_flight(&self) -> usize {
                self.in_flight()
            }

            fn abort(&self) {
                self.abort();
            }
        }

        impl $crate::link::LinkReceiver for Receiver {
            #[inline]
            fn recv(&mut self) -> impl Future<Output = Result<Option<$crate::Incoming>, $crate::error::Error>> + Send {
                $($future)?(self.recv())
            }
        }
    };
}

pub(crate) use role_caller;
