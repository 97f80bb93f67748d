//! An exchange at the start or the end of each connection.

use std::fmt;

use framelink_codec::notation::Hex;

/// An exchange at the start of each connection, before anything else (sign-on), or at its end (sign-off).
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

    /// Sends this message, and waits for nothing.
    #[must_use]
    pub fn new(send: &[u8]) -> Self {
        Self { send: send.to_vec(), expect: None }
    }

    /// Waits for a reply that begins with these bytes; any reply will do where there are none. Another one means that the peer
    /// does not want us.
    #[must_use]
    pub fn expect(mut self, start: &[u8]) -> Self {
        self.expect = Some(start.to_vec());
        self
    }

    /// The message that is sent.
    #[must_use]
    pub fn send(&self) -> &[u8] {
        &self.send
    }

    /// What the reply begins with; `None` where none is waited for.
    #[must_use]
    pub fn expected(&self) -> Option<&[u8]> {
        self.expect.as_deref()
    }
}

/// Lengths only: passwords travel in these.
impl fmt::Debug for Sign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sign({} bytes, expects ", self.send.len())?;
        match &self.expect {
            Some(start) => write!(f, "{})", Hex(start)),
            None => f.write_str("nothing)"),
        }
    }
}
