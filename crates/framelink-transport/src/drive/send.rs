//! Messages in, bytes out.

use std::io;
use std::time::Duration;

use framelink_codec::Encode;

use super::{Clock, Output, is_wait};
use crate::drive::TrySend;
use crate::error::Cause;
use crate::session::{OutgoingFrame, Sending, Sent, Ticket, Transmit};

/// How far sending got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    Done,
    /// The socket takes nothing more now.
    Blocked,
}

impl Progress {
    /// Nothing is left to do, or more can be done later.
    pub(crate) fn done(self) -> Option<()> {
        (self == Self::Done).then_some(())
    }
}

/// Accepts a message, writing what the socket takes of it at once and queueing the rest. `None` if there is no room for it
/// before the socket has taken some of what is queued.
pub(crate) fn put<D, E: Encode>(
    sending: &mut Sending<E>,
    output: &mut impl Output,
    clock: &impl Clock,
    payload: &[u8],
) -> Result<Option<Ticket>, Cause<D, E::Error>> {
    check_told(sending)?;
    if !sending.has_room() {
        // What cannot be sent is refused at once, room or not.
        sending.outgoing(payload).map_err(Cause::Refused)?;
        if make_room(sending, output, clock)? == Progress::Blocked {
            return Ok(None);
        }
    }
    let outgoing = sending.outgoing(payload).map_err(Cause::Refused)?;
    match write_now(sending, output, &outgoing) {
        Ok(written) => {
            let ticket = sending.queue_rest(&outgoing, written, clock.now());
            sending.on_queued();
            Ok(Some(ticket))
        }
        Err(error) => Err(fail(sending, error)),
    }
}

/// The same, and what lies queued goes with it as far as the socket takes it: where something is left, the socket has said that it is
/// full, and will tell when it is not. (That it took only a part does not say so, nor that nothing was offered to it.) A stream that may
/// hold what it takes, as TLS does, is flushed.
pub(crate) fn try_put<D, E: Encode>(
    sending: &mut Sending<E>,
    output: &mut impl Output,
    clock: &impl Clock,
    payload: &[u8],
) -> Result<TrySend, Cause<D, E::Error>> {
    let was_empty = sending.is_empty();
    let Some(ticket) = put(sending, output, clock, payload)? else { return Ok(TrySend::Full) };
    if !was_empty || sending.owes_beat() || !sending.is_written(ticket) {
        flush(sending, output, clock)?;
    } else if !output.gathers()
        && let Err(error) = flush_held(sending, output)
        && !is_wait(&error)
        && error.kind() != io::ErrorKind::Interrupted
    {
        return Err(fail(sending, error));
    }
    Ok(if sending.is_written(ticket) { TrySend::Written } else { TrySend::Queued })
}

/// Accepts a message to be written with others. Blocked, and not accepted, while there is no room for it.
pub(crate) fn queue<D, E: Encode>(
    sending: &mut Sending<E>,
    output: &mut impl Output,
    clock: &impl Clock,
    payload: &[u8],
) -> Result<Progress, Cause<D, E::Error>> {
    if !sending.has_room() && make_room(sending, output, clock)? == Progress::Blocked {
        return Ok(Progress::Blocked);
    }
    sending.queue(payload).map_err(Cause::Refused)?;
    sending.on_queued();
    Ok(Progress::Done)
}

/// The same, in the words of what answers at once.
pub(crate) fn try_queue<D, E: Encode>(
    sending: &mut Sending<E>,
    output: &mut impl Output,
    clock: &impl Clock,
    payload: &[u8],
) -> Result<TrySend, Cause<D, E::Error>> {
    Ok(match queue(sending, output, clock, payload)? {
        Progress::Done => TrySend::Queued,
        Progress::Blocked => TrySend::Full,
    })
}

/// What the peer may have seen of a message that could not be sent, if so many bytes were accepted before it.
pub(crate) fn sent_of_message<D, E: Encode>(sending: &Sending<E>, before: u64, cause: &Cause<D, E::Error>) -> Sent {
    match cause {
        Cause::Refused(_) | Cause::NoRoom { .. } => Sent::Not,
        _ if sending.accepted() <= before => Sent::Not,
        // The rest of it leaves still, if the connection goes on.
        Cause::TimedOut { .. } => Sent::Perhaps,
        _ if sending.byte_count().get() <= before => Sent::Not,
        _ => Sent::Perhaps,
    }
}

/// Whoever was told to end at once writes nothing more.
fn check_told<D, E: Encode>(sending: &mut Sending<E>) -> Result<(), Cause<D, E::Error>> {
    let Some(ending) = sending.told() else { return Ok(()) };
    sending.on_failed();
    Err(Cause::Ended(ending))
}

/// Writes half of what may be queued, so that a write is worth its while.
pub(super) fn make_room<D, E: Encode>(
    sending: &mut Sending<E>,
    output: &mut impl Output,
    clock: &impl Clock,
) -> Result<Progress, Cause<D, E::Error>> {
    write_until(sending, output, clock, Sending::is_half_empty)
}

