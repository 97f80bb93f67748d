//! What goes wrong with one reply, on purpose.

use std::error::Error;
use std::fmt;

use framelink_codec::{Decode, Encode};

/// A fault of one reply, for tests of clients. The names are those of the faults of `framelink hostile`.
///
/// ```
/// use framelink_session::ReplyFault;
///
/// assert_eq!(ReplyFault::ALL.map(ReplyFault::name), ["slam", "cut-fin", "cut-reset", "garbage-length"]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReplyFault {
    /// `slam`: the connection is closed, and no reply is sent.
    Slam,
    /// `cut-fin`: the connection is closed after half of the frame.
    CutFin,
    /// `cut-reset`: the connection is reset after half of the frame.
    CutReset,
    /// `garbage-length`: the frame has a header that the framing refuses, and the connection is closed after it.
    GarbageLength,
}

/// Bytes that are no message, after which a server closes or resets the connection. A handler returns this as its error.
///
/// ```
/// use framelink_codec::example::OneByte;
/// use framelink_session::{LastBytes, ReplyFault};
///
/// let last = ReplyFault::CutFin.of_reply(&OneByte, Some(b"hello"))?;
/// assert_eq!((last.bytes(), last.resets()), (&b"\x05he"[..], false));
/// # Ok::<(), framelink_codec::example::TooLong>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct LastBytes {
    bytes: Vec<u8>,
    resets: bool,
}

impl ReplyFault {
    /// All faults.
    pub const ALL: [Self; 4] = [Self::Slam, Self::CutFin, Self::CutReset, Self::GarbageLength];

    /// Returns the name, in kebab-case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Slam => "slam",
            Self::CutFin => "cut-fin",
            Self::CutReset => "cut-reset",
            Self::GarbageLength => "garbage-length",
        }
    }

    /// Returns what happens to the connection, in words.
    #[must_use]
    pub const fn help(self) -> &'static str {
        match self {
            Self::Slam => "the connection is closed without the reply",
            Self::CutFin => "the connection is closed after half of the frame",
            Self::CutReset => "the connection is reset after half of the frame",
            Self::GarbageLength => "its header is no length, and the connection is closed after it",
        }
    }

    /// Returns the bytes of the reply that are sent. Without a reply, none are.
    ///
    /// # Errors
    /// If the reply cannot be framed.
    pub fn of_reply<F: Decode + Encode>(
        self,
        framing: &F,
        reply: Option<&[u8]>,
    ) -> Result<LastBytes, <F as Encode>::Error> {
        let mut bytes = Vec::new();
        if let Some(reply) = reply.filter(|_| self != Self::Slam) {
            framing.append_frame(reply, &mut bytes)?;
            match self {
                Self::GarbageLength => bytes = refused(framing, bytes).unwrap_or_default(),
                // Half of a frame is never the whole of it.
                _ => bytes.truncate(bytes.len() / 2),
            }
        }
        Ok(LastBytes { bytes, resets: self == Self::CutReset })
    }

    /// Returns whether a framing can have this fault: `garbage-length` needs a header that can be wrong.
    #[must_use]
    pub fn fits<F: Decode + Encode>(self, framing: &F) -> bool {
        let mut frame = Vec::new();
        if framing.append_frame(b"ab", &mut frame).is_err() {
            // With `keep`, a message has its header, and no frame can be made of two letters.
            frame = vec![0; LONGEST_HEADER];
        }
        self != Self::GarbageLength || framing.decode(&frame, 0, None).is_err() || refused(framing, frame).is_some()
    }
}

const LONGEST_HEADER: usize = 64;

/// Returns the frame with one byte of its header changed, or its first bytes, so that a decoder refuses it.
fn refused<F: Decode>(framing: &F, mut frame: Vec<u8>) -> Option<Vec<u8>> {
    let is_refused = |frame: &[u8]| framing.decode(frame, 0, None).is_err();
    let len = frame.len().min(LONGEST_HEADER);
    for at in 0..len {
        let right = frame[at];
        for wrong in 0..=u8::MAX {
            frame[at] = wrong;
            if is_refused(&frame) {
                return Some(frame);
            }
        }
        frame[at] = right;
    }
    for wrong in [0, u8::MAX] {
        let mut changed = frame.clone();
        for at in 0..len {
            changed[at] = wrong;
            if is_refused(&changed) {
                return Some(changed);
            }
        }
    }
    None
}

impl LastBytes {
    /// Returns the bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns whether the connection is reset after the bytes. Otherwise it is closed.
    #[must_use]
    pub const fn resets(&self) -> bool {
        self.resets
    }
}

/// Shows the number of bytes.
impl fmt::Debug for LastBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LastBytes").field("len", &self.bytes.len()).field("resets", &self.resets).finish()
    }
}

impl fmt::Display for LastBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, how) = (self.bytes.len(), if self.resets { "reset" } else { "closed" });
        write!(f, "by its rule, the connection is {how} after {count} bytes of a reply")
    }
}

impl Error for LastBytes {}
