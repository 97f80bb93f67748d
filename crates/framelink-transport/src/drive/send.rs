//! Sending: messages in, bytes out.

use std::io;
use std::time::Duration;

use framelink_codec::Encode;
use framelink_template::Inputs;

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
    /// Returns `None` if more is left to do later.
    pub(crate) fn done(self) -> Option<()> {
        (self == Self::Done).then_some(())
    }
}

/// Accepts a message: writes what the socket takes and queues the rest. Returns `None` while there is no room.
pub(crate) fn put<D, E: Encode>(
    sending: &mut Sending<E>,
    output: &mut impl Output,
    clock: &impl Clock,
    payload: &[u8],
) -> Result<Option<Ticket>, Cause<D, E::Error>> {
    check_told(sending)?;
    if !sending.has_room() {
        // A message that cannot be sent is refused at once, even without room.
        sending.outgoing(payload).map_err(Cause::Refused)?;
        if make_room(sending, output, clock)? == Progress::Blocked {
            return Ok(None);
        }
    }
    let outgoing = sending.outgoing(payload).map_err(Cause::Refused)?;
    match write_now(sending, output, &outgoing) {
        Ok(written) => {
            let ticket = sending.queue_rest(&outgoing, written, now(sending, clock));
            sending.on_queued();
            Ok(Some(ticket))
        }
        Err(error) => Err(fail(sending, error)),
    }
}

/// Accepts a message like `put`, and also writes the queue as far as the socket takes it. If something is left, the
/// socket has reported that it is full, so it will report when it is writable. (A partial write is no such report, and
/// neither is no write at all.) A stream that may hold bytes back, such as TLS, is flushed.
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

/// Accepts a message that is written with others later. Returns `Blocked` and does not accept it without room.
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

/// Like `queue`, without the socket. Returns false and does not accept the message if there is no room, or if `queue`
/// returns an error.
#[inline(never)] // so that `feed` is short
pub(crate) fn queue_now<E: Encode>(sending: &mut Sending<E>, payload: &[u8]) -> bool {
    let is_accepted = sending.has_room() && sending.queue(payload).is_ok();
    if is_accepted {
        sending.on_queued();
    }
    is_accepted
}

/// Like `queue`, with the result as a `TrySend`.
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

/// Returns what the peer may have seen of a message that could not be sent. `before` counts the bytes accepted earlier.
pub(crate) fn sent_of_message<D, E: Encode>(sending: &Sending<E>, before: u64, cause: &Cause<D, E::Error>) -> Sent {
    match cause {
        Cause::Refused(_) | Cause::NoRoom { .. } => Sent::Not,
        _ if sending.accepted() <= before => Sent::Not,
        // The rest of it is still written if the connection goes on.
        Cause::TimedOut { .. } => Sent::Perhaps,
        _ if sending.byte_count().get() <= before => Sent::Not,
        _ => Sent::Perhaps,
    }
}

/// Fails if the connection was told to end at once. Then nothing more is written.
pub(super) fn check_told<D, E: Encode>(sending: &mut Sending<E>) -> Result<(), Cause<D, E::Error>> {
    let Some(ending) = sending.told() else { return Ok(()) };
    sending.on_failed();
    Err(Cause::Ended(ending))
}

/// Writes until the queue is at most half full, so that a write is worth its cost.
pub(super) fn make_room<D, E: Encode>(
    sending: &mut Sending<E>,
    output: &mut impl Output,
    clock: &impl Clock,
) -> Result<Progress, Cause<D, E::Error>> {
    write_until(sending, output, clock, Sending::is_half_empty)
}

/// Writes everything that is queued, and shuts down writing if that was requested.
pub(crate) fn flush<D, E: Encode>(
    sending: &mut Sending<E>,
    output: &mut impl Output,
    clock: &impl Clock,
) -> Result<Progress, Cause<D, E::Error>> {
    write_until(sending, output, clock, |_| false)
}

/// Writes due heartbeats and the queue, for a caller with only this half. Returns when the next heartbeat is due.
pub(crate) fn write_beats<D, E: Encode>(
    sending: &mut Sending<E>,
    output: &mut impl Output,
    clock: &impl Clock,
) -> Result<Option<Duration>, Cause<D, E::Error>> {
    let mut beat_at = next_beat(sending, clock);
    if sending.has_output() {
        flush(sending, output, clock)?;
        // The heartbeat that was written determines when the next one is due.
        beat_at = next_beat(sending, clock);
    }
    Ok(beat_at)
}

/// Returns when the next heartbeat is due. Without heartbeats, the clock is not read.
fn next_beat<E: Encode>(sending: &mut Sending<E>, clock: &impl Clock) -> Option<Duration> {
    sending.liveness()?;
    sending.on_time(clock.now())
}

/// Frames up to 1 KiB and a short head are assembled on the stack, because writing one piece is cheaper than three.
const SHORT: usize = 1032;

/// Offers a whole frame to the socket, without copying it or, if it is short, in one piece. Returns how much the socket
/// took, which is 0 if it would have to wait.
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
        // Assembled in the queue instead, because some peers read a frame with a single read.
        None => return Ok(0),
    };
    match written {
        Ok(0) => Err(io::ErrorKind::WriteZero.into()),
        Err(error) if error.kind() == io::ErrorKind::Interrupted || is_wait(&error) => Ok(0),
        written => written,
    }
}

/// Does what the session asks for until there is nothing more, or until `is_enough`.
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
            // A heartbeat goes between two messages.
            sending.queue_beat(|numbers| Inputs::system(numbers)).map_err(Cause::Heartbeat)?;
        }
        if is_enough(sending) {
            return Ok(Progress::Done);
        }
        let done = match sending.poll() {
            Transmit::Failed => return Err(Cause::Closed),
            // Bytes that the stream holds back are written first, so that they do not pile up there.
            _ if sending.owes_flush() => flush_held(sending, output),
            Transmit::Write(bytes) => match output.write(bytes) {
                Ok(0) => Err(io::ErrorKind::WriteZero.into()),
                written => written.map(|count| sending.on_written(count, now(sending, clock))),
            },
            Transmit::ShutDown => output.shut_down().map(|()| sending.on_shut_down()),
            Transmit::Idle => match flush_held(sending, output) {
                Ok(()) => return Ok(Progress::Done),
                Err(error) => Err(error),
            },
        };
        match done {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if is_wait(&error) => {
                sending.on_blocked();
                return Ok(Progress::Blocked);
            }
            Err(error) => return Err(fail(sending, error)),
            Ok(()) => {}
        }
    }
}

/// Returns the time, if the session wants to know it.
#[inline]
fn now<E: Encode>(sending: &Sending<E>, clock: &impl Clock) -> Duration {
    if sending.wants_time() { clock.now() } else { Duration::ZERO }
}

/// Flushes a stream that may hold bytes back.
fn flush_held<E: Encode>(sending: &mut Sending<E>, output: &mut impl Output) -> io::Result<()> {
    let flushed = output.flush();
    sending.on_flush(flushed.is_ok());
    flushed
}

pub(super) fn fail<D, E: Encode>(sending: &mut Sending<E>, error: io::Error) -> Cause<D, E::Error> {
    // If the connection was told to end, that is the reason to report.
    let told = sending.told();
    sending.on_failed();
    told.map_or_else(|| Cause::of_io(error), Cause::Ended)
}
