//! A framing with a memory: what one stream of bytes needs.

use core::error::Error;
use core::fmt;

use crate::notation::Bytes;
use crate::{Decode, Decoded, Encode, End, Envelope, Guess, Need, ShortHead};

/// A framing and what one stream of bytes must remember: how far it has looked, and its first fault.
///
/// With the feature `tokio-util` it is a `tokio_util::codec::Decoder` (whose items are `bytes::Bytes`) and an
/// `Encoder` of anything that is `AsRef<[u8]>`, so `Framed::new(stream, Codec::new(framing))` works; both fail with a
/// `CodecError`.
///
/// ```
/// use framelink_codec::{Codec, Decoded, End, Fault, example::OneByte};
///
/// let mut codec = Codec::new(OneByte);
/// assert!(matches!(codec.cut(b"\x05he", None), Ok(Decoded::Incomplete(_))));
/// // The peer closes: three bytes came, three are owed, and that stays so.
/// let fault = codec.cut(b"\x05he", Some(End::Closed)).unwrap_err();
/// assert!(matches!(fault, Fault::Truncated { came: 3, missing: 3, .. }));
/// assert_eq!(codec.cut(b"\x02ok", None), Err(fault));
/// ```
#[derive(Clone, Debug)]
pub struct Codec<F: Decode> {
    framing: F,
    looked_at: usize,
    fault: Option<Fault<F::Error>>,
    /// A message that ends with the direction was wrapped.
    ended: bool,
}

impl<F: Decode> Codec<F> {
    /// A codec at the start of a stream.
    pub const fn new(framing: F) -> Self {
        Self { framing, looked_at: 0, fault: None, ended: false }
    }

    /// Looks for the next message at the start of `input`, which is what came and was not yet taken as a message.
    ///
    /// After [`Decoded::Frame`] show the bytes behind it, after [`Decoded::Incomplete`] the same and more.
    ///
    /// # Errors
    /// The first fault, and that one for ever after: behind a wrong header nobody knows where the next frame begins.
    #[inline]
    pub fn cut(&mut self, input: &[u8], end: Option<End>) -> Result<Decoded, Fault<F::Error>> {
        if let Some(fault) = self.fault {
            return Err(fault);
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

    /// What ended `cut` for good, if anything did.
    pub const fn fault(&self) -> Option<Fault<F::Error>> {
        self.fault
    }

    /// The framing.
    #[inline]
    pub const fn framing(&self) -> &F {
        &self.framing
    }

    /// What the bytes of an unfinished message may be instead, for the report of a wait that took too long.
    pub fn guess(&self, input: &[u8]) -> Option<Guess> {
        if input.is_empty() { None } else { self.framing.guess(input) }
    }

    #[cold]
    fn fail(&mut self, fault: Fault<F::Error>) -> Fault<F::Error> {
        self.fault = Some(fault);
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
    /// Puts the bytes before and after `payload` into `envelope`. False, and nothing done, after a message that ended
    /// with the direction.
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

/// What ends the decoding of a stream for good. It is the peer's fault, or that of whoever wrote the notation.
///
/// ```
/// use framelink_codec::{Codec, End, example::OneByte};
///
/// // 0x05 | 'h' 'e'        and then the peer closes
/// let fault = Codec::new(OneByte).cut(b"\x05he", Some(End::Closed)).unwrap_err();
/// assert_eq!(fault.to_string(), "stream ended inside a frame: 3 bytes came, at least 3 more were owed");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault<E> {
    /// The bytes cannot be a frame.
    Wrong {
        /// What was wrong with them.
        error: E,
        /// What they may be instead.
        guess: Option<Guess>,
    },
    /// The stream ended inside a frame.
    Truncated {
        /// So many bytes of the frame came.
        came: usize,
        /// At least so many more were owed.
        missing: usize,
        /// What they may be instead.
        guess: Option<Guess>,
    },
}

impl<E> Fault<E> {
    /// The same fault with its error in other words.
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
