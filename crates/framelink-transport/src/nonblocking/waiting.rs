//! Operations that wait for this one socket, up to a limit, where there is no event loop.

use std::io::{self, Read};
use std::os::fd::AsFd;
use std::time::Duration;

use framelink_codec::{Decode, Encode};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::connection::{CallResult, Connection, Result};
use super::duplex::EventOf;
use super::{Duplex, WriteStream};
use crate::drive::{self, Clock as _, Close, Wants};
use crate::error::{CallError, Cause, Error, Operation};
use crate::{CloseReport, Message, TryRecv, TrySend};

/// How often one that may have to make room looks whether it has to.
const LOOK: Duration = Duration::from_millis(100);

impl<C: Decode + Encode, S: Read + WriteStream + AsFd> Connection<C, S> {
    /// Receives the next message, or says that none came within that time. What has come of one is kept.
    ///
    /// # Errors
    /// As [`try_recv`](Self::try_recv).
    pub fn recv_within(&mut self, limit: Duration) -> Result<TryRecv, C> {
        let deadline = self.clock.within(limit);
        loop {
            match self.try_recv()? {
                TryRecv::Nothing if self.clock.now() < deadline => {
                    // What is queued goes meanwhile: the peer may wait for it. If that fails, receiving tells why.
                    let is_out = self.try_flush().unwrap_or(true);
                    let flags = if is_out { PollFlags::IN } else { PollFlags::IN | PollFlags::OUT };
                    let soonest = self.deadline().map_or(deadline, |left| self.clock.within(left).min(deadline));
                    self.wait(flags, soonest).map_err(|error| self.failed(Operation::Receive, error))?;
                }
                came => return Ok(came),
            }
        }
    }

