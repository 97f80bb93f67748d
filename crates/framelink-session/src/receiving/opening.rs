//! The start of a connection: an expected preamble, and the check for a PROXY protocol header.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use framelink_codec::{Decode, Decoded, End};

use super::Receiving;
use super::proxy_header::{First, KeptFor, ProxyHeader, Watch, Watching};
use crate::shared::Way;

impl<D: Decode> Receiving<D> {
    /// Sets the bytes that the peer sends once before its first message. Call this before any byte is received.
    pub fn expect_preamble(&mut self, bytes: &[u8]) {
        let preamble = Expected::new(bytes);
        if preamble.is_some() || self.preamble().is_some() {
            self.extras_mut().preamble = preamble;
        }
    }

    /// Ends the connection if it begins with a PROXY protocol header; see [`ProxyHeader`]. Call this before any byte is
    /// received, and after [`expect_preamble`](Self::expect_preamble). A preamble may begin like a header.
    ///
    /// [`poll_preamble`](Self::poll_preamble) returns false while the received bytes may become a header. Bytes that
    /// are no frame are kept for 1 s after the last of them, and a message for 250 ms. Then the framing decodes them.
    /// Bytes are kept only once.
    pub fn refuse_proxy_header(&mut self) {
        self.watch = Watch::new(self.preamble().map_or(&[], |preamble| &preamble.bytes));
        self.is_checked = false;
    }

    /// Returns the received PROXY protocol header, if [refused](Self::refuse_proxy_header). No message is delivered
    /// then.
    #[must_use]
    pub fn proxy_header(&self) -> Option<ProxyHeader> {
        self.watch?.found()
    }

    /// Returns whether the received bytes may become a PROXY protocol header.
    #[must_use]
    pub fn may_be_proxy_header(&self) -> bool {
        self.watch.is_some() && !self.buffer.is_empty()
    }

    /// Returns until when bytes are kept that may become a PROXY protocol header. Call
    /// [`on_deadline`](Self::on_deadline) then.
    #[must_use]
    pub fn kept_until(&self) -> Option<Duration> {
        let keep = self.watch?.keeps_for()?;
        Some(self.heard_at.time().saturating_add(keep))
    }

    /// Returns whether an expected preamble is incomplete.
    #[inline]
    pub(super) fn owes_preamble(&self) -> bool {
        self.preamble().is_some_and(|preamble| !preamble.is_over())
    }

    /// Returns whether everything before the first message was received. Returns true if nothing is expected. Call this
    /// before [`poll`](Self::poll), until it returns true. A [dialogue](Self::set_dialogue) must have ended too; a
    /// driver [advances](crate::advance_dialogue) it.
    ///
    /// # Errors
    /// Returns an error if the peer sent another preamble, or closed instead. Later calls return this error again.
    #[inline]
    pub fn poll_preamble(&mut self) -> Result<bool, WrongPreamble> {
        if self.has_started() { Ok(true) } else { Ok(self.poll_opening()? && !self.has_dialogue()) }
    }

    /// Returns whether [`poll_preamble`](Self::poll_preamble) has returned true, or nothing is expected.
    #[inline]
    #[must_use]
    pub fn has_started(&self) -> bool {
        self.watch.is_none() && self.preamble().is_none()
    }

    /// Returns whether everything before the dialogue was received.
    pub(crate) fn poll_before_dialogue(&mut self) -> Result<bool, WrongPreamble> {
        if self.has_started() { Ok(true) } else { self.poll_opening() }
    }

    #[cold]
    fn poll_opening(&mut self) -> Result<bool, WrongPreamble> {
        if self.is_kept() {
            return Ok(false);
        }
        let has_come = self.take_preamble();
        if has_come == Ok(true)
            && let (None, Some(extras)) = (self.watch, &mut self.extras)
            && extras.dialogue.is_none()
        {
            extras.preamble = None;
        }
        has_come
    }

