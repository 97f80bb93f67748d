//! Operations that wait for the connection's one socket up to a limit, without an event loop.

use std::io::{self, Read};
use std::os::fd::AsFd;
use std::time::Duration;

use framelink_codec::{Decode, Encode};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::connection::Connection;
use super::duplex::EventOf;
use super::{Duplex, WriteStream};
use crate::connection::{self, CallErrorOf, Elapsed, Endpoint as _, ErrorOf, SessionParts as _, Step, docs};
use crate::drive::{self, Clock as _, TryRecv, TrySend, Wants};
use crate::driver::plain;
use crate::error::{CallError, Cause, Operation};

/// How often a connection checks for what wakes no wait: whether it has to make room, or a message was pushed to it.
const LOOK: Duration = Duration::from_millis(100);

impl<C: Decode + Encode, S: Read + WriteStream + AsFd> Connection<C, S> {
    connection::exchanging_connection_methods!(plain);

    /// Sends one message within `limit`. After a timeout it is not accepted, or its rest is sent before other messages.
    ///
    /// # Errors
    /// As [`try_send`](Self::try_send), and when the socket did not take the message in time.
    pub fn send_within(&mut self, payload: &[u8], limit: Duration) -> Result<(), ErrorOf<C>> {
        self.finish_handshake(Operation::Send)?;
        let deadline = self.clock.within(limit);
        loop {
            match self.try_send(payload)? {
                TrySend::Written => return Ok(()),
                TrySend::Queued => return self.flush_until(deadline, limit),
                TrySend::Full if self.clock.now() >= deadline => {
                    let queued_bytes = self.unwritten_bytes();
                    return Err(self.error(Operation::Send, Cause::NoRoom { after: limit, queued_bytes }));
                }
                TrySend::Full => self.wait_to_write(deadline, limit)?,
            }
        }
    }

    #[doc = docs!(send_with_outcome)]
    pub fn send_with_outcome(&mut self, payload: &[u8], limit: Duration) -> Result<(), CallErrorOf<C>> {
        let before = self.session.sending.accepted();
        self.send_within(payload, limit).map_err(|error| {
            CallError::new(drive::sent_of_message(&self.session.sending, before, error.cause()), error)
        })
    }

    #[doc = docs!(flush_within)]
    pub fn flush_within(&mut self, limit: Duration) -> Result<(), ErrorOf<C>> {
        self.finish_handshake(Operation::Send)?;
        self.flush_until(self.clock.within(limit), limit)
    }

    #[doc = docs!(finish_within)]
    pub fn finish_within(&mut self, limit: Duration) -> Result<(), ErrorOf<C>> {
        self.check(Operation::Send)?;
        self.session.sending.finish();
        self.flush_within(limit)
    }

    /// Waits until the socket can go on, or the session is to be asked again, for `limit` at most.
    pub(super) fn wait_for_more(&self, limit: Duration) {
        let limit = self.deadline().map_or(limit, |again| again.min(limit));
        if !limit.is_zero() {
            // If the socket cannot be waited for, the next step reports why.
            let _ = self.wait(receiving(self.unwritten_bytes() == 0), self.clock.within(limit));
        }
    }

    /// Repeats `step` until the connection has been served.
    pub(super) fn served<E>(&mut self, step: impl FnMut(&mut Self, ()) -> Step<(), E>) -> Result<(), E> {
        self.is_dry = Some(false);
        let served = self.until_done(Duration::MAX, step).unwrap_or(Ok(()));
        self.is_dry = None;
        served
    }

    /// Repeats `step` until it is done, or until the deadline. If waiting fails, the next step reports why.
    fn until_done<T, E>(
        &mut self,
        deadline: Duration,
        mut step: impl FnMut(&mut Self, ()) -> Step<T, E>,
    ) -> Result<Result<T, E>, Elapsed> {
        loop {
            let wants = match step(self, ()) {
                Ok(Ok(done)) => return Ok(Ok(done)),
                // The clock is checked last, because bytes that have arrived count even after the deadline.
                Ok(Err(_)) if deadline <= self.clock.now() => return Err(Elapsed),
                Ok(Err(wants)) => wants,
                Err(error) => return Ok(Err(error)),
            };
            let _ = self.wait(flags(wants), wants.until().map_or(deadline, |at| at.min(deadline)));
        }
    }

