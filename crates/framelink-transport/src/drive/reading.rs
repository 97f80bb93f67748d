//! Single reads, and the limits that are checked before each.

use std::io;
use std::time::Duration;

use framelink_codec::{Decode, Ends};

use super::{Clock, Inbound, Input, is_wait};
use crate::error::{Cause, is_cut_off};
use crate::session::Ending;

/// What is known from earlier reads.
#[derive(Default)]
pub(super) struct Reading {
    /// When reading began, if there is a time limit.
    began: Option<Duration>,
    /// Whether the last read would have had to wait.
    is_dry: bool,
}

/// The result of one read.
pub(super) enum Read {
    /// Ask the session again.
    Again,
    /// Nothing more can be read now. Continue at this time at the latest.
    Wait(Option<Duration>),
}

impl<D: Decode, I: Input, K: Clock> Inbound<'_, D, I, K> {
    /// Reads once. The session waits for more bytes until `until`.
    pub(super) fn read_once<E>(
        &mut self,
        reading: &mut Reading,
        until: Option<Duration>,
    ) -> Result<Read, Cause<D::Error, E>> {
        let overdue = self.check_limit(reading)?;
        let alive = self.receiving.alive_at();
        let ends = match self.receiving.has_lifetime() {
            false => None,
            true => match self.check_lifetime(reading)? {
                Read::Again => return Ok(Read::Again),
                Read::Wait(ends) => ends,
            },
        };
        let soonest = [until, overdue, alive, ends].into_iter().flatten().min();
        let read = self.read_or_wait(soonest);
        if let Some(ending) = self.receiving.told() {
            // The notice is what ended the read.
            return Err(self.ended(ending));
        }
        if self.took(read)? {
            reading.is_dry = false;
            return Ok(Read::Again);
        }
        self.receiving.release();
        self.receiving.on_idle(false);
        if self.input.is_starved() {
            return Ok(Read::Wait(None));
        }
        reading.is_dry = true;
        // The clock is read only if there is a deadline.
        let Some(soonest) = soonest else { return Ok(Read::Wait(None)) };
        let now = self.clock.now();
        if soonest > now {
            return Ok(Read::Wait(Some(soonest)));
        }
        if until.is_some_and(|at| at <= now) {
            self.receiving.on_deadline(now);
        }
        if alive.is_some_and(|at| at <= now) {
            self.receiving.on_time(now).map_err(Cause::Dead)?;
        }
        Ok(Read::Again)
    }

    /// Fails if a message, or the first one, has taken too long. Otherwise returns its deadline. Bytes that arrived by
    /// the deadline count even if this is called late, but reading them may take at most the limit once more.
    fn check_limit<E>(&mut self, reading: &mut Reading) -> Result<Option<Duration>, Cause<D::Error, E>> {
        let Some((at, after)) = self.receiving.overdue_at() else { return Ok(None) };
        let now = self.clock.now();
        let began = *reading.began.get_or_insert(now);
        let is_read = reading.is_dry || now.saturating_sub(began) >= after;
        if at <= now && (is_read || self.receiving.late_for(at, now) >= after) {
            return Err(Cause::TimedOut { after, unwritten_bytes: 0, unfinished: self.receiving.overdue() });
        }
        Ok(Some(at))
    }

    /// Fails if the connection is to end now, unless bytes have arrived that were not read yet. Otherwise returns when
    /// to check again. A blocking read is not woken by the last write, so it checks after each slice.
    fn check_lifetime<E>(&mut self, reading: &mut Reading) -> Result<Read, Cause<D::Error, E>> {
        const SLICE: Duration = Duration::from_millis(20);
        let now = self.clock.now();
        let Some(ending) = self.receiving.ending(now, reading.is_dry) else {
            let draining = match (self.receiving.is_draining(now), reading.is_dry) {
                (true, false) => Some(now),
                (true, true) if self.waits() => Some(now.saturating_add(SLICE)),
                _ => None,
            };
            return Ok(Read::Wait([self.receiving.ends_at(now), draining].into_iter().flatten().min()));
        };
        if reading.is_dry && !ending.is_abrupt() {
            let read = self.input.read_now(self.receiving.space());
            if self.took(read)? {
                reading.is_dry = false;
                return Ok(Read::Again);
            }
        }
        self.receiving.release();
        Err(self.ended(ending))
    }

    /// Builds the cause. After an abrupt end, received bytes are not needed any more.
    pub(super) fn ended<E>(&mut self, ending: Ending) -> Cause<D::Error, E> {
        // What a drain cuts is counted, so its bytes are kept.
        if ending.is_abrupt() && ending != Ending::Cut {
            self.receiving.forget();
        }
        Cause::Ended(ending)
    }

    /// Reads, or waits for something to read. An idle connection should hold no buffer, so a blocking read first looks
    /// without waiting, and gives a large buffer back before it waits.
    fn read_or_wait(&mut self, until: Option<Duration>) -> io::Result<usize> {
        if self.waits() && self.receiving.would_idle_with_much() {
            match self.input.read_now(self.receiving.space()) {
                Err(error) if is_wait(&error) => self.receiving.forget(),
                read => return read,
            }
        }
        self.read(until)
    }

    fn on_end<E>(&mut self) -> Result<(), Cause<D::Error, E>> {
        // A write has met the reset, and the read must report it too.
        if self.receiving.has_failed() {
            return Err(Cause::of_io(io::ErrorKind::ConnectionReset.into()));
        }
        self.receiving.on_closed();
        Ok(())
    }

    /// Returns whether a close that someone else may have caused could have cut a message which the close ends.
    #[cold]
    fn is_cut_inside_message(&self) -> bool {
        match self.receiving.ends() {
            Ends::Close => true,
            Ends::Quiet(_) => self.receiving.is_inside_message(),
            _ => false,
        }
    }

    /// Passes the result of a read to the session. Returns false if the read would have to wait.
    #[inline(always)] // A call with a result in memory takes as long as the rest.
    pub(super) fn took<E>(&mut self, read: io::Result<usize>) -> Result<bool, Cause<D::Error, E>> {
        match read {
            Ok(0) => self.on_end()?,
            Ok(count) => {
                let now = if self.receiving.wants_time() { self.clock.now() } else { Duration::ZERO };
                self.receiving.on_read(count, now);
            }
            Err(error) => match error.kind() {
                io::ErrorKind::Interrupted => {}
                io::ErrorKind::WouldBlock => return Ok(false),
                io::ErrorKind::UnexpectedEof if is_cut_off(&error) && !self.is_cut_inside_message() => self.on_end()?,
                _ => return Err(Cause::of_io(error)),
            },
        }
        Ok(true)
    }
}
