//! Receiving where the sending half is at hand: what is to be written leaves meanwhile.

use std::time::Duration;

use framelink_codec::{Decode, Encode};

use super::reading::Read;
use super::receive::{has_started, unsolicited};
use super::{AT_ONCE, Came, Clock, Input, Open, Port, Progress, Turn};
use crate::error::Cause;
use crate::session::LivenessHandle;

/// What writing has come to while something is received.
struct Writing<D, E> {
    /// Whether there was something to write before. Where reads wait, the caller knows of that, and lets no read wait long.
    was_owed: bool,
    /// What the last write came to, if there was one.
    wrote: Option<Progress>,
    /// Why a heartbeat could not be written. Messages that came before that are received first.
    failed: Option<Cause<D, E>>,
}

impl<D, E> Writing<D, E> {
    /// Whether a read that waits by itself may do so.
    fn lets_wait(&self, has_output: bool) -> bool {
        self.failed.is_none()
            && match self.wrote {
                None => !has_output,
                Some(Progress::Done) => true,
                Some(Progress::Blocked) => self.was_owed,
            }
    }
}

impl<D: Decode, E: Encode, P: Port, K: Clock> Open<'_, D, E, P, K> {
    /// Receives; heartbeats that are due leave at once, and what else is to be written leaves before anything is waited for. The rest of a
    /// message whose sending was given up is written so: the peer may wait for it.
    ///
    /// [`Came::Wait`] is the answer only when the read has said that it would have to wait, and the write too unless everything is out: a
    /// socket tells once that it can go on. Where reads wait by themselves, [`Came::Beat`] says that something is to be written still, and
    /// that the next read should not wait long.
    pub(crate) fn attend(&mut self) -> Result<Came, Cause<D::Error, E::Error>> {
        self.attend_in(&mut Turn::default())
    }

    /// The same, in a turn that has begun.
    pub(super) fn attend_in(&mut self, turn: &mut Turn) -> Result<Came, Cause<D::Error, E::Error>> {
        let waits = self.port.input().waits();
        // Only where reads wait is it asked for.
        let mut writing = Writing { was_owed: waits && self.sending.has_output(), wrote: None, failed: None };
        loop {
            if self.sending.owes_beat() && writing.failed.is_none() {
                match self.flush() {
                    Ok(progress) => writing.wrote = Some(progress),
                    Err(cause) => writing.failed = Some(cause),
                }
            }
            let may_wait = !waits || writing.lets_wait(self.sending.has_output());
            let until = match self.receive_in(turn, may_wait)? {
                Came::Wait(until) => until,
                Came::Beat => continue,
                came => return Ok(came),
            };
            // Then the task has its next turn, and there may be more before the failure.
            if self.port.input().is_starved() || (until == AT_ONCE && writing.failed.is_some()) {
                return Ok(Came::Wait(until));
            }
            if let Some(cause) = writing.failed {
                return Err(cause);
            }
            // What is queued is written, where no write has said how far that gets.
            let tries = writing.wrote.is_none() && self.sending.has_output();
            if tries {
                // If that fails, receiving tells why, or the next message that is sent.
                writing.wrote = Some(self.flush().unwrap_or(Progress::Done));
            }
            match writing.wrote {
                // Now the read may wait, or at least for a while.
                _ if tries && waits => {}
                Some(Progress::Blocked) if waits && !writing.was_owed => return Ok(Came::Beat),
                _ => return Ok(Came::Wait(until)),
            }
        }
    }

    /// Between two exchanges: heartbeats are dealt with, nothing is waited for, and a message that comes answers no request; where the
    /// application receives nothing, it is dropped. When to look again: at once, where there is more than one turn should take.
    pub(crate) fn maintain(
        &mut self,
        discard_unsolicited: bool,
    ) -> Result<Option<Duration>, Cause<D::Error, E::Error>> {
        let mut turn = Turn::default();
        let mut is_due = self.sending.has_output();
        loop {
            if is_due {
                self.flush()?;
            }
            is_due = false;
            match self.receive_in(&mut turn, false)? {
                Came::Message(message) if discard_unsolicited => self.receiving.on_unread(message),
                Came::Message(message) => return Err(unsolicited(self.receiving, message)),
                Came::Closed => return Err(Cause::NoReply),
                Came::Beat => is_due = true,
                Came::Wait(until) => return Ok(self.look_again(until)),
            }
        }
    }

    /// Between two receives: the same, but a message that comes stays for the next receive. Nothing is read behind it, so that heartbeats
    /// wait until it is received.
    pub(crate) fn listen(&mut self) -> Result<Option<Duration>, Cause<D::Error, E::Error>> {
        let mut turn = Turn::default();
        if self.receiving.wants_asking() {
            self.receiving.on_asked(self.clock.now());
        }
        loop {
            if has_started(self.receiving)? && self.receiving.take_heartbeats().map_err(Cause::Fault)? {
                return Ok(None);
            }
            if let Some(most) = self.receiving.flooded() {
                return Err(Cause::TooManyEmpty { most });
            }
            if self.receiving.is_closed() {
                return Err(Cause::NoReply);
            }
            self.receiving.judge().map_err(Cause::Dead)?;
            if self.sending.has_output() {
                self.flush()?;
            }
            if let Read::Wait(until) = self.inbound(false).read_in(&mut turn, None)? {
                return Ok(self.look_again(until));
            }
        }
    }

    /// When to look again, where the session wants to know if nothing comes until then.
    fn look_again(&mut self, until: Option<Duration>) -> Option<Duration> {
        /// What could not be written wholly is tried again so soon.
        const SOON: Duration = Duration::from_millis(50);
        if self.port.input().is_starved() {
            return AT_ONCE;
        }
        let soon = self.sending.has_output().then_some(SOON);
        // No event ends the caller's sleep when the peer asks whether we live.
        let look = self.receiving.liveness().and_then(LivenessHandle::look_within);
        let again = [soon, look].into_iter().flatten().min();
        let again = again.map(|time| self.clock.now().saturating_add(time));
        [until, again].into_iter().flatten().min()
    }
}
