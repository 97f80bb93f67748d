//! Writes messages to a `std::io::Write`.

use core::fmt;
use std::error::Error;
use std::io::{self, IoSlice, Write};

use crate::{Encode, Envelope};

/// Writes messages to a `std::io::Write`, each with one vectored write if the writer takes the whole frame.
///
/// ```
/// use framelink_codec::{FrameWriter, example::OneByte};
///
/// let mut writer = FrameWriter::new(Vec::new(), OneByte);
/// writer.write(b"hello")?;
/// writer.write(b"")?;
/// assert_eq!(writer.into_inner(), b"\x05hello\x00");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct FrameWriter<W, F> {
    writer: W,
    framing: F,
    state: WriterState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WriterState {
    Open,
    /// A message that the close ends was written.
    Ended,
    /// A frame was written in part, and no other may follow.
    Broken,
}

impl<W: Write, F: Encode> FrameWriter<W, F> {
    /// Creates a writer at the start of a stream.
    pub const fn new(writer: W, framing: F) -> Self {
        Self { writer, framing, state: WriterState::Open }
    }

    /// Writes one whole message. Does not flush.
    ///
    /// # Errors
    /// [`WriteError::Encode`], before a byte is written, if the payload cannot be sent. [`WriteError::Io`] if the
    /// writer fails: a part may be written, and every later call is [`WriteError::Broken`], because no frame may follow
    /// half a frame. [`WriteError::Ended`] after a message that the close ends (`until-close`).
    pub fn write(&mut self, payload: &[u8]) -> Result<(), WriteError<F::Error>> {
        match self.state {
            WriterState::Open => {}
            WriterState::Ended => return Err(WriteError::Ended),
            WriterState::Broken => return Err(WriteError::Broken),
        }
        let envelope = self.framing.envelope(payload).map_err(WriteError::Encode)?;
        self.state = WriterState::Broken;
        write_gathered(&mut self.writer, &envelope, payload).map_err(WriteError::Io)?;
        self.state = if envelope.ends_stream { WriterState::Ended } else { WriterState::Open };
        Ok(())
    }

    /// Flushes the writer.
    ///
    /// # Errors
    /// If the writer fails.
    pub fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }

    /// Returns the writer.
    pub fn into_inner(self) -> W {
        self.writer
    }

    /// Returns a reference to the writer.
    pub const fn get_ref(&self) -> &W {
        &self.writer
    }
}

/// Does not print the writer, which may hold payloads with card numbers.
impl<W, F: fmt::Debug> fmt::Debug for FrameWriter<W, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameWriter")
            .field("framing", &self.framing)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// Writes one message.
///
/// ```
/// use framelink_codec::{example::OneByte, write_message};
///
/// let mut wire = Vec::new();
/// write_message(&mut wire, &OneByte, b"hello")?;
/// assert_eq!(wire, b"\x05hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// As for [`FrameWriter::write`].
pub fn write_message<W: Write, F: Encode>(
    writer: &mut W,
    framing: &F,
    payload: &[u8],
) -> Result<(), WriteError<F::Error>> {
    let envelope = framing.envelope(payload).map_err(WriteError::Encode)?;
    write_gathered(writer, &envelope, payload).map_err(WriteError::Io)
}

/// Writes head, payload and suffix together, because some peers expect a frame in a single read.
fn write_gathered(writer: &mut impl Write, envelope: &Envelope, payload: &[u8]) -> io::Result<()> {
    let mut slices =
        [IoSlice::new(envelope.head.as_ref()), IoSlice::new(payload), IoSlice::new(envelope.suffix.as_ref())];
    let mut left = envelope.frame_len(payload.len());
    let mut slices = &mut slices[..];
    while left > 0 {
        match writer.write_vectored(slices) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => {
                left = left.saturating_sub(count);
                IoSlice::advance_slices(&mut slices, count);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Why a message was not written, or was written in part.
///
/// ```
/// use framelink_codec::{FrameWriter, WriteError, example::OneByte};
///
/// let mut writer = FrameWriter::new(Vec::new(), OneByte);
/// assert!(matches!(writer.write(&[0; 256]), Err(WriteError::Encode(_))));
/// assert!(writer.get_ref().is_empty(), "nothing was written");
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum WriteError<E> {
    /// The payload cannot be sent with this framing. Nothing was written.
    Encode(E),
    /// The writer failed. A part of the frame may be written.
    Io(io::Error),
    /// The close ends the message before this one. Nothing was written.
    Ended,
    /// An earlier frame was written in part. Nothing was written.
    Broken,
}

impl<E> From<io::Error> for WriteError<E> {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// An error of the writer is returned unchanged. A payload that cannot be sent becomes
/// [`InvalidInput`](io::ErrorKind::InvalidInput), and a message after the last one, or after half a frame, becomes
/// [`BrokenPipe`](io::ErrorKind::BrokenPipe). They contain the [`WriteError`].
///
/// ```
/// use std::io;
/// use framelink_codec::{example::OneByte, write_message};
///
/// fn greet(stream: &mut impl io::Write, name: &[u8]) -> io::Result<()> {
///     write_message(stream, &OneByte, name)?;
///     stream.flush()
/// }
///
/// assert_eq!(greet(&mut Vec::new(), &[0; 256]).unwrap_err().kind(), io::ErrorKind::InvalidInput);
/// ```
impl<E: fmt::Debug + fmt::Display + Send + Sync + 'static> From<WriteError<E>> for io::Error {
    fn from(error: WriteError<E>) -> Self {
        let kind = match error {
            WriteError::Io(error) => return error,
            WriteError::Encode(_) => io::ErrorKind::InvalidInput,
            WriteError::Ended | WriteError::Broken => io::ErrorKind::BrokenPipe,
        };
        Self::new(kind, error)
    }
}

impl<E: fmt::Display> fmt::Display for WriteError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encode(error) => error.fmt(f),
            Self::Io(_) => f.write_str("writing a message failed"),
            Self::Ended => f.write_str("the message before this one ended with the stream"),
            Self::Broken => f.write_str("an earlier message was written in part, no other may follow it"),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> Error for WriteError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}
