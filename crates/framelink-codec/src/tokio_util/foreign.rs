//! Any codec of tokio-util as a framing.

use core::fmt;
use std::error::Error;
use std::string::ToString;

use bytes::{Bytes, BytesMut};
use tokio_util::codec::{Decoder, Encoder};

use crate::{Decode, Decoded, Encode, End, EndedBy, Envelope, Frame, Need};

/// Uses any codec of tokio-util as a framing, on all drivers.
///
/// The items of a codec can have any type, so messages are whole frames: [`seal`](Self::seal) turns an item into a
/// frame, and [`open`](Self::open) turns a frame into an item.
///
/// Each attempt to decode uses a clone of the codec. So the codec must not keep state from one frame to the next, and
/// it decodes an incomplete frame again from its start. A frame of n bytes that arrives in reads of 64 KiB is copied n
/// / 64 KiB times. Bytes that the codec consumes without an item, such as heartbeats, are kept until an item follows.
///
/// ```
/// use framelink_codec::{ForeignCodec, Frames};
/// use tokio_util::codec::LinesCodec;
///
/// let lines = ForeignCodec::new(LinesCodec::new());
/// let frame = lines.seal("hello".to_owned())?;
/// assert_eq!(frame, "hello\n");
/// // 'h' 'e' 'l' 'l' 'o' 0x0a | 'h' 'i' 0x0a
/// let items: Vec<String> = Frames::new(&lines, b"hello\nhi\n").map(|frame| lines.open(frame.unwrap().payload).unwrap()).collect();
/// assert_eq!(items, ["hello", "hi"]);
/// # Ok::<(), framelink_codec::ForeignError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ForeignCodec<C> {
    codec: C,
    is_checked: bool,
}

impl<C: Decoder<Error: fmt::Display> + Clone> ForeignCodec<C> {
    /// Wraps a codec. Clones of it decode and encode.
    pub const fn new(codec: C) -> Self {
        Self { codec, is_checked: true }
    }

    /// Use this if the codec encodes one type and decodes another, such as requests and replies: sent messages are then
    /// not decoded as a check. Send only frames of [`seal`](Self::seal).
    #[must_use]
    pub fn unchecked(self) -> Self {
        Self { is_checked: false, ..self }
    }

    /// Turns an item into a frame, to be sent as a message.
    ///
    /// # Errors
    /// If the codec fails.
    pub fn seal<I>(&self, item: I) -> Result<Bytes, ForeignError>
    where
        C: Encoder<I, Error: fmt::Display>,
    {
        let mut frame = BytesMut::new();
        Encoder::encode(&mut self.codec.clone(), item, &mut frame).map_err(|error| ForeignError::of(&error))?;
        Ok(frame.freeze())
    }

    /// Turns a received message into an item.
    ///
    /// # Errors
    /// If the bytes are not a whole frame. A received message always is.
    pub fn open(&self, frame: &[u8]) -> Result<C::Item, ForeignError> {
        match self.look(frame, true)? {
            (Some(item), frame_len) if frame_len == frame.len() => Ok(item),
            (Some(_), _) => Err(ForeignError::of(&"bytes follow the frame: one message is one frame")),
            (None, _) => Err(ForeignError::of(&"this is no whole frame")),
        }
    }

    /// Returns the first item in these bytes, and how many bytes it takes.
    fn look(&self, input: &[u8], is_end: bool) -> Result<(Option<C::Item>, usize), ForeignError> {
        let (mut codec, mut bytes) = (self.codec.clone(), BytesMut::from(input));
        let item = if is_end { codec.decode_eof(&mut bytes) } else { codec.decode(&mut bytes) };
        let item = item.map_err(|error| ForeignError::of(&error))?;
        let taken = input.len().checked_sub(bytes.len());
        Ok((item, taken.ok_or_else(|| ForeignError::of(&"the codec put more bytes into the stream than came"))?))
    }
}

impl<C: Decoder<Error: fmt::Display> + Clone> Decode for ForeignCodec<C> {
    type Error = ForeignError;

    fn decode(&self, input: &[u8], _looked_at: usize, end: Option<End>) -> Result<Decoded, ForeignError> {
        let incomplete = Decoded::Incomplete(Need { missing: 1, looked_at: 0 });
        if input.is_empty() {
            return Ok(incomplete);
        }
        let found = match self.look(input, false)? {
            // The last bytes of a stream may be a frame too. If not, the caller reports it.
            (None, _) if end == Some(End::Closed) => self.look(input, true).unwrap_or((None, 0)),
            found => found,
        };
        Ok(match found {
            (Some(_), frame_len @ 1..) => {
                Decoded::Frame(Frame { payload_start: 0, payload_end: frame_len, frame_len, ended_by: EndedBy::Count })
            }
            // An item of no bytes would be decoded again and again.
            (Some(_), 0) => return Err(ForeignError::of(&"the codec made an item of no bytes")),
            (None, _) => incomplete,
        })
    }
}

/// Messages are whole frames. Any other payload is refused.
impl<C: Decoder<Error: fmt::Display> + Clone> Encode for ForeignCodec<C> {
    type Error = ForeignError;

    fn wrap(&self, payload: &[u8], envelope: &mut Envelope) -> Result<(), ForeignError> {
        if !self.is_checked {
            *envelope = Envelope::EMPTY;
            return Ok(());
        }
        match self.look(payload, false)? {
            (Some(_), frame_len) if frame_len == payload.len() => {
                *envelope = Envelope::EMPTY;
                Ok(())
            }
            (Some(_), _) => Err(ForeignError::of(&"bytes follow the frame: one message is one frame")),
            (None, _) => Err(ForeignError::of(&"this is no whole frame: seal the item first")),
        }
    }
}

/// The error of a foreign codec: the start of its text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ForeignError {
    text: [u8; Self::MOST],
    len: u8,
}

impl ForeignError {
    /// The bytes of the text that are kept.
    const MOST: usize = 120;

    fn of(error: &dyn fmt::Display) -> Self {
        let whole = error.to_string();
        let cut = whole.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|&end| end <= Self::MOST).last();
        let bytes = whole.as_bytes().get(..cut.unwrap_or(0)).unwrap_or_default();
        let mut text = [0; Self::MOST];
        for (to, from) in text.iter_mut().zip(bytes) {
            *to = *from;
        }
        Self { text, len: u8::try_from(bytes.len()).unwrap_or(0) }
    }

    /// Returns the text.
    #[must_use]
    pub fn message(&self) -> &str {
        let bytes = self.text.get(..usize::from(self.len)).unwrap_or_default();
        str::from_utf8(bytes).unwrap_or_default()
    }
}

impl fmt::Display for ForeignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl fmt::Debug for ForeignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ForeignError").field(&self.message()).finish()
    }
}

impl Error for ForeignError {}
