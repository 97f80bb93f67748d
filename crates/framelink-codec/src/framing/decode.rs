//! Cutting: from the bytes that came to the next message.

#[cfg(target_has_atomic = "ptr")]
use alloc::sync::Arc;
use core::error::Error;
use core::time::Duration;

use crate::Guess;

/// Finds messages in bytes. A pure function: the same bytes get the same answer, whoever asks.
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
    /// What can be wrong with the bytes: plain data that says what came, what was allowed and where.
    type Error: Error + Copy + Eq + Send + Sync + 'static;

    /// Looks for one message at the start of `input`.
    ///
    /// `looked_at` is what the last [`Need`] for the same message said, 0 for a new one: a scan goes on there.
    /// `end` says why no more bytes come for now, `None` while they may. A frame that needs more bytes than
    /// `input` has is [`Decoded::Incomplete`] whatever `end` says; what that means is the caller's to judge.
    ///
    /// # Errors
    /// When no bytes that may follow can make `input` a frame.
    fn decode(&self, input: &[u8], looked_at: usize, end: Option<End>) -> Result<Decoded, Self::Error>;

    /// What ends a message of this framing, for whoever holds the clock and does the reads.
    fn ends(&self) -> Ends {
        Ends::Itself
    }

    /// What `input`, which is wrong or has been waited on too long, may be instead. Asked only when something
    /// went wrong, so it may take its time.
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

/// What a framing made of the bytes it was shown.
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
    /// The input stops inside a message, or before it.
    Incomplete(Need),
    /// One whole message.
    Frame(Frame),
}

/// What an unfinished message needs before it is worth looking again.
///
/// ```
/// use framelink_codec::{Decode, Decoded, Need, example::OneByte};
///
/// // 0x05 | 'h' 'e'        five bytes announced, two came
/// assert_eq!(OneByte.decode(b"\x05he", 0, None), Ok(Decoded::Incomplete(Need { missing: 3, looked_at: 0 })));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// At least so many more bytes, never 0.
    pub missing: usize,
    /// So many bytes need not be looked at again; handed back at the next look.
    pub looked_at: usize,
}

/// Where one message lies in the bytes that were shown.
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
    /// First byte of the payload.
    pub payload_start: usize,
    /// One past the last byte of the payload.
    pub payload_end: usize,
    /// All bytes that the message takes on the wire.
    pub frame_len: usize,
    /// The rule that ended it.
    pub ended_by: EndedBy,
}

impl Frame {
    /// The payload's length in bytes.
    #[inline]
    #[must_use]
    pub const fn payload_len(&self) -> usize {
        self.payload_end.saturating_sub(self.payload_start)
    }

    /// The payload within the bytes that were shown; empty if `input` is shorter than those.
    #[inline]
    #[must_use]
    pub fn payload<'a>(&self, input: &'a [u8]) -> &'a [u8] {
        input.get(self.payload_start..self.payload_end).unwrap_or_default()
    }
}

/// Why no more bytes will come for now. Complete by nature: a stream can do nothing else.
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
    /// The peer closed its side: nothing comes any more.
    Closed,
    /// Nothing came for the time that [`Ends::Quiet`] asked for.
    Quiet,
    /// One read has returned, and this is what it brought.
    Read,
}

/// What ends the messages of a framing: what its driver has to watch.
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
    /// The peer closes its side, so there is one message a direction.
    Close,
    /// Nothing came for this long since the last byte; the driver then says [`End::Quiet`].
    Quiet(Duration),
    /// Each read that brings something; the driver offers so many bytes and then says [`End::Read`].
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
    /// So many bytes were announced by a header or agreed on.
    Count,
    /// The bytes that end a message were found.
    Delimiter,
    /// Nothing came for a while.
    Quiet,
    /// One read returned it.
    Read,
    /// The peer closed its side.
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
