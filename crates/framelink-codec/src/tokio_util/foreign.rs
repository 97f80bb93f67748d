//! A tokio-util codec that others wrote, on this waist.

use core::fmt;
use std::error::Error;
use std::string::ToString;

use bytes::{Bytes, BytesMut};
use tokio_util::codec::{Decoder, Encoder};

use crate::{Decode, Decoded, Encode, End, EndedBy, Envelope, Frame, Need};

/// Any codec of tokio-util, on all drivers.
///
/// Its items can be anything, so the messages here are whole frames, as they are on the wire: [`seal`](Self::seal) makes
/// one of an item, [`open`](Self::open) makes the item of one.
///
/// Each look at the stream is made by a copy of the codec, so it must not remember anything from one frame to the next; what it
/// remembers of a frame that is unfinished it finds out again. A frame of n bytes that comes in reads of 64 KiB is
/// copied n / 64 KiB times until it is whole. Bytes that it swallows without making an item of them, heartbeats say, are kept
/// until an item follows.
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
    /// Copies of this codec do the work.
    pub const fn new(codec: C) -> Self {
        Self { codec, is_checked: true }
    }

    /// For a codec that encodes one thing and decodes another, requests and replies say: what is sent is not looked at, for it
    /// could not tell. Send what [`seal`](Self::seal) made.
    #[must_use]
    pub fn unchecked(self) -> Self {
        Self { is_checked: false, ..self }
    }

    /// The frame of an item, to be sent as a message.
    ///
    /// # Errors
    /// As the codec has it.
    pub fn seal<I>(&self, item: I) -> Result<Bytes, ForeignError>
    where
        C: Encoder<I, Error: fmt::Display>,
    {
        let mut frame = BytesMut::new();
        Encoder::encode(&mut self.codec.clone(), item, &mut frame).map_err(|error| ForeignError::of(&error))?;
        Ok(frame.freeze())
    }

    /// The item of a message that was received.
    ///
    /// # Errors
    /// When it is no whole frame, which what was received is.
    pub fn open(&self, frame: &[u8]) -> Result<C::Item, ForeignError> {
        match self.look(frame, true)? {
            (Some(item), frame_len) if frame_len == frame.len() => Ok(item),
            (Some(_), _) => Err(ForeignError::of(&"bytes follow the frame: one message is one frame")),
            (None, _) => Err(ForeignError::of(&"this is no whole frame")),
        }
    }

    /// The first item in these bytes, and how many of them it takes.
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
            // What is left at the end may be a frame too. That it is none is the caller's to say.
            (None, _) if end == Some(End::Closed) => self.look(input, true).unwrap_or((None, 0)),
            found => found,
        };
        Ok(match found {
            (Some(_), frame_len @ 1..) => {
                Decoded::Frame(Frame { payload_start: 0, payload_end: frame_len, frame_len, ended_by: EndedBy::Count })
            }
            // An item of no bytes would come again and again.
            (Some(_), 0) => return Err(ForeignError::of(&"the codec made an item of no bytes")),
            (None, _) => incomplete,
        })
    }
}

/// Messages are frames already; what is no single one is refused.
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

/// What a foreign codec complained about: the beginning of its text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ForeignError {
    text: [u8; Self::MOST],
    len: u8,
}

impl ForeignError {
    /// So many bytes of the text are kept.
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

    /// What it said.
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
