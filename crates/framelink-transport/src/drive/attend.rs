//! Receiving with the sending half at hand, which writes what is due meanwhile.

use std::time::Duration;

use framelink_codec::{Decode, Encode};

use super::reading::Read;
use super::receive::{has_started, unsolicited};
use super::{AT_ONCE, Came, Clock, Delivery, Input, Open, Port, Progress, Turn};
use crate::error::Cause;
use crate::session::{LivenessHandle, MessagePlace};

/// The progress of writing during one receive.
struct Writing<D, E> {
    /// Whether there was output before. Then the caller of a blocking driver knows, and lets no read wait long.
    was_owed: bool,
    /// The result of the last write, if there was one.
    wrote: Option<Progress>,
    /// Why a heartbeat could not be written. Messages that arrived before are received first.
    failed: Option<Cause<D, E>>,
}

impl<D, E> Writing<D, E> {
    /// Returns whether a blocking read may wait.
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
    /// Receives. Heartbeats that are due are written at once, everything else before anything is waited for. This
    /// includes the rest of a message whose `send` was cancelled or timed out, because the peer may be waiting for it.
    ///
    /// Returns [`Came::Wait`] only if the read would have to wait, and also the write unless everything is written,
    /// because a socket reports only once that it is ready. On a blocking driver, [`Came::Beat`] means that there is
    /// still output, and that the next read should not wait long.
    #[inline]
    pub(crate) fn attend<M: Delivery>(&mut self) -> Result<Came<M>, Cause<D::Error, E::Error>> {
        self.attend_in(&mut Turn::default())
    }

    /// Like `attend`, in a turn that has begun, and the message stays in the read buffer.
    pub(super) fn attend_to_place(&mut self, turn: &mut Turn) -> Result<Came<MessagePlace>, Cause<D::Error, E::Error>> {
        if let Err(wants) = self.shake_hands()? {
            return Ok(Came::Wait(wants.until()));
        }
        let waits = self.port.input().waits();
        // The flag matters only if reads wait.
        let mut writing = Writing { was_owed: waits && self.sending.has_output(), wrote: None, failed: None };
        loop {
            if self.sending.owes_beat() && writing.failed.is_none() {
                match self.flush() {
                    Ok(progress) => writing.wrote = Some(progress),
                    Err(cause) => writing.failed = Some(cause),
                }
            }
            let may_wait = !waits || writing.lets_wait(self.sending.has_output());
            let until = match self.inbound(may_wait).receive_place(turn)? {
                Came::Wait(until) => until,
                Came::Beat => continue,
                came => return Ok(came),
            };
            // The task continues on its next turn. There may be more messages before the failure.
            if self.port.input().is_starved() || (until == AT_ONCE && writing.failed.is_some()) {
                return Ok(Came::Wait(until));
            }
            if let Some(cause) = writing.failed {
                return Err(cause);
            }
            // Writes what is queued, unless a write has already shown how far that gets.
            let tries = writing.wrote.is_none() && self.sending.has_output();
            if tries {
                // If this fails, receiving or the next send reports the error.
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

    /// Handles heartbeats between two exchanges, without waiting. A message is an error, or discarded with
    /// `discard_unsolicited`. Returns when to call this again: at once, if there is more than one turn should read.
    pub(crate) fn maintain(
        &mut self,
        discard_unsolicited: bool,
    ) -> Result<Option<Duration>, Cause<D::Error, E::Error>> {
        if let Err(wants) = self.shake_hands()? {
            return Ok(wants.until());
        }
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

    /// Handles heartbeats between two receives, like `maintain`, but keeps a message for the next receive. Nothing is
    /// read behind that message, so later heartbeats wait until it is received.
    pub(crate) fn listen(&mut self) -> Result<Option<Duration>, Cause<D::Error, E::Error>> {
        if let Err(wants) = self.shake_hands()? {
            return Ok(wants.until());
        }
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

    /// Returns when to call `maintain` or `listen` again.
    fn look_again(&mut self, until: Option<Duration>) -> Option<Duration> {
        /// How soon to try again to write the rest of the queue.
        const SOON: Duration = Duration::from_millis(50);
        if self.port.input().is_starved() {
            return AT_ONCE;
        }
        let soon = self.sending.has_output().then_some(SOON);
        // The caller may sleep, and no event wakes it when the peer sends a probe.
        let look = self.receiving.liveness().and_then(LivenessHandle::look_within);
        let again = [soon, look].into_iter().flatten().min();
        let again = again.map(|time| self.clock.now().saturating_add(time));
        [until, again].into_iter().flatten().min()
    }
}