    /// Returns whether the received bytes are a PROXY protocol header, or are kept because they may become one.
    fn is_kept(&mut self) -> bool {
        let Some(mut watch) = self.watch.take() else { return false };
        let came = usize::try_from(self.shared.count(Way::Received)).unwrap_or(usize::MAX);
        if let Watching::Keeping(_) = watch.state {
            // The kept bytes are checked again.
            watch.state = Watching::Looking;
        }
        if watch.found().is_none() && !self.buffer.is_empty() {
            match watch.look(came - self.buffer.len(), self.buffer.as_ref()) {
                First::Header => {}
                First::Perhaps if self.end != Some(End::Closed) => {
                    if let (Watching::Looking, Some(kept)) = (watch.state, self.keeps_for()) {
                        watch.state = Watching::Keeping(kept);
                    }
                }
                First::Perhaps | First::Data => return false,
            }
        }
        self.watch = Some(watch);
        watch.found().is_some() || watch.keeps_for().is_some()
    }

    /// Returns for how long the start of a header is kept from the framing. An unfinished message needs no wait of its
    /// own, and neither does a message that was ended by silence.
    fn keeps_for(&self) -> Option<KeptFor> {
        if self.owes_preamble() {
            return Some(KeptFor::Fault);
        }
        match self.codec.framing().decode(self.buffer.as_ref(), 0, self.end) {
            Err(_) => Some(KeptFor::Fault),
            Ok(Decoded::Frame(frame)) => {
                let payload = frame.payload(self.buffer.as_ref());
                let is_heartbeat = self.liveness.as_ref().is_some_and(|liveness| liveness.would_take(payload));
                (self.end != Some(End::Quiet) && !is_heartbeat).then_some(KeptFor::Message)
            }
            Ok(Decoded::Incomplete(_)) => None,
        }
    }

    fn take_preamble(&mut self) -> Result<bool, WrongPreamble> {
        let is_closed = self.is_closed();
        let preamble = self.extras.as_mut().and_then(|extras| extras.preamble.as_mut());
        let Some(preamble) = preamble else { return Ok(true) };
        if preamble.is_over() {
            return Ok(true);
        }
        let taken = preamble.take(self.buffer.as_ref(), is_closed)?;
        let is_over = preamble.is_over();
        self.buffer.take(taken);
        if self.buffer.is_empty() {
            self.begun_at = None;
        }
        if self.buffer.is_empty() && !is_closed {
            // The read that completed the preamble ended no message.
            self.end = None;
        }
        Ok(is_over)
    }
}

/// The peer did not send the expected preamble.
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
    /// The position, counted from the first byte of the connection.
    pub offset: usize,
    /// The received byte, or `None` if the peer closed instead.
    pub came: Option<u8>,
    /// The expected byte.
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

/// An expected preamble.
#[derive(Debug)]
pub(super) struct Expected {
    bytes: Vec<u8>,
    /// How many of the bytes were received.
    seen: usize,
}

impl Expected {
    /// No bytes are expected, but something else.
    pub(super) const fn nothing() -> Self {
        Self { bytes: Vec::new(), seen: 0 }
    }

    /// Returns `None` if nothing is expected.
    fn new(bytes: &[u8]) -> Option<Box<Self>> {
        (!bytes.is_empty()).then(|| Box::new(Self { bytes: bytes.to_vec(), seen: 0 }))
    }

    fn is_over(&self) -> bool {
        self.seen == self.bytes.len()
    }

    /// Returns how many bytes were received and how many are missing, until the preamble is complete.
    pub(super) fn unfinished(&self) -> Option<(usize, usize)> {
        (!self.is_over()).then(|| (self.seen, self.bytes.len() - self.seen))
    }

    /// Returns how many of these bytes belong to the preamble. A wrong byte is an error at once and on later calls.
    fn take(&mut self, came: &[u8], is_closed: bool) -> Result<usize, WrongPreamble> {
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
