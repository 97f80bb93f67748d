//! The preamble.

use std::fmt;

use framelink_codec::notation::Hex;

/// Bytes that are sent once and bytes that are expected once after connecting.
///
/// ```
/// use framelink_profile::{Framing, Profile};
///
/// let profile = Profile::builder("net:2".parse::<Framing>()?).preamble(b"\x01\x02", b"\x06").build()?;
/// assert_eq!((profile.preamble().send(), profile.preamble().expect()), (&b"\x01\x02"[..], &b"\x06"[..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Preamble {
    pub(super) send: Vec<u8>,
    pub(super) expect: Vec<u8>,
}

impl Preamble {
    /// The most bytes of either: 1 KiB. Longer bytes are a message, not a greeting.
    pub const MOST: usize = 1024;

    /// Returns the bytes to send before the first message. May be empty.
    #[must_use]
    pub fn send(&self) -> &[u8] {
        &self.send
    }

    /// Returns the first bytes that the peer must send. May be empty.
    #[must_use]
    pub fn expect(&self) -> &[u8] {
        &self.expect
    }

    /// Returns whether no byte is sent or expected.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.send.is_empty() && self.expect.is_empty()
    }
}

impl fmt::Debug for Preamble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Preamble(send {}, expect {})", Hex(&self.send), Hex(&self.expect))
    }
}