/// Writes all that is queued, and shuts writing down if that is due.
pub(crate) fn flush<D, E: Encode>(
    sending: &mut Sending<E>,
    output: &mut impl Output,
    clock: &impl Clock,
) -> Result<Progress, Cause<D, E::Error>> {
    write_until(sending, output, clock, |_| false)
}

/// Where only the sending half is at hand: writes the heartbeats that are due, and all that is queued. When the next one is due.
pub(crate) fn write_beats<D, E: Encode>(
    sending: &mut Sending<E>,
    output: &mut impl Output,
    clock: &impl Clock,
) -> Result<Option<Duration>, Cause<D, E::Error>> {
    let mut beat_at = sending.on_time(clock.now());
    if sending.has_output() {
        flush(sending, output, clock)?;
        // A heartbeat that has gone says when the next one is due.
        beat_at = sending.on_time(clock.now());
    }
    Ok(beat_at)
}

/// Frames up to this size, those of 1 KiB and a short head, are put together on the stack: a write of one piece costs less than one
/// of three.
const SHORT: usize = 1032;

/// Offers a whole frame to the socket, from where it lies or, where it is short, in one piece. How much it takes is 0 where that
/// must wait.
fn write_now<E: Encode>(
    sending: &Sending<E>,
    output: &mut impl Output,
    outgoing: &OutgoingFrame<'_>,
) -> io::Result<usize> {
    let frame_len = outgoing.frame_len();
    if !sending.is_empty() || frame_len == 0 || sending.owes_flush() {
        return Ok(0);
    }
    let mut frame = [0; SHORT];
    let written = match frame.get_mut(..frame_len) {
        Some(frame) => {
            let mut rest = &mut *frame;
            for part in outgoing.parts() {
                let (now, later) = rest.split_at_mut(part.len());
                now.copy_from_slice(part);
                rest = later;
            }
            output.write(frame)
        }
        None if output.gathers() => {
            let slices = outgoing.slices();
            let (whole, without_suffix) = (&slices[..], &slices[..2]);
            output.write_vectored(if slices[2].is_empty() { without_suffix } else { whole })
        }
        // Where parts cannot be gathered the frame is put together in the queue: some peers do a single read for it.
        None => return Ok(0),
    };
    match written {
        Ok(0) => Err(io::ErrorKind::WriteZero.into()),
        Err(error) if error.kind() == io::ErrorKind::Interrupted || is_wait(&error) => Ok(0),
        written => written,
    }
}

/// Does what the session says until it has no more to say, or that is enough.
fn write_until<D, E: Encode>(
    sending: &mut Sending<E>,
    output: &mut impl Output,
    clock: &impl Clock,
    is_enough: impl Fn(&Sending<E>) -> bool,
) -> Result<Progress, Cause<D, E::Error>> {
    check_told(sending)?;
    if output.waits() {
        sending.on_queued();
    }
    let written = write_on(sending, output, clock, is_enough);
    sending.on_queued();
    written
}

fn write_on<D, E: Encode>(
    sending: &mut Sending<E>,
    output: &mut impl Output,
    clock: &impl Clock,
    is_enough: impl Fn(&Sending<E>) -> bool,
) -> Result<Progress, Cause<D, E::Error>> {
    loop {
        if sending.is_empty() {
            // Between two messages is the place for a heartbeat.
            sending.queue_beat().map_err(Cause::Heartbeat)?;
        }
        if is_enough(sending) {
            return Ok(Progress::Done);
        }
        let done = match sending.poll() {
            Transmit::Failed => return Err(Cause::Closed),
            // What the stream holds goes first, so that it does not pile up there.
            _ if sending.owes_flush() => flush_held(sending, output),
            Transmit::Write(bytes) => match output.write(bytes) {
                Ok(0) => Err(io::ErrorKind::WriteZero.into()),
                written => written.map(|count| sending.on_written(count, clock.now())),
            },
            Transmit::ShutDown => output.shut_down().map(|()| sending.on_shut_down()),
            Transmit::Idle => match flush_held(sending, output) {
                Ok(()) => return Ok(Progress::Done),
                Err(error) => Err(error),
            },
        };
        match done {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if is_wait(&error) => return Ok(Progress::Blocked),
            Err(error) => return Err(fail(sending, error)),
            Ok(()) => {}
        }
    }
}

/// Has the stream hand on what it holds.
fn flush_held<E: Encode>(sending: &mut Sending<E>, output: &mut impl Output) -> io::Result<()> {
    let flushed = output.flush();
    sending.on_flush(flushed.is_ok());
    flushed
}

fn fail<D, E: Encode>(sending: &mut Sending<E>, error: io::Error) -> Cause<D, E::Error> {
    // What ended the waits of whoever writes says why it did.
    let told = sending.told();
    sending.on_failed();
    told.map_or_else(|| Cause::of_io(error), Cause::Ended)
}
