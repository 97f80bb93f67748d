//! An iterator over the whole frames of a buffer.

use core::iter::FusedIterator;

use crate::{Decode, Decoded, End, EndedBy, Fault, Frame};

/// Iterates over the whole frames in a buffer without copying or allocating.
///
/// The iterator ends at the first incomplete frame, or after an error; [`Frames::rest`] returns the remaining bytes. An
/// incomplete frame is an error only if no more bytes follow: [`Frames::ended`] with [`End::Closed`].
///
/// ```
/// use framelink_codec::{Frames, example::OneByte};
///
/// let mut frames = Frames::new(&OneByte, b"\x02hi\x05the");
/// let first = frames.next().unwrap().unwrap();
/// assert_eq!((first.payload, first.wire, first.offset), (&b"hi"[..], &b"\x02hi"[..], 0));
/// assert!(frames.next().is_none());
/// assert_eq!(frames.rest(), b"\x05the");
/// ```
#[derive(Clone, Debug)]
pub struct Frames<'a, F> {
    framing: &'a F,
    input: &'a [u8],
    offset: usize,
    end: Option<End>,
    failed: bool,
}

impl<'a, F: Decode> Frames<'a, F> {
    /// Iterates over a buffer to which more bytes may be added later.
    #[inline]
    pub const fn new(framing: &'a F, input: &'a [u8]) -> Self {
        Self { framing, input, offset: 0, end: None, failed: false }
    }

    /// Iterates over a buffer that no more bytes follow, for framings whose messages end in this way.
    #[inline]
    pub const fn ended(framing: &'a F, input: &'a [u8], end: End) -> Self {
        Self { framing, input, offset: 0, end: Some(end), failed: false }
    }

    /// Returns the bytes after the last frame: the start of an incomplete frame, or bytes that are no frame.
    #[inline]
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.input
    }

    /// Returns where [`Frames::rest`] begins in the buffer.
    #[inline]
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.offset
    }

    #[inline]
    fn cut(&mut self, frame: &Frame) -> Option<FrameRef<'a>> {
        let (wire, rest) = self.input.split_at_checked(frame.frame_len)?;
        let payload = wire.get(frame.payload_start..frame.payload_end)?;
        let cut = FrameRef { payload, wire, offset: self.offset, ended_by: frame.ended_by };
        self.input = rest;
        self.offset += frame.frame_len;
        Some(cut)
    }
}

impl<'a, F: Decode> Iterator for Frames<'a, F> {
    type Item = Result<FrameRef<'a>, Fault<F::Error>>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        // After a fault there is no whole frame: decoding is a pure function.
        if let Some(frame) = self.framing.whole_frame(self.input) {
            return self.cut(&frame).map(Ok);
        }
        if self.input.is_empty() || self.failed {
            return None;
        }
        match self.framing.decode(self.input, 0, self.end) {
            Ok(Decoded::Frame(frame)) => self.cut(&frame).map(Ok),
            Ok(Decoded::Incomplete(need)) if self.end == Some(End::Closed) => {
                self.failed = true;
                let (came, missing) = (self.input.len(), need.missing);
                Some(Err(Fault::Truncated { came, missing, guess: self.framing.guess(self.input) }))
            }
            Ok(Decoded::Incomplete(_)) => None,
            Err(error) => {
                self.failed = true;
                Some(Err(Fault::Wrong { error, guess: self.framing.guess(self.input) }))
            }
        }
    }
}

impl<F: Decode> FusedIterator for Frames<'_, F> {}

/// One message, borrowed from a buffer.
///
/// ```
/// use framelink_codec::{Frames, example::OneByte};
///
/// // 0x00 | 0x02 'h' 'i'
/// let second = Frames::new(&OneByte, b"\x00\x02hi").nth(1).unwrap().unwrap();
/// assert_eq!((second.payload, second.wire, second.offset), (&b"hi"[..], &b"\x02hi"[..], 1));
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FrameRef<'a> {
    /// The payload; the whole frame if the notation says `keep`.
    pub payload: &'a [u8],
    /// All bytes of the frame.
    pub wire: &'a [u8],
    /// The start of the frame in the buffer or in the stream.
    pub offset: usize,
    /// The rule that ended the message.
    pub ended_by: EndedBy,
}

/// Prints lengths only: payloads may contain card numbers.
impl core::fmt::Debug for FrameRef<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("FrameRef")
            .field("payload_len", &self.payload.len())
            .field("frame_len", &self.wire.len())
            .field("offset", &self.offset)
            .field("ended_by", &self.ended_by)
            .finish()
    }
}
