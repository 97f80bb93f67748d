//! What has to come before the first message: a preamble that is expected, and no header of a proxy.

use std::time::Duration;

use framelink_codec::{Decode, Decoded, End};

use super::Receiving;
use super::preamble::{Expected, WrongPreamble};
use super::proxy_header::{self, First, ProxyHeader, Watch};

/// How far the start of a connection is.
#[derive(Debug)]
pub(super) enum Opening {
    /// A preamble is expected, or a header of a proxy may come.
    Expecting {
        /// What comes before the first message.
        preamble: Expected,
        /// Looks for a header of a proxy, where none may come.
        watch: Option<Watch>,
    },
    /// Nothing but messages can come any more.
    Over,
}

impl Opening {
    pub(super) fn new(preamble: Expected, watch: Option<Watch>) -> Self {
        if preamble.is_over() && watch.is_none() { Self::Over } else { Self::Expecting { preamble, watch } }
    }

    #[inline]
    pub(super) const fn is_over(&self) -> bool {
        matches!(self, Self::Over)
    }

    /// The preamble, until the connection has started.
    #[inline]
    pub(super) const fn preamble(&self) -> Option<&Expected> {
        match self {
            Self::Expecting { preamble, .. } => Some(preamble),
            Self::Over => None,
        }
    }

    /// Whether the preamble is still owed.
    #[inline]
    pub(super) fn owes_preamble(&self) -> bool {
        self.preamble().is_some_and(|preamble| !preamble.is_over())
    }

    /// What looks for a header of a proxy, until none can come any more.
    #[inline]
    pub(super) const fn watch(&self) -> Option<&Watch> {
        match self {
            Self::Expecting { watch, .. } => watch.as_ref(),
            Self::Over => None,
        }
    }

    #[inline]
    pub(super) const fn watch_mut(&mut self) -> Option<&mut Watch> {
        match self {
            Self::Expecting { watch, .. } => watch.as_mut(),
            Self::Over => None,
        }
    }

    const fn take_watch(&mut self) -> Option<Watch> {
        match self {
            Self::Expecting { watch, .. } => watch.take(),
            Self::Over => None,
        }
    }

    /// What was taken looks on.
    fn put_back(&mut self, taken: Watch) {
        if let Self::Expecting { watch, .. } = self {
            *watch = Some(taken);
        }
    }

    fn into_preamble(self) -> Expected {
        match self {
            Self::Expecting { preamble, .. } => preamble,
            Self::Over => Expected::none(),
        }
    }
}

impl<D: Decode> Receiving<D> {
    /// Says which bytes the peer sends once, before its first message. To be said before anything has come.
    pub fn expect_preamble(&mut self, bytes: &[u8]) {
        self.opening = Opening::new(Expected::new(bytes), self.opening.watch().copied());
    }

    /// Has a PROXY protocol header at the start of the connection end it; see [`ProxyHeader`]. To be said before anything has come, and
    /// after [`expect_preamble`](Self::expect_preamble). A preamble that begins like a header is expected as before.
    ///
    /// From then on [`poll_preamble`](Self::poll_preamble) is false while the bytes that came may become a header. Bytes that are no
    /// frame are kept for 1 s after the last of them, and a message for 250 ms; then they are what the framing says, and nothing is kept
    /// any more.
    pub fn refuse_proxy_header(&mut self) {
        let preamble = std::mem::replace(&mut self.opening, Opening::Over).into_preamble();
        let watch = Watch::new(preamble.bytes());
        self.opening = Opening::new(preamble, watch);
    }

    /// The PROXY protocol header that came, where it is [refused](Self::refuse_proxy_header). No message comes any more.
    #[must_use]
    pub fn proxy_header(&self) -> Option<ProxyHeader> {
        self.opening.watch()?.found()
    }

    /// Whether the bytes that came may become a PROXY protocol header.
    #[must_use]
    pub const fn may_be_proxy_header(&self) -> bool {
        self.opening.watch().is_some() && !self.buffer.is_empty()
    }

    /// Until when bytes are kept that may become a PROXY protocol header. To be told of with [`on_deadline`](Self::on_deadline).
    #[must_use]
    pub fn kept_until(&self) -> Option<Duration> {
        let keep = self.opening.watch()?.keeps_for()?;
        Some(self.heard_at.saturating_add(keep))
    }

    /// Whether what comes before the first message has come; true where nothing is expected. To be asked before [`poll`](Self::poll),
    /// until it is true.
    ///
    /// # Errors
    /// When another preamble came, or the peer closed instead; the same for ever after.
    #[inline]
    pub fn poll_preamble(&mut self) -> Result<bool, WrongPreamble> {
        if self.opening.is_over() { Ok(true) } else { self.poll_opening() }
    }

    #[cold]
    fn poll_opening(&mut self) -> Result<bool, WrongPreamble> {
        if self.is_kept() {
            return Ok(false);
        }
        let has_come = self.take_preamble();
        if has_come == Ok(true) && self.opening.watch().is_none() {
            self.opening = Opening::Over;
        }
        has_come
    }

    /// Whether what came is a PROXY protocol header, or is kept because it may become one.
    fn is_kept(&mut self) -> bool {
        let Some(mut watch) = self.opening.take_watch() else { return false };
        let came = usize::try_from(self.count.get()).unwrap_or(usize::MAX);
        watch.look_anew();
        if watch.found().is_none() && !self.buffer.is_empty() {
            match watch.look(came - self.buffer.len(), self.buffer.as_ref()) {
                First::Header => {}
                First::Perhaps if self.end != Some(End::Closed) => {
                    if watch.may_keep()
                        && let Some(time) = self.keeps_for()
                    {
                        watch.keep_for(time);
                    }
                }
                First::Perhaps | First::Data => return false,
            }
        }
        self.opening.put_back(watch);
        watch.found().is_some() || watch.keeps_for().is_some()
    }

    /// For how long the beginning of a header is kept from the framing. Where a message is unfinished the framing waits by itself, and
    /// where silence ends one, that was waited for.
    fn keeps_for(&self) -> Option<Duration> {
        if self.opening.owes_preamble() {
            return Some(proxy_header::FAULT);
        }
        match self.codec.framing().decode(self.buffer.as_ref(), 0, self.end) {
            Err(_) => Some(proxy_header::FAULT),
            Ok(Decoded::Frame(frame)) => {
                let payload = frame.payload(self.buffer.as_ref());
                let is_heartbeat = self.pulse.as_ref().is_some_and(|pulse| pulse.would_take(payload));
                (self.end != Some(End::Quiet) && !is_heartbeat).then_some(proxy_header::MESSAGE)
            }
            Ok(Decoded::Incomplete(_)) => None,
        }
    }

    fn take_preamble(&mut self) -> Result<bool, WrongPreamble> {
        let is_closed = self.is_closed();
        let Opening::Expecting { preamble, .. } = &mut self.opening else { return Ok(true) };
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
            // The read that brought it has brought no message.
            self.end = None;
        }
        Ok(is_over)
    }
}
