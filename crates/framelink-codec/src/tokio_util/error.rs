//! The errors of a codec in a `tokio_util::codec::Framed`.

use core::fmt;
use std::error::Error;
use std::io;

use crate::{Fault, ReadError, WriteError};

/// The error of a `tokio_util::codec::Framed` with a [`Codec`](crate::Codec): one type for both directions, so that the
/// messages of one `Framed` can be forwarded to another. `D` and `E` are the errors of the framing's
/// [`Decode`](crate::Decode) and [`Encode`](crate::Encode).
///
/// ```
/// use bytes::BytesMut;
/// use framelink_codec::{Codec, CodecError, example::OneByte};
/// use tokio_util::codec::{Decoder, Encoder};
///
/// let mut codec = Codec::new(OneByte);
/// // 0x05 | 'h' 'e'        then the peer closes
/// let error = codec.decode_eof(&mut BytesMut::from(&b"\x05he"[..])).unwrap_err();
/// assert!(matches!(error, CodecError::Fault(_)), "the peer's fault");
/// let error = codec.encode([0; 256], &mut BytesMut::new()).unwrap_err();
/// assert!(matches!(error, CodecError::Encode(_)), "our fault");
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum CodecError<D, E> {
    /// The stream failed.
    Io(io::Error),
    /// The bytes are no frame, or the stream ended inside one.
    Fault(Fault<D>),
    /// The payload cannot be sent with this framing.
    Encode(E),
    /// The close ends the message before this one.
    Ended,
}

impl<D, E> From<io::Error> for CodecError<D, E> {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl<D, E> From<Fault<D>> for CodecError<D, E> {
    fn from(fault: Fault<D>) -> Self {
        Self::Fault(fault)
    }
}

/// An error of the stream is returned unchanged. Other errors are converted like those of [`ReadError`] and
/// [`WriteError`].
impl<D, E> From<CodecError<D, E>> for io::Error
where
    D: fmt::Debug + fmt::Display + Send + Sync + 'static,
    E: fmt::Debug + fmt::Display + Send + Sync + 'static,
{
    fn from(error: CodecError<D, E>) -> Self {
        match error {
            CodecError::Io(error) => error,
            CodecError::Fault(fault) => ReadError::Fault(fault).into(),
            CodecError::Encode(error) => WriteError::Encode(error).into(),
            CodecError::Ended => WriteError::<E>::Ended.into(),
        }
    }
}

impl<D: fmt::Display, E: fmt::Display> fmt::Display for CodecError<D, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(_) => f.write_str("the stream of messages failed"),
            Self::Fault(fault) => fault.fmt(f),
            Self::Encode(error) => error.fmt(f),
            Self::Ended => WriteError::<E>::Ended.fmt(f),
        }
    }
}

impl<D: fmt::Debug + fmt::Display, E: fmt::Debug + fmt::Display> Error for CodecError<D, E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}
