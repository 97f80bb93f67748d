//! A framing with the state of one stream.

use alloc::boxed::Box;
use core::error::Error;
use core::fmt;

use crate::notation::Bytes;
use crate::{Decode, Decoded, Encode, End, Envelope, Frame, Guess, Need, ShortHead};

/// A framing with the state of one stream: how far it has scanned, and its first fault.
///
/// With the feature `tokio-util` it is a `tokio_util::codec::Decoder` (with items of type `bytes::Bytes`) and an
/// `Encoder` of any `AsRef<[u8]>`, so `Framed::new(stream, Codec::new(framing))` works. Both fail with a `CodecError`.
///
/// ```
/// use framelink_codec::{Codec, Decoded, End, Fault, example::OneByte};
///
/// let mut codec = Codec::new(OneByte);
/// assert!(matches!(codec.cut(b"\x05he", None), Ok(Decoded::Incomplete(_))));
/// // The peer closes after three bytes of six. The fault stays.
/// let fault = codec.cut(b"\x05he", Some(End::Closed)).unwrap_err();
/// assert!(matches!(fault, Fault::Truncated { came: 3, missing: 3, .. }));
/// assert_eq!(codec.cut(b"\x02ok", None), Err(fault));
/// ```
#[derive(Clone, Debug)]
pub struct Codec<F: Decode> {
    framing: F,
    looked_at: usize,
    /// Boxed, because few streams have one.
    fault: Option<Box<Fault<F::Error>>>,
    /// A message that the close ends was encoded.
    ended: bool,
}

impl<F: Decode> Codec<F> {
    /// Creates a codec at the start of a stream.
    pub const fn new(framing: F) -> Self {
        Self { framing, looked_at: 0, fault: None, ended: false }
    }

    /// Looks for the next message at the start of `input`: the received bytes that belong to no message yet.
    ///
    /// After [`Decoded::Frame`] pass the bytes after the frame. After [`Decoded::Incomplete`] pass these bytes and
    /// more.
    ///
    /// # Errors
    /// The first fault, then always this fault: after a wrong header the start of the next frame is unknown.
    #[inline]
    pub fn cut(&mut self, input: &[u8], end: Option<End>) -> Result<Decoded, Fault<F::Error>> {
        match self.whole_frame(input) {
            Some(frame) => Ok(Decoded::Frame(frame)),
            None => self.cut_exactly(input, end),
        }
    }

    /// The shortcut of [`cut`](Self::cut): returns the message at the start of `input` if it is whole and correct, and
    /// if the framing has [such a shortcut](Decode::whole_frame). `None` only means that `cut` has to be called.
    ///
    /// ```
    /// use framelink_codec::{Codec, example::OneByte};
    ///
    /// // 0x02 | 'h' 'i'        whole, but this framing has no shortcut
    /// assert_eq!(Codec::new(OneByte).whole_frame(b"\x02hi"), None);
    /// ```
    #[inline]
    pub fn whole_frame(&mut self, input: &[u8]) -> Option<Frame> {
        if self.fault.is_some() {
            return None;
        }
        let frame = self.framing.whole_frame(input)?;
        self.looked_at = 0;
        Some(frame)
    }

    /// Like [`cut`](Self::cut), without the shortcut.
    #[inline]
    pub(crate) fn cut_exactly(&mut self, input: &[u8], end: Option<End>) -> Result<Decoded, Fault<F::Error>> {
        if let Some(fault) = &self.fault {
            return Err(**fault);
        }
        match self.framing.decode(input, self.looked_at, end) {
            Ok(Decoded::Frame(frame)) => {
                self.looked_at = 0;
                Ok(Decoded::Frame(frame))
            }
            Ok(Decoded::Incomplete(need)) => self.wait(input, need, end),
            Err(error) => Err(self.fail(Fault::Wrong { error, guess: self.framing.guess(input) })),
        }
    }

    /// Returns the fault that ended decoding, if there is one.
    pub fn fault(&self) -> Option<Fault<F::Error>> {
        self.fault.as_deref().copied()
    }

