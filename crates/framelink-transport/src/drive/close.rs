//! The end of a connection in good order.

use std::time::Duration;

use framelink_codec::{Decode, Encode};

use super::receive::took;
use super::{Clock, Input, Now, Port, Progress, Wants, flush};
use crate::CloseReport;
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
    pub(crate) fn count_unread<D: Decode>(
        receiving: &mut Receiving<D>,
        input: &mut impl Input,
        clock: &impl Clock,
    ) -> usize {
        /// A peer that sends without end is not counted without end.
        const WITHIN: Duration = Duration::from_millis(100);
        let deadline = clock.now().saturating_add(WITHIN);
        let mut close = Self { within: WITHIN, deadline, report: CloseReport::default(), is_lost: false };
        let _: Result<_, Cause<D::Error, ()>> = close.empty(receiving, &mut Now(input), clock);
        close.report.discarded
    }

    /// How many messages came since it began.
    pub(crate) const fn discarded(&self) -> usize {
        self.report.discarded
    }

    /// Goes as far as the socket lets it. The report when it is over; else what to wait for, to the deadline at most.
    pub(crate) fn advance<D: Decode, E: Encode>(
        &mut self,
        receiving: &mut Receiving<D>,
        sending: &mut Sending<E>,
        port: &mut impl Port,
        clock: &impl Clock,
    ) -> Result<Result<CloseReport, Wants>, Cause<D::Error, E::Error>> {
        let is_out = flush(sending, port.output(), clock)? == Progress::Done;
        // Whoever writes to us before it reads must not be waited for in vain.
        let ended = match is_out {
            true => self.empty(receiving, port.input(), clock)?,
            false => self.empty(receiving, &mut Now(port.input()), clock)?,
        };
        let is_over = clock.now() >= self.deadline;
        match (is_out, ended) {
            (true, true) => Ok(Ok(CloseReport { peer_closed: true, ..self.report })),
            (true, false) if is_over => Ok(Ok(self.report)),
            (false, _) if is_over => Err(self.timed_out(receiving, sending)),
            (true, false) => Ok(Err(Wants::Read(None))),
            (false, false) => Ok(Err(Wants::Both(None))),
            (false, true) => Ok(Err(Wants::Write)),
        }
    }

    fn timed_out<D: Decode, E: Encode>(
        &self,
        receiving: &Receiving<D>,
        sending: &Sending<E>,
    ) -> Cause<D::Error, E::Error> {
        let unwritten_bytes = sending.queued_len();
        Cause::TimedOut { after: self.within, unwritten_bytes, unfinished: receiving.unfinished() }
    }

    /// Takes what comes. Whether the peer has closed.
    fn empty<D: Decode, E>(
        &mut self,
        receiving: &mut Receiving<D>,
        input: &mut impl Input,
        clock: &impl Clock,
    ) -> Result<bool, Cause<D::Error, E>> {
        loop {
            self.count(receiving);
            if receiving.is_closed() {
                return Ok(true);
            }
            // What is only taken to its end is not worth the memory of others.
            self.is_lost |= !receiving.make_room(input.waits(), || clock.now());
            let read = input.read(receiving.space(), Some(self.deadline));
            let is_more = took(receiving, read, clock).map_err(Cause::of_io)?;
            // Whoever never stops sending is not waited for.
            if !is_more || clock.now() >= self.deadline {
                self.count(receiving);
                receiving.release();
                return Ok(receiving.is_closed());
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