    /// Sends one message within that time. When that is over the message is either not accepted at all, or the rest of it leaves
    /// before anything else.
    ///
    /// # Errors
    /// As [`try_send`](Self::try_send), and when the socket did not take it in time.
    pub fn send_within(&mut self, payload: &[u8], limit: Duration) -> Result<(), C> {
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

    /// Sends one message within that time, like [`send_within`](Self::send_within). The error also says what the peer may have seen
    /// of the message.
    ///
    /// # Errors
    /// As [`send_within`](Self::send_within).
    pub fn send_with_outcome(&mut self, payload: &[u8], limit: Duration) -> CallResult<(), C> {
        let before = self.session.sending.accepted();
        self.send_within(payload, limit).map_err(|error| {
            CallError::new(drive::sent_of_message(&self.session.sending, before, error.cause()), error)
        })
    }

    /// Writes all that is queued within that time. When that is over the rest stays queued.
    ///
    /// # Errors
    /// When the connection failed, and when the socket did not take it in time.
    pub fn flush_within(&mut self, limit: Duration) -> Result<(), C> {
        self.flush_until(self.clock.within(limit), limit)
    }

    /// Ends our side within that time: what is queued is written, then writing is shut down. The peer can go on sending.
    ///
    /// # Errors
    /// When the connection failed, and when the socket did not take what was queued in time.
    pub fn finish_within(&mut self, limit: Duration) -> Result<(), C> {
        self.check(Operation::Send)?;
        self.session.sending.finish();
        self.flush_within(limit)
    }

    /// Sends a request and receives its reply, the next message that comes, all of it within one deadline.
    ///
    /// # Errors
    /// As [`try_call`](Self::try_call) and [`try_reply`](Self::try_reply).
    pub fn call(
        &mut self,
        request: &[u8],
        within: Duration,
    ) -> std::result::Result<Message, CallError<<C as Decode>::Error, <C as Encode>::Error>> {
        self.exchange(request, within, false)
    }

    /// The same; with `half_close` our side ends behind the request.
    pub(super) fn exchange(
        &mut self,
        request: &[u8],
        within: Duration,
        half_close: bool,
    ) -> std::result::Result<Message, CallError<<C as Decode>::Error, <C as Encode>::Error>> {
        let mut reply = self.try_exchange(request, within, half_close)?;
        loop {
            if let Some(reply) = reply {
                return Ok(reply);
            }
            let deadline = self.clock.within(self.deadline().unwrap_or_default());
            let flags = if self.session.sending.has_output() { PollFlags::IN | PollFlags::OUT } else { PollFlags::IN };
            // If waiting fails, asking again tells why.
            let _ = self.wait(flags, deadline);
            reply = self.try_reply()?;
        }
    }

    /// Closes the connection in good order: writes what is queued, ends our side, and takes what the peer still sends until
    /// it closes too, so that no reset destroys what is on its way to it. After `within` the socket is closed in any case.
    ///
    /// # Errors
    /// When what was queued could not be written in that time, and when the connection was reset: what went last may be lost then.
    pub fn close(mut self, within: Duration) -> Result<CloseReport, C> {
        let mut close = Close::begin(&mut self.session.sending, &self.clock, within);
        loop {
            let closed = self
                .both(|session, port, clock| close.advance(&mut session.receiving, &mut session.sending, port, clock));
            match closed.map_err(|cause| self.error(Operation::Close, cause))? {
                Ok(report) => return Ok(report),
                Err(wants) => {
                    self.wait(flags(wants), close.deadline()).map_err(|error| self.failed(Operation::Close, error))?;
                }
            }
        }
    }

    fn flush_until(&mut self, deadline: Duration, limit: Duration) -> Result<(), C> {
        while !self.try_flush()? {
            self.wait_to_write(deadline, limit)?;
        }
        Ok(())
    }

    fn wait_to_write(&mut self, deadline: Duration, limit: Duration) -> Result<(), C> {
        if self.clock.now() >= deadline {
            return Err(self.error(Operation::Send, self.timed_out(limit)));
        }
        self.wait(PollFlags::OUT, deadline).map_err(|error| self.failed(Operation::Send, error))
    }

    /// Waits until the socket can go on, or until the session, a call or the caller wants to be asked again.
    fn wait(&self, flags: PollFlags, deadline: Duration) -> io::Result<()> {
        let Some(stream) = &self.stream else { return Err(io::ErrorKind::NotConnected.into()) };
        let left = deadline.saturating_sub(self.clock.now());
        // Nobody wakes it when it has to make room.
        let left = if self.can_be_dropped || self.session.receiving.holds_memory() { left.min(LOOK) } else { left };
        wait_for(&mut [PollFd::new(stream, flags)], left)
    }

    pub(super) fn failed(
        &self,
        operation: Operation,
        error: io::Error,
    ) -> Error<<C as Decode>::Error, <C as Encode>::Error> {
        self.error(operation, Cause::of_io(error))
    }
}

impl<C: Decode + Encode, S: Read + WriteStream + AsFd> Duplex<C, S> {
    /// Says what happens next, or that nothing does within that time.
    ///
    /// # Errors
    /// As [`try_recv`](Self::try_recv).
    pub fn recv_within(&mut self, limit: Duration) -> Result<TryRecv<EventOf<C>>, C> {
        let deadline = self.connection.clock.within(limit);
        loop {
            match self.try_recv()? {
                TryRecv::Nothing if self.connection.clock.now() < deadline => {
                    let is_out = self.try_flush().unwrap_or(true);
                    let soonest =
                        self.deadline().map_or(deadline, |left| self.connection.clock.within(left).min(deadline));
                    let waited = self.wait(is_out, soonest);
                    waited.map_err(|error| self.connection.failed(Operation::Receive, error))?;
                }
                came => return Ok(came),
            }
        }
    }

    /// Waits for what comes and, unless everything is out, for room to write.
    fn wait(&self, is_out: bool, deadline: Duration) -> io::Result<()> {
        let flags = if is_out { PollFlags::IN } else { PollFlags::IN | PollFlags::OUT };
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

/// Waits until one of them can go on, or the time is over.
fn wait_for(streams: &mut [PollFd<'_>], left: Duration) -> io::Result<()> {
    // One that no clock can count to is as good as never.
    match poll(streams, Timespec::try_from(left).ok().as_ref()) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

const fn flags(wants: Wants) -> PollFlags {
    match wants {
        Wants::Write => PollFlags::OUT,
        Wants::Read(_) => PollFlags::IN,
        Wants::Both(_) => PollFlags::IN.union(PollFlags::OUT),
    }
}