    /// Returns whether a fault has ended decoding.
    #[inline]
    pub const fn has_failed(&self) -> bool {
        self.fault.is_some()
    }

    /// Looks at all bytes of the next input, because other bytes now precede those that were looked at.
    pub const fn look_again(&mut self) {
        self.looked_at = 0;
    }

    /// Returns the framing.
    #[inline]
    pub const fn framing(&self) -> &F {
        &self.framing
    }

    /// Returns what the bytes of an incomplete message may be instead, for the report of a timeout.
    pub fn guess(&self, input: &[u8]) -> Option<Guess> {
        if input.is_empty() { None } else { self.framing.guess(input) }
    }

    #[cold]
    fn fail(&mut self, fault: Fault<F::Error>) -> Fault<F::Error> {
        self.fault = Some(Box::new(fault));
        fault
    }

    fn wait(&mut self, input: &[u8], need: Need, end: Option<End>) -> Result<Decoded, Fault<F::Error>> {
        if end == Some(End::Closed) && !input.is_empty() {
            let guess = self.framing.guess(input);
            let (came, missing) = (input.len(), need.missing);
            return Err(self.fail(Fault::Truncated { came, missing, guess }));
        }
        self.looked_at = need.looked_at;
        Ok(Decoded::Incomplete(need))
    }
}

impl<F: Decode + Encode> Codec<F> {
    /// Puts the bytes before and after `payload` into `envelope`. After a message that the close ends it does nothing
    /// and returns false.
    ///
    /// # Errors
    /// See [`Encode::wrap`].
    #[inline]
    pub fn wrap(&mut self, payload: &[u8], envelope: &mut Envelope) -> Result<bool, <F as Encode>::Error> {
        if self.ended {
            return Ok(false);
        }
        self.framing.wrap(payload, envelope)?;
        self.ended = envelope.ends_stream;
        Ok(true)
    }

    /// See [`Encode::short_head`].
    #[inline]
    pub fn short_head(&self, payload_len: usize) -> Option<ShortHead> {
        if self.ended { None } else { self.framing.short_head(payload_len) }
    }
}

/// The error that ends the decoding of a stream. Either the peer is wrong, or the notation is.
///
/// ```
/// use framelink_codec::{Codec, End, example::OneByte};
///
/// // 0x05 | 'h' 'e'        then the peer closes
/// let fault = Codec::new(OneByte).cut(b"\x05he", Some(End::Closed)).unwrap_err();
/// assert_eq!(fault.to_string(), "stream ended inside a frame: 3 bytes came, at least 3 more were owed");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault<E> {
    /// The bytes cannot be a frame.
    Wrong {
        /// Why the bytes are no frame.
        error: E,
        /// What the bytes may be instead.
        guess: Option<Guess>,
    },
    /// The stream ended inside a frame.
    Truncated {
        /// The bytes of the frame that arrived.
        came: usize,
        /// The least number of bytes that are missing.
        missing: usize,
        /// What the bytes may be instead.
        guess: Option<Guess>,
    },
}

impl<E> Fault<E> {
    /// Converts the error of the fault.
    pub fn map<T>(self, into: impl FnOnce(E) -> T) -> Fault<T> {
        match self {
            Self::Wrong { error, guess } => Fault::Wrong { error: into(error), guess },
            Self::Truncated { came, missing, guess } => Fault::Truncated { came, missing, guess },
        }
    }
}

impl<E: fmt::Display> fmt::Display for Fault<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let guess = match self {
            Self::Wrong { error, guess } => {
                write!(f, "{error}")?;
                guess
            }
            Self::Truncated { came, missing, guess } => {
                write!(f, "stream ended inside a frame: {} came, at least {missing} more were owed", Bytes(*came))?;
                guess
            }
        };
        match guess {
            Some(guess) => write!(f, "; {guess}"),
            None => Ok(()),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> Error for Fault<E> {}
