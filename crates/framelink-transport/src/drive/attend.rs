//! Receiving where the sending half is at hand: what is to be written leaves meanwhile.

use std::time::Duration;

use framelink_codec::{Decode, Encode};

use super::receive::unasked;
use super::{AT_ONCE, Came, Clock, Input, Now, Output, Port, Progress, Turn, flush};
use crate::error::Cause;
use crate::session::{Pulse, Receiving, Sending};

/// Receives; heartbeats that are due leave at once, and what else is to be written leaves before anything is waited for. The rest of a
/// message whose sending was given up is written so: the peer may wait for it.
///
/// [`Came::Wait`] is the answer only when the read has said that it would have to wait, and the write too unless everything is out: a
/// socket tells once that it can go on. Where reads wait by themselves, [`Came::Beat`] says that something is to be written still, and
/// that the next read should not wait long.
pub(crate) fn attend<D: Decode, E: Encode>(
    receiving: &mut Receiving<D>,
    sending: &mut Sending<E>,
    port: &mut impl Port,
    clock: &impl Clock,
) -> Result<Came, Cause<D::Error, E::Error>> {
    attend_in(&mut Turn::default(), receiving, sending, port, clock)
}

/// The same, in a turn that has begun.
pub(super) fn attend_in<D: Decode, E: Encode>(
    turn: &mut Turn,
    receiving: &mut Receiving<D>,
    sending: &mut Sending<E>,
    port: &mut impl Port,
    clock: &impl Clock,
) -> Result<Came, Cause<D::Error, E::Error>> {
    let waits = port.input().waits();
    // Only where reads wait is it asked for.
    let mut writing = Writing { was_owed: waits && sending.has_output(), wrote: None, failed: None };
    loop {
        writing.beat(sending, port.output(), clock);
        let came = match waits && !writing.lets_wait(sending) {
            true => turn.receive(receiving, &mut Now(port.input()), clock)?,
            false => turn.receive(receiving, port.input(), clock)?,
        };
        let until = match came {
            Came::Wait(until) => until,
            Came::Beat => continue,
            came => return Ok(came),
        };
        // Then the task has its next turn, and there may be more before the failure.
        if port.input().is_starved() || (until == AT_ONCE && writing.failed.is_some()) {
            return Ok(Came::Wait(until));
        }
        if let Some(cause) = writing.failed {
            return Err(cause);
        }
        let has_written = writing.rest(sending, port.output(), clock);
        match writing.wrote {
            // Now the read may wait, or at least for a while.
            _ if has_written && waits => {}
            Some(Progress::Blocked) if waits && !writing.was_owed => return Ok(Came::Beat),
            _ => return Ok(Came::Wait(until)),
        }
    }
}

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
    /// Writes a heartbeat that is due.
    fn beat<F: Encode<Error = E>>(&mut self, sending: &mut Sending<F>, output: &mut impl Output, clock: &impl Clock) {
        if sending.owes_beat() && self.failed.is_none() {
            match flush(sending, output, clock) {
                Ok(progress) => self.wrote = Some(progress),
                Err(cause) => self.failed = Some(cause),
            }
        }
    }

    /// Writes what is queued, where no write has said how far that gets. Whether it tried.
    fn rest<F: Encode<Error = E>>(
        &mut self,
        sending: &mut Sending<F>,
        output: &mut impl Output,
        clock: &impl Clock,
    ) -> bool {
        let tries = self.wrote.is_none() && sending.has_output();
        if tries {
            // If that fails, receiving tells why, or the next message that is sent.
            let flushed: Result<_, Cause<D, E>> = flush(sending, output, clock);
            self.wrote = Some(flushed.unwrap_or(Progress::Done));
        }
        tries
    }

    /// Whether a read that waits by itself may do so.
    fn lets_wait<F: Encode<Error = E>>(&self, sending: &Sending<F>) -> bool {
        self.failed.is_none()
            && match self.wrote {
                None => !sending.has_output(),
                Some(Progress::Done) => true,
                Some(Progress::Blocked) => self.was_owed,
            }
    }
}

/// Between two exchanges: heartbeats are dealt with, nothing is waited for, and a message that comes answers no request; where the
/// application receives nothing, it is dropped. When to look again: at once, where there is more than one turn should take.
pub(crate) fn tend<D: Decode, E: Encode>(
    receiving: &mut Receiving<D>,
    sending: &mut Sending<E>,
    port: &mut impl Port,
    clock: &impl Clock,
    is_deaf: bool,
) -> Result<Option<Duration>, Cause<D::Error, E::Error>> {
    /// What could not be written wholly is tried again so soon.
    const SOON: Duration = Duration::from_millis(50);
    let mut turn = Turn::default();
    let mut is_due = sending.has_output();
    loop {
        if is_due {
            flush(sending, port.output(), clock)?;
        }
        is_due = false;
        match turn.receive(receiving, &mut Now(port.input()), clock)? {
            Came::Message(message) if is_deaf => receiving.on_unread(message),
            Came::Message(message) => return Err(unasked(receiving, message)),
            Came::Closed => return Err(Cause::NoReply),
            Came::Beat => is_due = true,
            Came::Wait(_) if port.input().is_starved() => return Ok(AT_ONCE),
            Came::Wait(until) => {
                let soon = sending.has_output().then_some(SOON);
                // Nobody wakes whoever sleeps when the peer asks.
                let look = receiving.pulse().and_then(Pulse::look_within);
                let again = [soon, look].into_iter().flatten().min().map(|time| clock.now().saturating_add(time));
                return Ok([until, again].into_iter().flatten().min());
            }
        }
    }
}
