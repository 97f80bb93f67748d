//! The answer of a handler.

use std::error::Error;

use crate::error::HandlerError;

/// The answer of a handler to a request: a reply or nothing, as `Option<Vec<u8>>`. A handler that can fail returns
/// `Result<Option<Vec<u8>>, E>`. A failure ends the connection, so that the client knows that no reply will come.
///
/// ```
/// use framelink_transport::Answer;
///
/// assert_eq!(Some(b"yes".to_vec()).into_reply().unwrap(), Some(b"yes".to_vec()));
/// let failed: Result<Option<Vec<u8>>, _> = Err("the host is gone");
/// assert_eq!(failed.into_reply().unwrap_err().to_string(), "the host is gone");
/// ```
pub trait Answer: sealed::Sealed {
    /// Returns the reply, or `None` if the handler gives none.
    ///
    /// # Errors
    /// When the handler failed.
    fn into_reply(self) -> Result<Option<Vec<u8>>, HandlerError>;
}

impl Answer for Option<Vec<u8>> {
    fn into_reply(self) -> Result<Self, HandlerError> {
        Ok(self)
    }
}

impl<E: Into<Box<dyn Error + Send + Sync>>> Answer for Result<Option<Vec<u8>>, E> {
    fn into_reply(self) -> Result<Option<Vec<u8>>, HandlerError> {
        self.map_err(|error| error.into().into())
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for Option<Vec<u8>> {}
    impl<E> Sealed for Result<Option<Vec<u8>>, E> {}
}
