//! The preamble, and the exchanges at the start and the end of a connection.

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

/// An exchange at the start of each connection (sign-on) or at its end (sign-off).
///
/// ```
/// use framelink_profile::{Framing, Profile, Sign};
///
/// let profile = Profile::builder("ascii:4".parse::<Framing>()?)
///     .sign_on(Sign::new(b"0800...001").expect(b"0810"))
///     .sign_off(Sign::new(b"0800...002"))
///     .build()?;
/// assert_eq!(profile.sign_on().unwrap().send(), b"0800...001");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Sign {
    pub(super) send: Vec<u8>,
    pub(super) expect: Option<Vec<u8>>,
}

impl Sign {
    /// The most bytes of either: 1 KiB.
    pub const MOST: usize = 1024;

    /// Sends this message without waiting for a reply.
    #[must_use]
    pub fn new(send: &[u8]) -> Self {
        Self { send: send.to_vec(), expect: None }
    }

    /// Waits for a reply that begins with these bytes; if empty, for any reply. Another reply means that the peer
    /// refuses.
    #[must_use]
    pub fn expect(mut self, start: &[u8]) -> Self {
        self.expect = Some(start.to_vec());
        self
    }

    /// Returns the message to send.
    #[must_use]
    pub fn send(&self) -> &[u8] {
        &self.send
    }

    /// Returns the first bytes of the reply. `None` if no reply is expected.
    #[must_use]
    pub fn expected(&self) -> Option<&[u8]> {
        self.expect.as_deref()
    }
}

/// Shows lengths only, because the bytes may be passwords.
impl fmt::Debug for Sign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sign({} bytes, expects ", self.send.len())?;
        match &self.expect {
            Some(start) => write!(f, "{})", Hex(start)),
            None => f.write_str("nothing)"),
        }
    }
}
