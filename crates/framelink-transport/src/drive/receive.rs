//! Bytes in, messages out.

use std::io;
use std::time::Duration;

use framelink_codec::Decode;

use super::{Clock, Input, is_wait};
use crate::Message;
use crate::error::Cause;
use crate::session::{Received, Receiving};

/// What came of receiving.
#[derive(Debug)]
pub(crate) enum Came {
    Message(Message),
    /// The peer closed its side between two messages.
    Closed,
    /// Nothing more can be read now, and if nothing comes until then the session wants to know.
    Wait(Option<Duration>),
}

/// Reads until there is a message, the end, or nothing more to be read. What has come is looked at before the clock.
pub(crate) fn receive<D: Decode, E>(
    receiving: &mut Receiving<D>,
    input: &mut impl Input,
    clock: &impl Clock,
) -> Result<Came, Cause<D::Error, E>> {
    if !greeted(receiving, input, clock)? {
        return Ok(Came::Wait(None));
    }
    let mut has_read = false;
    loop {
        let until = match receiving.poll().map_err(Cause::Fault)? {
            Received::Message(message) => return Ok(Came::Message(message)),
            Received::Closed => return Ok(Came::Closed),
            Received::Wait { until } => until,
        };
        let overdue = receiving.overdue_at();
        if has_read
            && let Some((at, after)) = overdue
            && at <= clock.now()
        {
            return Err(Cause::TimedOut { after, unwritten_bytes: 0, unfinished: receiving.unfinished() });
        }
        let soonest = [until, overdue.map(|(at, _)| at)].into_iter().flatten().min();
        let read = input.read(receiving.space(), soonest);
        has_read = true;
        if took(receiving, read, clock).map_err(Cause::of_io)? {
            continue;
        }
        receiving.release();
        let now = clock.now();
        match (until, overdue) {
            (Some(at), _) if at <= now => receiving.on_deadline(now),
            (_, Some((at, _))) if at <= now => {}
            _ => return Ok(Came::Wait(soonest)),
        }
    }
}

/// Reads until the peer's preamble is there. False if nothing more can be read before.
pub(super) fn greeted<D: Decode, E>(
    receiving: &mut Receiving<D>,
    input: &mut impl Input,
    clock: &impl Clock,
) -> Result<bool, Cause<D::Error, E>> {
    while !receiving.poll_preamble().map_err(Cause::Preamble)? {
        let read = input.read(receiving.space(), None);
        if !took(receiving, read, clock).map_err(Cause::of_io)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Takes what is there already into the session, and waits for nothing. True if that is the end.
pub(super) fn look<D: Decode, E>(
    receiving: &mut Receiving<D>,
    input: &mut impl Input,
    clock: &impl Clock,
) -> Result<bool, Cause<D::Error, E>> {
    let read = input.read_now(receiving.space());
    let looked = took(receiving, read, clock);
    receiving.release();
    looked.map_err(Cause::of_io)?;
    Ok(receiving.is_closed())
}

/// Reads and drops, message or not. True at the end, false when nothing more can be read now.
pub(crate) fn discard<D: Decode, E>(
    receiving: &mut Receiving<D>,
    input: &mut impl Input,
    clock: &impl Clock,
) -> Result<bool, Cause<D::Error, E>> {
    while !receiving.is_closed() {
        receiving.discard();
        let read = input.read(receiving.space(), None);
        if !took(receiving, read, clock).map_err(Cause::of_io)? {
            receiving.release();
            return Ok(false);
        }
    }
    Ok(true)
}

/// Tells the session what a read brought. False if it would have to wait.
fn took<D: Decode>(receiving: &mut Receiving<D>, read: io::Result<usize>, clock: &impl Clock) -> io::Result<bool> {
    match read {
        Ok(0) => receiving.on_closed(),
        Ok(count) => receiving.on_read(count, clock.now()),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
        Err(error) if is_wait(&error) => return Ok(false),
        Err(error) => return Err(error),
    }
    Ok(true)
}
