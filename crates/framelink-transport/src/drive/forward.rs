//! Forwarding: messages pass from the read buffer of one connection to another connection, without copies of their own.

use std::io::{self, IoSlice};

use framelink_codec::{Decode, Encode};

use super::receive::at_hand;
use super::send::{check_told, fail, make_room};
use super::{Clock, Output, Progress, is_wait};
use crate::error::Cause;
use crate::session::{MessagePlace, OutgoingFrame, Receiving, SendRefused, Sending, Transmit};

/// A message of this many bytes or more is written from where it lies. A smaller one is copied into the queue, which is
/// cheaper than a part of a vectored write.
const LARGE: usize = 4 * 1024;

/// The most messages of one step. One buffer may hold thousands.
const MESSAGES: usize = 64;

/// The most messages of one vectored write.
const GATHERED: usize = 8;

/// Head, payload and suffix of each message of a vectored write, behind what is queued.
const SLICES: usize = 1 + 3 * GATHERED;

/// Passes the messages that have been read already to another connection, as far as its queue has room, and `first`
/// before them: one that was just received. Small messages are queued; large ones are written, and what the socket does
/// not take of them is queued. Returns how many messages were passed, or `None` if there is no room, in which case
/// `first` must be `None`.
pub(crate) fn forward<D: Decode, X, E: Encode>(
    receiving: &mut Receiving<D>,
    sending: &mut Sending<E>,
    output: &mut impl Output,
    clock: &impl Clock,
    first: Option<MessagePlace>,
) -> Result<Option<usize>, Cause<X, E::Error>> {
    check_told(sending)?;
    if !sending.has_room() && make_room(sending, output, clock)? == Progress::Blocked {
        return Ok(None);
    }
    let forwarded = forward_all(receiving, sending, output, clock, first);
    sending.on_queued();
    forwarded.map(Some)
}

fn forward_all<D: Decode, X, E: Encode>(
    receiving: &mut Receiving<D>,
    sending: &mut Sending<E>,
    output: &mut impl Output,
    clock: &impl Clock,
    first: Option<MessagePlace>,
) -> Result<usize, Cause<X, E::Error>> {
    let gathers = output.gathers() && !sending.owes_flush();
    let large = if gathers { LARGE } else { usize::MAX };
    let (mut count, mut is_quick) = (0, true);
    let mut next = first;
    while let Some(place) = next.take().or_else(|| at_hand(receiving, false)) {
        let message = receiving.message_at(place);
        if message.len() >= large {
            count += write_gathered(receiving, sending, output, clock, place)?;
        } else {
            sending.queue(&message).map_err(Cause::Refused)?;
            count += 1;
            if is_quick {
                // Messages behind a small one are most often small too.
                let quickly = receiving.forward(sending, large, MESSAGES - count);
                is_quick = quickly > 0;
                count += quickly;
            }
        }
        if count >= MESSAGES || !sending.has_room() {
            break;
        }
    }
    Ok(count)
}

/// Writes what is queued, a message, and those behind it with a single vectored write. Queues what the socket does not
/// take. Returns how many messages these were.
fn write_gathered<D: Decode, X, E: Encode>(
    receiving: &mut Receiving<D>,
    sending: &mut Sending<E>,
    output: &mut impl Output,
    clock: &impl Clock,
    first: MessagePlace,
) -> Result<usize, Cause<X, E::Error>> {
    let mut places = [first; GATHERED];
    let count = gather(receiving, sending, &mut places);
    let mut frames = [const { None }; GATHERED];
    let refused = wrap(receiving, sending, places.get(..count).unwrap_or_default(), &mut frames);
    let mut written = write_behind_queue(sending, output, &frames).map_err(|error| fail(sending, error))?;
    let now = clock.now();
    let of_queue = written.min(sending.queued_len());
    sending.on_written(of_queue, now);
    written -= of_queue;
    for frame in frames.iter().flatten() {
        let of_frame = written.min(frame.frame_len());
        sending.queue_rest(frame, of_frame, now);
        written -= of_frame;
    }
    // The messages before the refused one go out.
    refused.map_or(Ok(count), |error| Err(Cause::Refused(error)))
}

/// Wraps the messages at `places`, up to one that cannot be sent. Returns why that one cannot.
fn wrap<'r, D: Decode, E: Encode>(
    receiving: &'r Receiving<D>,
    sending: &Sending<E>,
    places: &[MessagePlace],
    frames: &mut [Option<OutgoingFrame<'r>>; GATHERED],
) -> Option<SendRefused<E::Error>> {
    let mut is_last = false;
    for (frame, place) in frames.iter_mut().zip(places) {
        if is_last {
            return Some(SendRefused::Finished);
        }
        match sending.outgoing(receiving.message_at(*place).payload()) {
            Ok(outgoing) => is_last = frame.insert(outgoing).ends_stream(),
            Err(refused) => return Some(refused),
        }
    }
    None
}

/// Finds the messages that have been read and fit one vectored write, behind the first of `places`. Returns how many
/// places are filled. The total is about the limit of the queue, because the socket may take nothing.
fn gather<D: Decode, E: Encode>(
    receiving: &mut Receiving<D>,
    sending: &Sending<E>,
    places: &mut [MessagePlace; GATHERED],
) -> usize {
    let mut room = sending.queue_limit().saturating_sub(sending.queued_len());
    let mut count = 1;
    let mut last = places[0];
    for place in places.iter_mut().skip(1) {
        room = room.saturating_sub(receiving.message_at(last).len());
        let Some(next) = (if room > 0 { at_hand(receiving, false) } else { None }) else { break };
        (*place, last) = (next, next);
        count += 1;
    }
    count
}

/// Offers what is queued and the frames to the socket. Returns how many bytes it took, 0 if it would have to wait.
fn write_behind_queue<E: Encode>(
    sending: &Sending<E>,
    output: &mut impl Output,
    frames: &[Option<OutgoingFrame<'_>>],
) -> io::Result<usize> {
    let queued = match sending.poll() {
        Transmit::Write(bytes) => bytes,
        _ => &[],
    };
    let parts = frames.iter().flatten().flat_map(OutgoingFrame::parts);
    let mut slices = [IoSlice::new(&[]); SLICES];
    let mut count = 0;
    for (slice, part) in slices.iter_mut().zip([queued].into_iter().chain(parts).filter(|part| !part.is_empty())) {
        *slice = IoSlice::new(part);
        count += 1;
    }
    match output.write_vectored(slices.get(..count).unwrap_or_default()) {
        Ok(0) if count > 0 => Err(io::ErrorKind::WriteZero.into()),
        Err(error) if error.kind() == io::ErrorKind::Interrupted || is_wait(&error) => Ok(0),
        written => written,
    }
}
