//! Reads messages from a `std::io::Read`.

use core::fmt;
use std::error::Error;
use std::io::{self, Read};

use crate::{Codec, Decode, Decoded, End, Ends, Fault, FrameRef, ReadBuffer};

/// Reads messages from a `std::io::Read`, one borrowed frame at a time. It has its own buffer.
///
/// A `quiet` message ends when a read returns `WouldBlock` or `TimedOut` after its first byte: set the read timeout of
/// the socket to the silence. Other errors of the reader are returned and lose no bytes: call again after a timeout.
///
/// ```
/// use framelink_codec::{FrameReader, example::OneByte};
///
/// let mut reader = FrameReader::new(&b"\x05hello\x00\x03and"[..], OneByte);
/// let frame = reader.read()?.unwrap();
/// assert_eq!((frame.payload, frame.offset), (&b"hello"[..], 0));
/// assert_eq!(reader.read()?.unwrap().payload, b"");
/// assert_eq!(reader.read()?.unwrap().payload, b"and");
/// assert!(reader.read()?.is_none(), "the stream ended between two messages");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct FrameReader<R, F: Decode> {
    reader: R,
    codec: Codec<F>,
    buffer: ReadBuffer,
    offset: usize,
    /// The length of the last frame. Its bytes are consumed by the next read.
    lent: usize,
    closed: bool,
}

impl<R: Read, F: Decode> FrameReader<R, F> {
    /// Creates a reader at the start of a stream.
    pub const fn new(reader: R, framing: F) -> Self {
        Self { reader, codec: Codec::new(framing), buffer: ReadBuffer::new(), offset: 0, lent: 0, closed: false }
    }

    /// Reads the next message; `None` if the stream has ended between two messages.
    ///
    /// # Errors
    /// [`ReadError::Fault`], for every later call too, if the bytes are no frame or the stream ends inside a frame;
    /// [`ReadError::Io`] if the reader fails.
    pub fn read(&mut self) -> Result<Option<FrameRef<'_>>, ReadError<F::Error>> {
        self.buffer.take(self.lent);
        self.offset += self.lent;
        self.lent = 0;
        let mut end = if self.closed { Some(End::Closed) } else { None };
        loop {
            // `each-read` is not asked about an empty read.
            if !self.buffer.is_empty()
                && let Decoded::Frame(frame) = self.codec.cut(self.buffer.as_ref(), end)?
            {
                self.lent = frame.frame_len;
                let wire = self.buffer.as_ref().get(..frame.frame_len).unwrap_or_default();
                let payload = frame.payload(wire);
                return Ok(Some(FrameRef { payload, wire, offset: self.offset, ended_by: frame.ended_by }));
            }
            if self.closed {
                return Ok(None);
            }
            end = self.fill()?;
        }
    }

    /// Returns bytes that were read and belong to no message: an incomplete message, or bytes that are no frame.
    pub fn rest(&self) -> &[u8] {
        self.buffer.as_ref().get(self.lent..).unwrap_or_default()
    }

    /// Returns the number of bytes of all messages before [`FrameReader::rest`].
    pub const fn offset(&self) -> usize {
        self.offset + self.lent
    }

    /// Returns the reader. Bytes that were read ahead ([`FrameReader::rest`]) are lost.
    pub fn into_inner(self) -> R {
        self.reader
    }

    /// Returns a reference to the reader.
    pub const fn get_ref(&self) -> &R {
        &self.reader
    }

    /// Returns a mutable reference to the reader, to read bytes after the messages.
    pub const fn get_mut(&mut self) -> &mut R {
        &mut self.reader
    }

    /// Reads once, and returns why no more bytes arrive for now.
    fn fill(&mut self) -> io::Result<Option<End>> {
        let ends = self.codec.framing().ends();
        let has_begun = !self.buffer.is_empty();
        let space = match ends {
            Ends::Read(size) => self.buffer.space_of(size),
            _ => self.buffer.space(),
        };
        let (count, end) = read_once(&mut self.reader, space, ends, has_begun)?;
        self.buffer.filled(count);
        self.closed = end == Some(End::Closed);
        Ok(end)
    }
}

/// Prints neither the reader nor bytes, which may contain card numbers.
impl<R, F: Decode + fmt::Debug> fmt::Debug for FrameReader<R, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameReader")
            .field("codec", &self.codec)
            .field("buffer", &self.buffer)
            .field("offset", &self.offset)
            .field("closed", &self.closed)
            .finish_non_exhaustive()
    }
}

/// Reads once. Returns the number of bytes, and why no more arrive for now. An interrupted read returns no bytes. A
/// timeout after the first byte of a `quiet` message is the silence that ends it.
fn read_once(
    reader: &mut impl Read,
    space: &mut [u8],
    ends: Ends,
    has_begun: bool,
) -> io::Result<(usize, Option<End>)> {
    match reader.read(space) {
        Ok(0) => Ok((0, Some(End::Closed))),
        Ok(count) => Ok((count, matches!(ends, Ends::Read(_)).then_some(End::Read))),
        Err(error) => match error.kind() {
            io::ErrorKind::Interrupted => Ok((0, None)),
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut if has_begun && matches!(ends, Ends::Quiet(_)) => {
                Ok((0, Some(End::Quiet)))
            }
            _ => Err(error),
        },
    }
}

