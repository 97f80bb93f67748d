//! The errors of what is exchanged before the first message.

use std::any::{Any, TypeId};
use std::fmt;
use std::io;
use std::net::SocketAddr;

use super::{CallError, Cause, ConnectError, Error, Operation};
use crate::session::{DialogueError, Sent};
use crate::{DecodeError, EncodeError};

impl ConnectError {
    /// Classifies a failure of what is exchanged before the first message.
    pub(crate) fn of_opening<D, E>(address: SocketAddr, error: Error<D, E>) -> Self
    where
        D: fmt::Display + 'static,
        E: fmt::Display + 'static,
    {
        let cause = match error.into_cause() {
            Cause::Dialogue(DialogueError::Unexpected(unexpected)) => {
                return Self::NotWanted { address, unexpected, is_final: false };
            }
            #[cfg(feature = "tls")]
            Cause::Tls(error) => return Self::Tls { address, error },
            cause => cause,
        };
        let text = match &cause {
            // Only a codec of the application, which no profile has, has other errors.
            _ if TypeId::of::<(D, E)>() == TypeId::of::<(DecodeError, EncodeError)>() => String::new(),
            cause => cause.to_string(),
        };
        let error = CallError::<D, E>::new(Sent::Perhaps, Error::new(Operation::Call, Some(address), cause));
        match (Box::new(error) as Box<dyn Any>).downcast() {
            Ok(error) => Self::SignOn { address, error },
            Err(_) => Self::Dial { address, error: io::Error::other(text) },
        }
    }
}
