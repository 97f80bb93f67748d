//! Heartbeats, as the receiving half sees them.

use std::time::Duration;

use framelink_codec::Decode;
use framelink_heartbeat::Verdict;

use super::{Messages, Receiving};
use crate::pulse::Pulse;

impl<D: Decode> Receiving<D> {
    /// Where heartbeats are told, if they are.
    #[must_use]
    pub const fn pulse(&self) -> Option<&Pulse> {
        self.pulse.as_ref()
    }

    pub(crate) fn set_pulse(&mut self, pulse: Option<Pulse>) {
        self.pulse = pulse;
    }

    /// When heartbeats have something to say, if nothing comes or goes before.
    #[must_use]
    pub fn alive_at(&self) -> Option<Duration> {
        self.pulse.as_ref().and_then(Pulse::deadline)
    }

    /// All that came was looked at. Where something always comes, and is no heartbeat, nobody waits for the time that is over.
    ///
    /// # Errors
    /// When the peer is dead.
    pub fn judge(&mut self) -> Result<(), Verdict> {
        match &self.pulse {
            Some(pulse) if pulse.deadline().is_some_and(|at| at <= self.heard_at) => pulse.on_time(self.heard_at),
            _ => Ok(()),
        }
    }

    /// Time has passed, and what had come by now was looked at.
    ///
    /// # Errors
    /// When the peer is dead.
    pub fn on_time(&mut self, now: Duration) -> Result<(), Verdict> {
        self.pulse.as_ref().map_or(Ok(()), |pulse| pulse.on_time(now))
    }

    /// Whether a heartbeat is due that the sending half has not taken. Told once for each.
    pub fn beat_is_due(&mut self) -> bool {
        let is_due = self.pulse.as_ref().is_some_and(Pulse::has_due);
        let had_told = std::mem::replace(&mut self.has_told_beat, is_due);
        is_due && !had_told
    }

    /// A request is under way to a peer that answers one at a time: it is not asked whether it lives meanwhile.
    pub fn hold_pulse(&self) {
        if let Some(pulse) = &self.pulse {
            pulse.hold();
        }
    }

    /// Messages are requests of a peer that has one at a time, and is not asked whether it lives while it waits for its reply: from each
    /// message on, until [`Pulse::resume`].
    pub fn take_turns(&mut self) {
        self.messages_are = Messages::RequestsInTurn;
    }

    /// The pulse, where messages are such requests.
    pub fn held_by_turns(&self) -> Option<&Pulse> {
        self.pulse.as_ref().filter(|_| self.messages_are == Messages::RequestsInTurn)
    }

    /// Its reply is there.
    pub fn resume_pulse(&self) {
        if let Some(pulse) = &self.pulse {
            pulse.resume(self.heard_at);
        }
    }
}
