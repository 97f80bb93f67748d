//! Decoding: from received bytes to the next message.

#[cfg(target_has_atomic = "ptr")]
use alloc::sync::Arc;
use core::error::Error;
use core::time::Duration;

use crate::Guess;

/// Finds messages in bytes. Decoding is a pure function: equal arguments give equal results.
///
/// [`example::OneByte`](crate::example::OneByte) is the smallest implementation.
///
/// ```
/// use framelink_codec::{Decode, Decoded, example::OneByte};
///
/// // 0x02 | 'h' 'i' | 0x03 …
/// let Ok(Decoded::Frame(frame)) = OneByte.decode(b"\x02hi\x03", 0, None) else { panic!() };
/// assert_eq!((frame.payload_start, frame.payload_end, frame.frame_len), (1, 3, 3));
/// ```
pub trait Decode {
    /// Why bytes are no frame: plain data with the bytes, what was allowed, and where.
    type Error: Error + Copy + Eq + Send + Sync + 'static;

    /// Looks for one message at the start of `input`.
    ///
    /// `looked_at` is that of the last [`Need`] for this message, and 0 for a new message: a scan continues there.
    /// `end` says why no more bytes arrive for now; it is `None` while they may. A frame that needs more bytes than
    /// `input` has is [`Decoded::Incomplete`] for any `end`; the caller decides what that means.
    ///
    /// # Errors
    /// If no further bytes can make `input` a frame.
    fn decode(&self, input: &[u8], looked_at: usize, end: Option<End>) -> Result<Decoded, Self::Error>;

    /// Returns the message at the start of `input` if it is whole and correct: a shortcut for [`Decode::decode`] that
    /// stays in registers. It has to return the same frame. `None` only means that `decode` has to be called.
    ///
    /// ```
    /// use framelink_codec::{Decode, example::OneByte};
    ///
    /// // 0x02 | 'h' 'i'        whole, but this framing has no shortcut
    /// assert_eq!(OneByte.whole_frame(b"\x02hi"), None);
    /// ```
    #[inline]
    fn whole_frame(&self, input: &[u8]) -> Option<Frame> {
        let _ = input;
        None
    }

    /// Returns what ends a message of this framing, so that the caller knows which clock or reads to watch.
    fn ends(&self) -> Ends {
        Ends::Itself
    }

    /// Returns what `input` may be instead. Called only after an error or a timeout, so it need not be fast.
    fn guess(&self, input: &[u8]) -> Option<Guess> {
        Guess::foreign(input)
    }
}

macro_rules! by_pointer {
    ($pointer:ty) => {
        impl<F: Decode + ?Sized> Decode for $pointer {
            type Error = F::Error;

            #[inline]
            fn decode(&self, input: &[u8], looked_at: usize, end: Option<End>) -> Result<Decoded, Self::Error> {
                (**self).decode(input, looked_at, end)
            }

            #[inline]
            fn whole_frame(&self, input: &[u8]) -> Option<Frame> {
                (**self).whole_frame(input)
            }

            fn ends(&self) -> Ends {
                (**self).ends()
            }

            fn guess(&self, input: &[u8]) -> Option<Guess> {
                (**self).guess(input)
            }
        }
    };
}
by_pointer!(&F);
#[cfg(target_has_atomic = "ptr")]
by_pointer!(Arc<F>);

/// The result of decoding.
///
/// ```
/// use framelink_codec::{Decode, Decoded, example::OneByte};
///
/// // 0x02 | 'h'            one byte is missing; with it there is a frame
/// assert!(matches!(OneByte.decode(b"\x02h", 0, None), Ok(Decoded::Incomplete(need)) if need.missing == 1));
/// assert!(matches!(OneByte.decode(b"\x02hi", 0, None), Ok(Decoded::Frame(_))));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// The input ends inside a message, or before its first byte.
    Incomplete(Need),
    /// One whole message.
    Frame(Frame),
}

