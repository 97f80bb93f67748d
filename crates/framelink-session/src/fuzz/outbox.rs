//! A model test of an outbox.

use std::collections::VecDeque;

use framelink_length::Length;

use crate::sending::Packed;
use crate::serving::{Backlog, Offered, Outbox, SlowRule};

/// Pushes messages to one connection by random steps beside a model. The backlog is never exceeded, frames are taken in
/// order, only the rule decides which messages are missing, and each message is counted once.
///
/// # Panics
/// If that does not hold.
pub fn outbox(data: &[u8]) {
    let Some((&[rule, messages, bytes], data)) = data.split_first_chunk::<3>() else { return };
    let rule = [SlowRule::Drop, SlowRule::Skip, SlowRule::Close][usize::from(rule % 3)];
    let mut model = Model::new(rule, usize::from(messages % 6), usize::from(bytes));
    for (number, &step) in (0..=u8::MAX).cycle().zip(data) {
        match step % 4 {
            0 | 1 => model.is_offered(&vec![number; usize::from(step / 4)]),
            2 => model.takes(),
            _ => model.has_written(u64::from(step / 4)),
        }
        model.check();
    }
}

struct Model {
    outbox: Outbox,
    framing: Length,
    rule: SlowRule,
    messages: usize,
    bytes: usize,
    waiting: VecDeque<Vec<u8>>,
    being_written: u64,
    queued: u64,
    /// Messages that were offered while the outbox was open.
    offered: u64,
    is_closed: bool,
}

impl Model {
    fn new(rule: SlowRule, messages: usize, bytes: usize) -> Self {
        let outbox = Outbox::new(Backlog::new(rule).messages(messages).bytes(bytes));
        let (framing, waiting) = ("net:1".parse().expect("a notation"), VecDeque::new());
        let (messages, being_written, queued, offered, is_closed) = (messages.max(1), 0, 0, 0, false);
        Self { outbox, framing, rule, messages, bytes, waiting, being_written, queued, offered, is_closed }
    }

    fn is_offered(&mut self, message: &[u8]) {
        let frame = Packed::new(&self.framing, message).expect("a short message");
        self.offered += u64::from(!self.is_closed);
        let expected = self.expected(frame.frame_len());
        assert_eq!(self.outbox.offer(&frame), expected);
        match expected {
            Offered::Queued | Offered::Skipped(_) => {
                self.queued += 1;
                self.waiting.push_back(frame.as_ref().to_vec());
            }
            Offered::Closed => {
                self.is_closed = true;
                self.waiting.clear();
                self.being_written = 0;
            }
            Offered::Dropped | Offered::Gone => {}
        }
    }

    fn expected(&mut self, frame_len: usize) -> Offered {
        match self.rule {
            _ if self.is_closed => Offered::Gone,
            _ if !self.is_full_for(frame_len) => Offered::Queued,
            SlowRule::Drop => Offered::Dropped,
            SlowRule::Close => Offered::Closed,
            SlowRule::Skip => {
                let before = self.waiting.len();
                while self.is_full_for(frame_len) {
                    self.waiting.pop_front();
                }
                Offered::Skipped(before - self.waiting.len())
            }
        }
    }

    /// An empty outbox has room for a frame of any length.
    fn is_full_for(&self, frame_len: usize) -> bool {
        let held: usize = self.waiting.iter().map(Vec::len).sum();
        !self.waiting.is_empty() && (self.waiting.len() >= self.messages || held + frame_len > self.bytes)
    }

    fn takes(&mut self) {
        let taken = self.outbox.take();
        assert_eq!(taken.as_ref().map(Packed::as_ref), self.waiting.pop_front().as_deref());
        self.being_written += u64::from(taken.is_some());
    }

    fn has_written(&mut self, count: u64) {
        self.outbox.on_written(count);
        self.being_written -= count.min(self.being_written);
    }

    fn check(&self) {
        let (counts, waiting) = (self.outbox.counts(), self.waiting.len());
        assert_eq!((self.outbox.len(), self.outbox.is_empty()), (waiting, waiting == 0));
        assert_eq!((self.outbox.is_closed(), counts.closed), (self.is_closed, u64::from(self.is_closed)));
        let under_way = self.being_written + waiting as u64;
        assert_eq!(counts.delivered + counts.skipped + counts.lost + under_way, self.queued, "each once");
        assert_eq!(self.queued + counts.dropped, self.offered);
    }
}
