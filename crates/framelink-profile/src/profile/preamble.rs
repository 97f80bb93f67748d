//! What is said once, before the first message.

use std::fmt;

use framelink_codec::notation::Hex;

/// Bytes that are sent once when connected, and bytes that are expected once.
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
    /// The most bytes of either: 1 KiB. A greeting is a few; what is longer is a message.
    pub const MOST: usize = 1024;

    /// Sent once, before the first message. Empty: nothing.
    #[must_use]
    pub fn send(&self) -> &[u8] {
        &self.send
    }

    /// The first bytes that the peer has to send. Empty: none.
    #[must_use]
    pub fn expect(&self) -> &[u8] {
        &self.expect
    }

    /// Whether nothing is sent and nothing expected.
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
