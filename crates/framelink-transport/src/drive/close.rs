//! The orderly close of a connection.

use std::time::Duration;

use framelink_codec::{Decode, Encode};

use super::{Clock, Inbound, Input, Open, Port, Progress, Wants};
use crate::drive::CloseReport;
use crate::error::Cause;
use crate::session::{Received, Receiving, Sending};

/// An orderly close: writes what is queued, shuts down writing, and discards what the peer still sends until the peer
/// closes too. This avoids a reset, which could destroy data on its way to the peer.
pub(crate) struct Close {
    within: Duration,
    deadline: Duration,
    report: CloseReport,
    /// Whether the bytes can no longer be divided into messages.
    is_lost: bool,
}

impl Close {
    pub(crate) fn begin<E: Encode>(sending: &mut Sending<E>, clock: &impl Clock, within: Duration) -> Self {
        sending.finish();
        let deadline = clock.now().saturating_add(within);
        Self { within, deadline, report: CloseReport::default(), is_lost: false }
    }

    /// Returns when the socket is closed in any case.
    pub(crate) const fn deadline(&self) -> Duration {
        self.deadline
    }

    /// Counts the messages that have arrived on a connection that is cut. Writes nothing.
    pub(crate) fn count_unread<D: Decode>(mut inbound: Inbound<'_, D, impl Input, impl Clock>) -> usize {
        /// The time limit, for a peer that never stops sending.
        const WITHIN: Duration = Duration::from_millis(100);
        let deadline = inbound.clock.now().saturating_add(WITHIN);
        let mut close = Self { within: WITHIN, deadline, report: CloseReport::default(), is_lost: false };
        let _ = close.empty::<D, ()>(&mut inbound);
        close.report.discarded
    }

    /// Returns how many messages arrived since the close began.
    pub(crate) const fn discarded(&self) -> usize {
        self.report.discarded
    }

    /// Makes progress as far as the socket allows. Returns the report, or what to wait for until the deadline.
    pub(crate) fn advance<D: Decode, E: Encode, P: Port, K: Clock>(
        &mut self,
        mut open: Open<'_, D, E, P, K>,
    ) -> Result<Result<CloseReport, Wants>, Cause<D::Error, E::Error>> {
        let is_out = open.flush()? == Progress::Done;
        // While output is left, reads must not wait: the peer may write before it reads.
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

    /// Reads and discards. Returns whether the peer has closed.
    fn empty<D: Decode, E>(
        &mut self,
        inbound: &mut Inbound<'_, D, impl Input, impl Clock>,
    ) -> Result<bool, Cause<D::Error, E>> {
        loop {
            self.count(inbound.receiving);
            if inbound.receiving.is_closed() {
                return Ok(true);
            }
            // Discarded bytes are not worth memory that other connections need.
            self.is_lost |= !inbound.receiving.make_room(inbound.waits(), || inbound.clock.now());
            let read = inbound.read(Some(self.deadline));
            // A peer that never stops sending must not hold this up.
            if !inbound.took(read)? || inbound.clock.now() >= self.deadline {
                self.count(inbound.receiving);
                inbound.receiving.release();
                return Ok(inbound.receiving.is_closed());
            }
        }
    }

    /// Counts the messages that were read, and discards all bytes, because unread bytes would cause a reset.
    fn count<D: Decode>(&mut self, receiving: &mut Receiving<D>) {
        while !self.is_lost {
            match receiving.poll_preamble() {
                Ok(true) => match receiving.poll() {
                    Ok(Received::Message(message)) => {
                        self.report.discarded += 1;
                        receiving.on_unread(message);
                    }
                    // After too many empty messages no more are returned, and the bytes must not pile up.
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
