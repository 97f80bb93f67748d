//! The end of a connection in good order.

use std::time::Duration;

use framelink_codec::{Decode, Encode};

use super::{Clock, Inbound, Input, Open, Port, Progress, Wants};
use crate::drive::CloseReport;
use crate::error::Cause;
use crate::session::{Received, Receiving, Sending};

/// A connection that is being closed: what is queued is written, our side ends, and what the peer still sends is taken until it
/// ends too, so that no reset destroys what is on its way to it.
pub(crate) struct Close {
    within: Duration,
    deadline: Duration,
    report: CloseReport,
    /// What came was no message, and what follows cannot be told apart.
    is_lost: bool,
}

impl Close {
    pub(crate) fn begin<E: Encode>(sending: &mut Sending<E>, clock: &impl Clock, within: Duration) -> Self {
        sending.finish();
        let deadline = clock.now().saturating_add(within);
        Self { within, deadline, report: CloseReport::default(), is_lost: false }
    }

    /// When the socket is closed in any case.
    pub(crate) const fn deadline(&self) -> Duration {
        self.deadline
    }

    /// Counts the messages that are there already, of a connection that is cut, and writes nothing.
    pub(crate) fn count_unread<D: Decode>(mut inbound: Inbound<'_, D, impl Input, impl Clock>) -> usize {
        /// A peer that sends without end is not counted without end.
        const WITHIN: Duration = Duration::from_millis(100);
        let deadline = inbound.clock.now().saturating_add(WITHIN);
        let mut close = Self { within: WITHIN, deadline, report: CloseReport::default(), is_lost: false };
        let _ = close.empty::<D, ()>(&mut inbound);
        close.report.discarded
    }

    /// How many messages came since it began.
    pub(crate) const fn discarded(&self) -> usize {
        self.report.discarded
    }

    /// Goes as far as the socket lets it. The report when it is over; else what to wait for, to the deadline at most.
    pub(crate) fn advance<D: Decode, E: Encode, P: Port, K: Clock>(
        &mut self,
        mut open: Open<'_, D, E, P, K>,
    ) -> Result<Result<CloseReport, Wants>, Cause<D::Error, E::Error>> {
        let is_out = open.flush()? == Progress::Done;
        // Whoever writes to us before it reads must not be waited for in vain.
        let ended = self.empty(&mut open.inbound(is_out))?;
        let is_over = open.clock.now() >= self.deadline;
        Ok(match (is_out, ended) {
            (true, true) => Ok(CloseReport { peer_closed: true, ..self.report }),
            (true, false) if is_over => Ok(self.report),
            (false, _) if is_over => {
                let (unwritten_bytes, unfinished) = (open.sending.queued_len(), open.receiving.unfinished());
                return Err(Cause::TimedOut { after: self.within, unwritten_bytes, unfinished });
            }
            (true, false) => Err(Wants::Read(None)),
            (false, false) => Err(Wants::Both(None)),
            (false, true) => Err(Wants::Write),
        })
    }

    /// Takes what comes. Whether the peer has closed.
    fn empty<D: Decode, E>(
        &mut self,
        inbound: &mut Inbound<'_, D, impl Input, impl Clock>,
    ) -> Result<bool, Cause<D::Error, E>> {
        loop {
            self.count(inbound.receiving);
            if inbound.receiving.is_closed() {
                return Ok(true);
            }
            // What is only taken to its end is not worth the memory of others.
            self.is_lost |= !inbound.receiving.make_room(inbound.waits(), || inbound.clock.now());
            let read = inbound.read(Some(self.deadline));
            // Whoever never stops sending is not waited for.
            if !inbound.took(read)? || inbound.clock.now() >= self.deadline {
                self.count(inbound.receiving);
                inbound.receiving.release();
                return Ok(inbound.receiving.is_closed());
            }
        }
    }

    /// Counts the messages in what has been read. What is none must be taken as well: a socket that is closed with unread bytes
    /// resets the connection.
    fn count<D: Decode>(&mut self, receiving: &mut Receiving<D>) {
        while !self.is_lost {
            match receiving.poll_preamble() {
                Ok(true) => match receiving.poll() {
                    Ok(Received::Message(message)) => {
                        self.report.discarded += 1;
                        receiving.on_unread(message);
                    }
                    // After too many empty ones no message comes any more, and what follows is not to be piled up.
                    Ok(_) if receiving.flooded().is_none() => return,
                    _ => self.is_lost = true,
                },
                Ok(false) if receiving.proxy_header().is_none() => return,
                _ => self.is_lost = true,
            }
        }
        receiving.discard();
    }
}
