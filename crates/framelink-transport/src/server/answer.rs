//! The answers of handlers.

use std::error::Error;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use framelink_session::Message;

use crate::error::HandlerError;

/// The answer of a handler to a request: the bytes of the reply, for example a `Vec<u8>`, a [`Message`] or a static
/// text. A handler that does not always reply returns an `Option` of these, and `None` for no reply. A handler that can
/// fail returns a `Result` of any of these. A failure ends the connection, so that the client knows that no reply will
/// come.
///
/// The bytes are copied once, into the queue of the connection.
///
/// ```
/// use framelink_transport::Answer;
///
/// assert_eq!(Some(b"yes".to_vec()).into_reply().unwrap(), Some(b"yes".to_vec()));
/// assert_eq!("yes".into_reply().unwrap(), Some("yes"));
/// let failed: Result<Vec<u8>, _> = Err("the host is gone");
/// assert_eq!(failed.into_reply().unwrap_err().to_string(), "the host is gone");
/// ```
pub trait Answer {
    /// The bytes of a reply.
    type Bytes: AsRef<[u8]> + Send + 'static;

    /// Returns the reply, or `None` if the handler gives none.
    ///
    /// # Errors
    /// When the handler failed.
    fn into_reply(self) -> Result<Option<Self::Bytes>, HandlerError>;
}

/// Implements `Answer` for types that are bytes, with their generic parameters.
macro_rules! answer {
    ($(($($generic:tt)*) $bytes:ty),+ $(,)?) => {
        $(impl<$($generic)*> Answer for $bytes {
            type Bytes = Self;

            fn into_reply(self) -> Result<Option<Self>, HandlerError> {
                Ok(Some(self))
            }
        })+
    };
}
answer!(() Message, () Bytes, () BytesMut, () Vec<u8>, () Box<[u8]>, () Arc<[u8]>, () String);
answer!(() &'static [u8], () &'static str, (const N: usize) [u8; N], (const N: usize) &'static [u8; N]);

impl<A: Answer> Answer for Option<A> {
    type Bytes = A::Bytes;

    fn into_reply(self) -> Result<Option<A::Bytes>, HandlerError> {
        self.map_or(Ok(None), A::into_reply)
    }
}

impl<A: Answer, E: Into<Box<dyn Error + Send + Sync>>> Answer for Result<A, E> {
    type Bytes = A::Bytes;

    fn into_reply(self) -> Result<Option<A::Bytes>, HandlerError> {
        self.map_err(|error| error.into().into()).and_then(A::into_reply)
    }
}

/// The result of a handler that [writes its reply](framelink_session::Reply) itself: nothing, or a `Result`. A failure
/// ends the connection, and nothing of the reply is sent.
///
/// ```
/// use framelink_transport::HandlerResult;
///
/// assert!(().into_result().is_ok());
/// let failed: Result<(), _> = Err("the host is gone");
/// assert_eq!(failed.into_result().unwrap_err().to_string(), "the host is gone");
/// ```
pub trait HandlerResult {
    /// Returns whether the handler succeeded.
    ///
    /// # Errors
    /// When the handler failed.
    fn into_result(self) -> Result<(), HandlerError>;
}

impl HandlerResult for () {
    #[inline]
    fn into_result(self) -> Result<(), HandlerError> {
        Ok(())
    }
}

impl<E: Into<Box<dyn Error + Send + Sync>>> HandlerResult for Result<(), E> {
    #[inline]
    fn into_result(self) -> Result<(), HandlerError> {
        self.map_err(|error| error.into().into())
    }
}