/// What an incomplete message needs before the next attempt to decode it.
///
/// ```
/// use framelink_codec::{Decode, Decoded, Need, example::OneByte};
///
/// // 0x05 | 'h' 'e'        five bytes announced, two received
/// assert_eq!(OneByte.decode(b"\x05he", 0, None), Ok(Decoded::Incomplete(Need { missing: 3, looked_at: 0 })));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// At least this many more bytes; never 0.
    pub missing: usize,
    /// How many bytes need no second scan. Pass it to the next call for this message.
    pub looked_at: usize,
}

/// The place of one message in the decoded bytes.
///
/// ```text
///  0          payload_start     payload_end   frame_len
///  | header          | payload          | tail    |  next frame …
/// ```
///
/// ```
/// use framelink_codec::{Decode, Decoded, example::OneByte};
///
/// let wire = b"\x05hello\x03and";
/// let Ok(Decoded::Frame(frame)) = OneByte.decode(wire, 0, None) else { panic!() };
/// assert_eq!((frame.payload(wire), frame.frame_len), (&b"hello"[..], 6));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The first byte of the payload.
    pub payload_start: usize,
    /// One after the last byte of the payload.
    pub payload_end: usize,
    /// The bytes of the whole frame.
    pub frame_len: usize,
    /// The rule that ended the message.
    pub ended_by: EndedBy,
}

impl Frame {
    /// Returns the length of the payload in bytes.
    #[inline]
    #[must_use]
    pub const fn payload_len(&self) -> usize {
        self.payload_end.saturating_sub(self.payload_start)
    }

    /// Returns the payload within the decoded bytes; empty if `input` is shorter than those.
    #[inline]
    #[must_use]
    pub fn payload<'a>(&self, input: &'a [u8]) -> &'a [u8] {
        input.get(self.payload_start..self.payload_end).unwrap_or_default()
    }
}

/// Why no more bytes arrive for now. The enum is exhaustive: a stream can do nothing else.
///
/// ```
/// use framelink_codec::{Codec, Decoded, End, Fault, example::OneByte};
///
/// // 0x02 | 'h'            silence does not end such a message, and the close cuts it off
/// let mut codec = Codec::new(OneByte);
/// assert!(matches!(codec.cut(b"\x02h", Some(End::Quiet)), Ok(Decoded::Incomplete(_))));
/// assert!(matches!(codec.cut(b"\x02h", Some(End::Closed)), Err(Fault::Truncated { .. })));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    /// The peer closed its side: no byte will follow.
    Closed,
    /// No byte arrived for the time of [`Ends::Quiet`].
    Quiet,
    /// The input is the result of one read.
    Read,
}

/// What ends the messages of a framing, and so what its driver has to watch.
///
/// ```
/// use framelink_codec::{Decode, Ends, example::OneByte};
///
/// assert_eq!(OneByte.ends(), Ends::Itself, "neither the clock nor the reads matter");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ends {
    /// Its own bytes: a length or a delimiter.
    Itself,
    /// The peer closes its side, so each direction has one message.
    Close,
    /// No byte arrives for this time; the driver then passes [`End::Quiet`].
    Quiet(Duration),
    /// Each read that returns bytes; the driver offers this many bytes and then passes [`End::Read`].
    Read(usize),
}

/// The rule that ended a message.
///
/// ```
/// use framelink_codec::{EndedBy, Frames, example::OneByte};
///
/// // 0x02 | 'h' 'i'
/// let frame = Frames::new(&OneByte, b"\x02hi").next().unwrap().unwrap();
/// assert_eq!(frame.ended_by, EndedBy::Count);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EndedBy {
    /// The number of bytes that a header announced, or that is fixed.
    Count,
    /// The delimiter at its end.
    Delimiter,
    /// Silence.
    Quiet,
    /// The end of one read.
    Read,
    /// The close of the peer's side.
    Close,
}

impl core::fmt::Display for EndedBy {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Count => "count",
            Self::Delimiter => "delimiter",
            Self::Quiet => "quiet",
            Self::Read => "read",
            Self::Close => "close",
        })
    }
}
