//! What ends a connection besides its peer: its lifetime, a notice, and unanswered heartbeats.

use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use framelink_codec::Decode;
use framelink_heartbeat::Verdict;

use super::{Messages, Receiving};
use crate::lifetime::{Ending, Lifetime, Notice, NoticeStage, Standing};
use crate::liveness::LivenessHandle;

impl<D: Decode> Receiving<D> {
    pub(crate) fn set_lifetime(&mut self, lifetime: Lifetime) {
        self.extras_mut().lifetime = Some(lifetime);
    }

    /// Returns whether the connection has a [`Lifetime`].
    #[must_use]
    pub const fn has_lifetime(&self) -> bool {
        self.lifetime().is_some()
    }

    /// Returns why the connection must end now although its peer did not end it. Call this when there is no whole
    /// message, and again after a read found no bytes (`is_dry`).
    pub fn ending(&mut self, now: Duration, is_dry: bool) -> Option<Ending> {
        let (is_inside_message, frames) = (self.is_inside_message(), self.frames);
        self.extras.as_mut()?.lifetime.as_mut()?.ending(Standing { now, is_dry, is_inside_message, frames })
    }

    /// Returns whether the next read needs no check before it: a message was delivered since this was last asked, and
    /// unless the read finds nothing, the connection goes on. Heartbeats alone do not put a check off.
    #[inline]
    pub fn may_read_first(&mut self, now: impl FnOnce() -> Duration) -> bool {
        let [messages, ..] = self.messages.to_le_bytes();
        let has_new = std::mem::replace(&mut self.messages_at_check, messages) != messages;
        has_new && self.lifetime().is_none_or(|lifetime| lifetime.is_open(now))
    }

    /// The shortcut of [`ending`](Self::ending) and [`ends_at`](Self::ends_at) for a connection that was not told to end:
    /// returns when it is idle or old. `None` only means that these have to be called.
    #[inline]
    pub fn open_until(&self, now: Duration) -> Option<Option<Duration>> {
        self.lifetime()?.open_until(now, self.is_inside_message())
    }

    /// Returns when to call [`ending`](Self::ending) if no bytes are received before.
    #[must_use]
    pub fn ends_at(&self, now: Duration) -> Option<Duration> {
        self.lifetime()?.ends_at(now, self.is_inside_message())
    }

    /// Returns whether the connection ends at its next quiet moment.
    #[must_use]
    pub fn is_draining(&self, now: Duration) -> bool {
        self.lifetime().is_some_and(|lifetime| lifetime.is_draining(now))
    }

    /// Returns whether the connection was not told to end.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.notice().is_none_or(|notice| notice.stage() == NoticeStage::Open)
    }

    /// Returns why the connection must end at once, if it was told so.
    #[inline]
    #[must_use]
    pub fn told(&self) -> Option<Ending> {
        self.notice()?.abrupt()
    }

    /// Returns the notice that can end the connection.
    #[inline]
    pub fn notice(&self) -> Option<&Arc<Notice>> {
        self.lifetime()?.notice()
    }

    /// Sets the waker that is woken when the notice changes. Returns whether it was this waker before.
    pub fn wake_when_told(&self, waker: &Waker) -> bool {
        self.notice().is_some_and(|notice| notice.wake_receiver(waker))
    }

    /// Returns the liveness of the connection, if it has heartbeats.
    #[must_use]
    pub const fn liveness(&self) -> Option<&LivenessHandle> {
        self.liveness.as_ref()
    }

    pub(crate) fn set_liveness(&mut self, liveness: Option<LivenessHandle>) {
        self.liveness = liveness;
        self.is_checked = false;
    }

    /// Returns when a heartbeat or a verdict is due if no bytes are received or sent before.
    #[must_use]
    pub fn alive_at(&self) -> Option<Duration> {
        self.liveness.as_ref().and_then(LivenessHandle::deadline)
    }

    /// Checks whether the peer is dead, after all received bytes were decoded. Without this, a peer that sends other
    /// bytes than heartbeats without end would put the verdict off.
    ///
    /// # Errors
    /// Returns the verdict if the peer is dead.
    pub fn judge(&mut self) -> Result<(), Verdict> {
        match &self.liveness {
            Some(liveness) if liveness.deadline().is_some_and(|at| at <= self.heard_at.time()) => {
                liveness.on_time(self.heard_at.time())
            }
            _ => Ok(()),
        }
    }

    /// Checks what is due at `now`, after all bytes that arrived until then were decoded.
    ///
    /// # Errors
    /// Returns the verdict if the peer is dead.
    pub fn on_time(&mut self, now: Duration) -> Result<(), Verdict> {
        self.liveness.as_ref().map_or(Ok(()), |liveness| liveness.on_time(now))
    }

    /// Returns whether a heartbeat is due that the sending half has not taken.
    #[inline]
    #[must_use]
    pub fn owes_beat(&self) -> bool {
        self.liveness.as_ref().is_some_and(LivenessHandle::has_due)
    }

    /// Returns whether a heartbeat is due that the sending half has not taken. Returns true once for each heartbeat.
    pub fn beat_is_due(&mut self) -> bool {
        let is_due = self.owes_beat();
        let had_told = std::mem::replace(&mut self.has_told_beat, is_due);
        is_due && !had_told
    }

    /// Returns whether a heartbeat is due, without telling the driver. After none was due, the driver is told of the next.
    #[inline]
    pub fn still_owes_beat(&mut self) -> bool {
        self.has_told_beat &= self.owes_beat();
        self.owes_beat()
    }

    /// Holds heartbeats back while a request is under way to a peer that handles one request at a time.
    pub fn hold_heartbeats(&self) {
        if let Some(liveness) = &self.liveness {
            liveness.hold();
        }
    }

    /// Declares that the messages are requests of a peer that has one request at a time. Heartbeats are held back from
    /// each message until [`LivenessHandle::resume`].
    pub fn one_at_a_time(&mut self) {
        self.messages_are = Messages::RequestsInTurn;
    }

    /// Returns when bytes were received last.
    #[must_use]
    pub const fn heard_at(&self) -> Duration {
        self.heard_at.time()
    }

    /// Sends heartbeats again after the reply has arrived.
    pub fn resume_heartbeats(&self) {
        if let Some(liveness) = &self.liveness {
            liveness.resume(self.heard_at.time());
        }
    }
}
