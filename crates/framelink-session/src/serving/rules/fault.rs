//! What goes wrong with one reply, on purpose.

use std::error::Error;
use std::fmt;

use framelink_codec::Encode;

/// A fault of one reply, for tests of clients. The names are those of the faults of `framelink hostile`.
///
/// ```
/// use framelink_session::ReplyFault;
///
/// assert_eq!(ReplyFault::ALL.map(ReplyFault::name), ["slam", "cut-fin", "cut-reset"]);
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
    pub const ALL: [Self; 3] = [Self::Slam, Self::CutFin, Self::CutReset];

    /// Returns the name, in kebab-case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Slam => "slam",
            Self::CutFin => "cut-fin",
            Self::CutReset => "cut-reset",
        }
    }

    /// Returns what happens to the connection, in words.
    #[must_use]
    pub const fn help(self) -> &'static str {
        match self {
            Self::Slam => "the connection is closed without the reply",
            Self::CutFin => "the connection is closed after half of the frame",
            Self::CutReset => "the connection is reset after half of the frame",
        }
    }

    /// Returns the bytes of the reply that are sent. Without a reply, none are.
    ///
    /// # Errors
    /// If the reply cannot be framed.
    pub fn of_reply<E: Encode>(self, framing: &E, reply: Option<&[u8]>) -> Result<LastBytes, E::Error> {
        let mut bytes = Vec::new();
        if let Some(reply) = reply.filter(|_| self != Self::Slam) {
            framing.append_frame(reply, &mut bytes)?;
            // Half of a frame is never the whole of it.
            bytes.truncate(bytes.len() / 2);
        }
        Ok(LastBytes { bytes, resets: self == Self::CutReset })
    }
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
