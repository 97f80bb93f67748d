//! What some peers say once, before the first message.

use std::error::Error;
use std::fmt;

/// The bytes that were to come before the first message did not.
///
/// ```
/// use std::time::Duration;
/// use framelink_profile::Framing;
/// use framelink_session::Receiving;
///
/// let mut receiving = Receiving::new("net:2".parse::<Framing>()?);
/// receiving.expect_preamble(b"HELLO");
/// receiving.on_bytes(b"HELP!", Duration::ZERO);
/// let wrong = receiving.poll_preamble().unwrap_err();
/// assert_eq!(wrong.to_string(), "byte 3 of the preamble is 0x50, expected 0x4c");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrongPreamble {
    /// Where, from the first byte of the connection.
    pub offset: usize,
    /// What came; `None` if the peer closed instead.
    pub came: Option<u8>,
    /// What was to come.
    pub expected: u8,
}

impl fmt::Display for WrongPreamble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { offset, came, expected } = self;
        match came {
            Some(came) => write!(f, "byte {offset} of the preamble is {came:#04x}, expected {expected:#04x}"),
            None => write!(f, "the peer closed after {offset} bytes of its preamble, expected {expected:#04x} next"),
        }
    }
}

impl Error for WrongPreamble {}

/// A preamble that is being waited for.
#[derive(Debug, Default)]
pub(super) struct Expected {
    bytes: Vec<u8>,
    /// So many of them have come.
    seen: usize,
}

impl Expected {
    pub(super) const fn none() -> Self {
        Self { bytes: Vec::new(), seen: 0 }
    }

    pub(super) fn new(bytes: &[u8]) -> Self {
        Self { bytes: bytes.to_vec(), seen: 0 }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    #[inline]
    pub(super) fn is_over(&self) -> bool {
        self.seen == self.bytes.len()
    }

    /// How many bytes have come and how many are owed, until all are there.
    pub(super) fn unfinished(&self) -> Option<(usize, usize)> {
        (!self.is_over()).then(|| (self.seen, self.bytes.len() - self.seen))
    }

    /// How many of these bytes belong to it. A wrong one is told at once, and stays one.
    pub(super) fn take(&mut self, came: &[u8], is_closed: bool) -> Result<usize, WrongPreamble> {
        let owed = self.bytes.get(self.seen..).unwrap_or_default();
        let wrong = |offset: usize, came, expected| WrongPreamble { offset: self.seen + offset, came, expected };
        for (offset, (&expected, &came)) in owed.iter().zip(came).enumerate() {
            if came != expected {
                return Err(wrong(offset, Some(came), expected));
            }
        }
        let taken = owed.len().min(came.len());
        match owed.get(taken) {
            Some(&expected) if is_closed => Err(wrong(taken, None, expected)),
            _ => {
                self.seen += taken;
                Ok(taken)
            }
        }
    }
}