    fn flush_until(&mut self, deadline: Duration, limit: Duration) -> Result<(), ErrorOf<C>> {
        while !self.try_flush()? {
            self.wait_to_write(deadline, limit)?;
        }
        Ok(())
    }

    fn wait_to_write(&mut self, deadline: Duration, limit: Duration) -> Result<(), ErrorOf<C>> {
        if self.clock.now() >= deadline {
            return Err(self.error(Operation::Send, self.timed_out(limit)));
        }
        self.wait(PollFlags::OUT, deadline).map_err(|error| self.error(Operation::Send, Cause::of_io(error)))
    }

    /// Waits until the socket can go on, or until the session, a call or the caller is to be asked again.
    fn wait(&self, flags: PollFlags, deadline: Duration) -> io::Result<()> {
        let Some(stream) = &self.stream else { return Err(io::ErrorKind::NotConnected.into()) };
        let left = deadline.saturating_sub(self.clock.now());
        // Nothing else wakes this wait then.
        let left = if self.has_unseen || self.session.receiving.holds_memory() { left.min(LOOK) } else { left };
        wait_for(&mut [PollFd::new(stream, flags)], left)
    }
}

impl<C: Decode + Encode, S: Read + WriteStream + AsFd> Duplex<C, S> {
    /// Returns the next event of the connection. Waits for it for `limit` at most.
    ///
    /// # Errors
    /// As [`try_recv`](Self::try_recv).
    pub fn recv_within(&mut self, limit: Duration) -> Result<TryRecv<EventOf<C>>, ErrorOf<C>> {
        let deadline = self.connection.clock.within(limit);
        loop {
            match self.try_recv()? {
                TryRecv::Nothing if self.connection.clock.now() < deadline => {
                    let is_out = self.try_flush().unwrap_or(true);
                    let soonest =
                        self.deadline().map_or(deadline, |left| self.connection.clock.within(left).min(deadline));
                    let failed = |error| self.connection.error(Operation::Receive, Cause::of_io(error));
                    self.wait(is_out, soonest).map_err(failed)?;
                }
                came => return Ok(came),
            }
        }
    }

    /// Waits until a socket is readable or, unless all is written, writable.
    fn wait(&self, is_out: bool, deadline: Duration) -> io::Result<()> {
        let flags = receiving(is_out);
        let left = deadline.saturating_sub(self.connection.clock.now());
        match (self.connection.stream(), &self.sending) {
            (Some(receiving), None) => wait_for(&mut [PollFd::new(receiving, flags)], left),
            (Some(receiving), Some(sending)) => match sending.stream() {
                Some(sending) => {
                    wait_for(&mut [PollFd::new(receiving, PollFlags::IN), PollFd::new(sending, flags)], left)
                }
                None => Err(io::ErrorKind::NotConnected.into()),
            },
            (None, _) => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

/// Waits until one of the streams can go on, or the time is over.
fn wait_for(streams: &mut [PollFd<'_>], left: Duration) -> io::Result<()> {
    // A wait that is too long for the clock is a wait for ever.
    match poll(streams, Timespec::try_from(left).ok().as_ref()) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Waits to receive and, unless all is written, to write meanwhile.
const fn receiving(is_out: bool) -> PollFlags {
    if is_out { PollFlags::IN } else { PollFlags::IN.union(PollFlags::OUT) }
}

const fn flags(wants: Wants) -> PollFlags {
    match wants {
        Wants::Write | Wants::WriteUntil(_) => PollFlags::OUT,
        Wants::Read(_) => PollFlags::IN,
        Wants::Both(_) => PollFlags::IN.union(PollFlags::OUT),
    }
}
