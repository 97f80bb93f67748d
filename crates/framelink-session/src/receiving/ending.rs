//! What ends a connection besides its peer: its lifetime, a notice that it is to end, and heartbeats that are not answered.

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
        self.lifetime = Some(Box::new(lifetime));
    }

    /// Whether anything ends the connection but its peer.
    #[must_use]
    pub const fn has_lifetime(&self) -> bool {
        self.lifetime.is_some()
    }

    /// Whether the connection is to end, though its peer has not ended it. To be asked where no whole message is there, and again when
    /// a read found nothing more: `is_dry` says that it did.
    pub fn ending(&mut self, now: Duration, is_dry: bool) -> Option<Ending> {
        let (is_inside_message, frames) = (self.is_inside_message(), self.frames);
        self.lifetime.as_mut()?.ending(Standing { now, is_dry, is_inside_message, frames })
    }

    /// When that has to be asked though nothing comes.
    #[must_use]
    pub fn ends_at(&self, now: Duration) -> Option<Duration> {
        self.lifetime.as_ref()?.ends_at(now, self.is_inside_message())
    }

    /// Whether the connection is to end at its next quiet moment.
    #[must_use]
    pub fn is_draining(&self, now: Duration) -> bool {
        self.lifetime.as_ref().is_some_and(|lifetime| lifetime.is_draining(now))
    }

    /// Whether the connection was not told to end.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.notice().is_none_or(|notice| notice.stage() == NoticeStage::Open)
    }

    /// Whether it was told to end at once, whatever is in flight.
    #[must_use]
    pub fn told(&self) -> Option<Ending> {
        self.notice()?.abrupt()
    }

    /// What tells it to end.
    pub fn notice(&self) -> Option<&Arc<Notice>> {
        self.lifetime.as_ref()?.notice()
    }

    /// Whom to wake when it is told to end.
    pub fn wake_when_told(&self, waker: &Waker) {
        if let Some(notice) = self.notice() {
            notice.wake_receiver(waker);
        }
    }

    /// Where heartbeats are told, if they are.
    #[must_use]
    pub const fn liveness(&self) -> Option<&LivenessHandle> {
        self.liveness.as_ref()
    }

    pub(crate) fn set_liveness(&mut self, liveness: Option<LivenessHandle>) {
        self.liveness = liveness;
    }

    /// When heartbeats have something to say, if nothing comes or goes before.
    #[must_use]
    pub fn alive_at(&self) -> Option<Duration> {
        self.liveness.as_ref().and_then(LivenessHandle::deadline)
    }

    /// All bytes that arrived were looked at. A peer that never stops sending other bytes than heartbeats does not put the verdict off.
    ///
    /// # Errors
    /// When the peer is dead.
    pub fn judge(&mut self) -> Result<(), Verdict> {
        match &self.liveness {
            Some(liveness) if liveness.deadline().is_some_and(|at| at <= self.heard_at) => {
                liveness.on_time(self.heard_at)
            }
            _ => Ok(()),
        }
    }

    /// Time has passed, and what had come by now was looked at.
    ///
    /// # Errors
    /// When the peer is dead.
    pub fn on_time(&mut self, now: Duration) -> Result<(), Verdict> {
        self.liveness.as_ref().map_or(Ok(()), |liveness| liveness.on_time(now))
    }

    /// Whether a heartbeat is due that the sending half has not taken. Told once for each.
    pub fn beat_is_due(&mut self) -> bool {
        let is_due = self.liveness.as_ref().is_some_and(LivenessHandle::has_due);
        let had_told = std::mem::replace(&mut self.has_told_beat, is_due);
        is_due && !had_told
    }

    /// A request is under way to a peer that answers one at a time: it is not asked whether it lives meanwhile.
    pub fn hold_heartbeats(&self) {
        if let Some(liveness) = &self.liveness {
            liveness.hold();
        }
    }

    /// Messages are requests of a peer that has one at a time, and is not asked whether it lives while it waits for its reply: from each
    /// message on, until [`LivenessHandle::resume`].
    pub fn one_at_a_time(&mut self) {
        self.messages_are = Messages::RequestsInTurn;
    }

    /// Its reply is there.
    pub fn resume_heartbeats(&self) {
        if let Some(liveness) = &self.liveness {
            liveness.resume(self.heard_at);
        }
    }
}
