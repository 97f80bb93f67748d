//! Sends a message with the fault in it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use framelink_codec::{Decode, Encode};
use socket2::SockRef;

use super::talk::{Next, Talk};
use crate::Fault;

impl<F: Decode + Encode> Talk<F> {
    /// Sends a message with the fault in it.
    pub(super) fn deliver(&mut self, payload: &[u8]) -> io::Result<Next> {
        let plan = Arc::clone(&self.plan);
        let is_early = self.delivered < plan.count.unwrap_or(0);
        self.delivered += 1;
        match plan.fault {
            Fault::Dribble => self.dribble(payload)?,
            Fault::SplitHeader => self.split(payload)?,
            Fault::CutFin | Fault::CutReset if !is_early => return self.cut(payload),
            Fault::GarbageLength | Fault::Oversize if !is_early => return self.break_off(),
            Fault::Late => {
                self.stop.wait(plan.delay);
                self.send(payload)?;
                self.did(format_args!("sent after {:?}", plan.delay));
            }
            Fault::Twice => {
                self.send(payload)?;
                self.send(payload)?;
                self.did("sent a message twice");
            }
            Fault::Unsolicited => {
                self.send(payload)?;
                self.unsolicited()?;
            }
            Fault::HeartbeatStorm => {
                self.send(payload)?;
                self.burst()?;
            }
            _ => self.send(payload)?,
        }
        Ok(Next::GoOn)
    }

    /// Sends several messages with one write.
    pub(super) fn send_together(&mut self, payloads: &[Vec<u8>]) -> io::Result<()> {
        let frames = payloads.iter().map(|payload| self.frame(payload)).collect::<io::Result<Vec<_>>>()?;
        self.write(&frames.iter().flat_map(|frame| frame.bytes.iter().copied()).collect::<Vec<u8>>())?;
        frames.iter().try_for_each(|frame| self.sent(frame))?;
        self.did(format_args!("sent {} messages in one segment", frames.len()));
        Ok(())
    }

    /// Sends unsolicited messages.
    pub(super) fn unsolicited(&mut self) -> io::Result<()> {
        let plan = Arc::clone(&self.plan);
        let count = plan.count.unwrap_or(1);
        for message in plan.messages.iter().cycle().take(count) {
            self.send(message)?;
        }
        self.did(format_args!("sent {count} unsolicited"));
        Ok(())
    }

    /// Sends several empty frames.
    pub(super) fn burst(&mut self) -> io::Result<()> {
        let count = self.plan.count.unwrap_or(3);
        (0..count).try_for_each(|_| self.send(b""))
    }

    /// Sends empty frames without end, or the number that was set.
    pub(super) fn flood(&mut self) -> io::Result<()> {
        /// Frames of one write: the work is on the other side.
        const TOGETHER: usize = 1024;
        let empty = self.frame(b"")?;
        let mut left = self.plan.count.unwrap_or(usize::MAX);
        let many = empty.bytes.repeat(TOGETHER.min(left));
        self.did(match self.plan.count {
            Some(count) => format!("sends {count} empty frames"),
            None => "sends empty frames without end".to_owned(),
        });
        while left > 0 && !self.stop.is_stopped() {
            let count = left.min(TOGETHER);
            self.write(many.get(..count * empty.bytes.len()).unwrap_or_default())?;
            let count_sent = u64::try_from(count).unwrap_or(u64::MAX);
            self.counts.messages_sent += count_sent;
            self.tally.change(|counts| counts.messages_sent += count_sent);
            left -= count;
        }
        Ok(())
    }

    fn dribble(&mut self, payload: &[u8]) -> io::Result<()> {
        let frame = self.frame(payload)?;
        for byte in frame.bytes.chunks(1) {
            self.write(byte)?;
            self.stop.wait(self.plan.delay);
        }
        self.did(format_args!("sent {} bytes one at a time", frame.bytes.len()));
        self.sent(&frame)
    }

    fn split(&mut self, payload: &[u8]) -> io::Result<()> {
        let frame = self.frame(payload)?;
        // A header of one byte cannot be split, so it is sent alone.
        let at = 1 + self.random.below(frame.header_len.saturating_sub(1));
        let (first, second) = frame.bytes.split_at(at.min(frame.bytes.len()));
        self.write(first)?;
        self.stop.wait(self.plan.delay);
        self.write(second)?;
        self.did(format_args!("sent {at} bytes, and after {:?} the other {}", self.plan.delay, second.len()));
        self.sent(&frame)
    }

    fn cut(&mut self, payload: &[u8]) -> io::Result<Next> {
        let frame = self.frame(payload)?;
        let last = frame.bytes.len().saturating_sub(1);
        let at = self.plan.cut_at.unwrap_or_else(|| 1 + self.random.below(last.saturating_sub(1))).min(last);
        self.write(frame.bytes.get(..at).unwrap_or_default())?;
        self.did(format_args!("cut a frame of {} bytes after {at}", frame.bytes.len()));
        if self.plan.fault == Fault::CutReset {
            SockRef::from(&*self.stream).set_linger(Some(Duration::ZERO))?;
            return Ok(Next::Over("reset".to_owned()));
        }
        self.finish();
        let patience = self.plan.patience;
        self.drain(Some(patience)).map(|_| Next::Over("cut".to_owned()))
    }

    fn break_off(&mut self) -> io::Result<Next> {
        let plan = Arc::clone(&self.plan);
        let chosen = self.random.below(plan.bad_frames.len());
        let bad = plan.bad_frames.get(chosen).map(Vec::as_slice).unwrap_or_default();
        self.did(format_args!("sends {} bytes that are no frame", bad.len()));
        self.write(bad)?;
        Ok(Next::Broken)
    }
}