/// Reads one message and no byte after it, for a reader that other code continues to read. Returns `None` if the stream
/// ends before the message begins.
///
/// It reads only bytes that belong to the message. A frame with a length takes two or three reads, and a frame with a
/// delimiter takes one read for each byte. For a stream of your own, use a [`FrameReader`].
///
/// ```
/// use framelink_codec::{example::OneByte, read_message};
///
/// let mut stream = &b"\x05hello, and more"[..];
/// assert_eq!(read_message(&mut stream, &OneByte)?.unwrap(), b"hello");
/// assert_eq!(stream, b", and more");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// As for [`FrameReader::read`]. The bytes of the message that were read are lost.
pub fn read_message<R: Read, F: Decode>(
    reader: &mut R,
    framing: &F,
) -> Result<Option<std::vec::Vec<u8>>, ReadError<F::Error>> {
    /// Announced bytes are read in pieces, so that memory follows received bytes.
    const PIECE: usize = 8 * 1024;
    let ends = framing.ends();
    let mut codec = Codec::new(framing);
    let mut wire = std::vec::Vec::new();
    let mut piece = std::vec![0; if let Ends::Read(size) = ends { size } else { PIECE }];
    let mut end = None;
    loop {
        let wanted = match codec.cut(&wire, end)? {
            Decoded::Frame(frame) => return Ok(Some(frame.payload(&wire).to_vec())),
            Decoded::Incomplete(_) if end == Some(End::Closed) => return Ok(None),
            Decoded::Incomplete(need) => match ends {
                Ends::Itself | Ends::Quiet(_) => need.missing.min(PIECE),
                Ends::Read(_) | Ends::Close => piece.len(),
            },
        };
        let space = piece.get_mut(..wanted).unwrap_or_default();
        let (count, means) = read_once(reader, space, ends, !wire.is_empty())?;
        wire.extend_from_slice(space.get(..count).unwrap_or_default());
        end = means;
    }
}

/// Why no message was read.
///
/// ```
/// use framelink_codec::{FrameReader, ReadError, example::OneByte};
///
/// // 0x05 | 'h' 'e'        then the stream ends
/// let error = FrameReader::new(&b"\x05he"[..], OneByte).read().unwrap_err();
/// assert!(matches!(error, ReadError::Fault(_)), "the peer is wrong, not the reader");
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum ReadError<E> {
    /// The reader failed.
    Io(io::Error),
    /// The bytes are no frame, or the stream ended inside one.
    Fault(Fault<E>),
}

impl<E> From<Fault<E>> for ReadError<E> {
    fn from(fault: Fault<E>) -> Self {
        Self::Fault(fault)
    }
}

impl<E> From<io::Error> for ReadError<E> {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// An error of the reader is returned unchanged. A fault becomes [`InvalidData`](io::ErrorKind::InvalidData), or
/// [`UnexpectedEof`](io::ErrorKind::UnexpectedEof) if the stream ended inside a frame.
///
/// ```
/// use std::io;
/// use framelink_codec::{FrameReader, example::OneByte};
///
/// fn first(stream: impl io::Read) -> io::Result<Option<Vec<u8>>> {
///     Ok(FrameReader::new(stream, OneByte).read()?.map(|frame| frame.payload.to_vec()))
/// }
///
/// assert_eq!(first(&b"\x05hello"[..])?.unwrap(), b"hello");
/// assert_eq!(first(&b"\x05he"[..]).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
/// # Ok::<(), io::Error>(())
/// ```
impl<E: fmt::Debug + fmt::Display + Send + Sync + 'static> From<ReadError<E>> for io::Error {
    fn from(error: ReadError<E>) -> Self {
        match error {
            ReadError::Io(error) => error,
            ReadError::Fault(fault) => fault.into(),
        }
    }
}

/// [`InvalidData`](io::ErrorKind::InvalidData), or [`UnexpectedEof`](io::ErrorKind::UnexpectedEof) if the stream ended
/// inside a frame. It contains the fault.
impl<E: fmt::Debug + fmt::Display + Send + Sync + 'static> From<Fault<E>> for io::Error {
    fn from(fault: Fault<E>) -> Self {
        let kind = match fault {
            Fault::Wrong { .. } => io::ErrorKind::InvalidData,
            Fault::Truncated { .. } => io::ErrorKind::UnexpectedEof,
        };
        Self::new(kind, fault)
    }
}

impl<E: fmt::Display> fmt::Display for ReadError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(_) => f.write_str("reading a message failed"),
            Self::Fault(fault) => fault.fmt(f),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> Error for ReadError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::Fault(_) => None,
        }
    }
}
