//! A socket in memory and its peer. Readiness is edge-triggered: a waiter is woken once, by the next change.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice};
use std::rc::Rc;
use std::task::Waker;

use super::peer::{self, Flood, Received};
use super::step::Change;

/// The maximum number of operations in one call. A tokio task may take 512 messages in its turn, with a write at each.
const MOST: u32 = 1000;

/// A socket that its reader and its writer may share.
#[derive(Clone, Default)]
pub(super) struct Shared(Rc<RefCell<World>>);

impl Shared {
    pub(super) fn new(window: usize) -> Self {
        Self(Rc::new(RefCell::new(World::new(window))))
    }

    pub(super) fn with<T>(&self, work: impl FnOnce(&mut World) -> T) -> T {
        work(&mut self.0.borrow_mut())
    }
}

#[derive(Default)]
pub(super) struct World {
    /// Bytes that have arrived and were not read.
    inbox: VecDeque<u8>,
    /// Bytes that the peer has sent and that have not arrived.
    on_their_way: VecDeque<u8>,
    /// How the peer has ended its side, after all that it has sent.
    end: Option<End>,
    /// Whether the driver was told of the end.
    is_end_seen: bool,
    /// How many bytes the socket takes now.
    window: usize,
    is_shut_down: bool,
    /// The wakers of the reader and of the writer. Each is woken once.
    reader: Option<Waker>,
    writer: Option<Waker>,
    flood: Option<Flood>,
    /// The frames that the peer has received.
    pub(super) received: Received,
    /// How many bytes were sent, and how many have arrived.
    sent: u64,
    arrived: u64,
    /// Where messages end that have not wholly arrived.
    ends: VecDeque<u64>,
    arrived_messages: u64,
    /// How many operations the current call of the driver has done.
    operations: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Closed,
    Reset,
}

impl World {
    fn new(window: usize) -> Self {
        Self { window, ..Self::default() }
    }

    pub(super) fn change(&mut self, change: Change) {
        match change {
            Change::Message { len, arrives } => {
                self.sends(&peer::message(peer::OTHER, peer::NO_KEY, len), true, arrives);
            }
            Change::Probe { arrives } => self.sends(peer::PROBE, false, arrives),
            Change::Answer if self.received.probes > 0 => {
                self.received.probes -= 1;
                self.sends(peer::ANSWER, false, true);
            }
            Change::Reply { which, len, arrives } if !self.received.requests.is_empty() => {
                let which = which % self.received.requests.len();
                if let Some(key) = self.received.requests.remove(which) {
                    self.sends(&peer::reply(key, len), true, arrives);
                }
            }
            Change::Answer | Change::Reply { .. } => {}
            Change::Deliver(count) => self.deliver(count),
            Change::Open(count) => self.open(count),
            Change::HalfClose => self.ends(End::Closed),
            Change::Reset => self.ends(End::Reset),
        }
    }

    /// Lets all that the peer has sent arrive, and answers all that it has received.
    pub(super) fn answer_all(&mut self) {
        while self.received.probes > 0 && self.end.is_none() {
            self.change(Change::Answer);
        }
        while !self.received.requests.is_empty() && self.end.is_none() {
            self.change(Change::Reply { which: 0, len: 2, arrives: true });
        }
        self.deliver(usize::MAX);
    }

    pub(super) fn open(&mut self, count: usize) {
        self.window = self.window.saturating_add(count);
        fire(&mut self.writer);
    }

    pub(super) fn begin_flood(&mut self, flood: Flood) {
        self.deliver(usize::MAX);
        if self.end.is_none() {
            self.flood = Some(flood);
            fire(&mut self.reader);
        }
    }

    pub(super) fn end_flood(&mut self) {
        self.flood = None;
    }

    pub(super) const fn is_flooding(&self) -> bool {
        self.flood.is_some()
    }

    /// Begins a call of the driver, whose operations are counted.
    pub(super) fn begin_call(&mut self) {
        self.operations = 0;
    }

    /// Returns whether there are bytes or an end that were not read.
    pub(super) fn has_unread(&self) -> bool {
        !self.inbox.is_empty() || self.flood.is_some() || (self.is_end_here() && !self.is_end_seen)
    }

    pub(super) const fn takes_more(&self) -> bool {
        self.window > 0 || self.is_reset()
    }

    /// Returns whether the socket would take the rest of a frame that is partly written.
    pub(super) const fn lacks_a_rest(&self) -> bool {
        self.window > 0 && !self.is_reset() && self.received.is_inside_frame()
    }

    pub(super) const fn arrived_messages(&self) -> u64 {
        self.arrived_messages
    }

    pub(super) const fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    pub(super) const fn is_reset(&self) -> bool {
        matches!(self.end, Some(End::Reset))
    }

    pub(super) fn read(&mut self, space: &mut [u8], waker: &Waker) -> io::Result<usize> {
        self.operate();
        if let Some(flood) = self.flood
            && self.inbox.is_empty()
        {
            for _ in 0..4 {
                self.sends(peer::flooding(flood), flood == Flood::Messages, true);
            }
        }
        if self.inbox.is_empty() {
            if !self.is_end_here() {
                self.reader = Some(waker.clone());
                return Err(ErrorKind::WouldBlock.into());
            }
            return match std::mem::replace(&mut self.is_end_seen, true) {
                // A socket reports a reset once.
                false if self.is_reset() => Err(ErrorKind::ConnectionReset.into()),
                _ => Ok(0),
            };
        }
        let count = space.len().min(self.inbox.len());
        space[..count].copy_from_slice(&self.inbox.make_contiguous()[..count]);
        self.inbox.drain(..count);
        Ok(count)
    }

    pub(super) fn write(&mut self, bytes: &[u8], waker: &Waker) -> io::Result<usize> {
        self.operate();
        assert!(!self.is_shut_down, "a write after our side has ended");
        if self.is_reset() {
            return Err(ErrorKind::BrokenPipe.into());
        }
        if self.window == 0 && !bytes.is_empty() {
            self.writer = Some(waker.clone());
            return Err(ErrorKind::WouldBlock.into());
        }
        let count = bytes.len().min(self.window);
        self.window -= count;
        self.received.take(&bytes[..count]);
        Ok(count)
    }

    pub(super) fn shut_down(&mut self) -> io::Result<()> {
        self.operate();
        assert!(!self.received.is_inside_frame(), "our side ends inside a frame");
        self.is_shut_down = true;
        Ok(())
    }

    fn operate(&mut self) {
        self.operations += 1;
        assert!(self.operations <= MOST, "a call goes on without end");
    }

    fn sends(&mut self, payload: &[u8], is_message: bool, arrives: bool) {
        if self.end.is_some() {
            return;
        }
        let header = peer::header(payload);
        self.on_their_way.extend(&header);
        self.on_their_way.extend(payload);
        self.sent += (header.len() + payload.len()) as u64;
        if is_message {
            self.ends.push_back(self.sent);
        }
        if arrives {
            self.deliver(usize::MAX);
        }
    }

    fn deliver(&mut self, count: usize) {
        let count = count.min(self.on_their_way.len());
        // Slices are moved, not bytes: a test does this millions of times.
        let rest = self.on_their_way.split_off(count);
        self.inbox.append(&mut self.on_their_way);
        self.on_their_way = rest;
        self.arrived += count as u64;
        while self.ends.front().is_some_and(|&end| end <= self.arrived) {
            self.ends.pop_front();
            self.arrived_messages += 1;
        }
        if count > 0 || self.is_end_here() {
            fire(&mut self.reader);
        }
    }

    fn ends(&mut self, end: End) {
        if self.is_reset() || self.end == Some(end) {
            return;
        }
        self.end = Some(end);
        self.flood = None;
        if end == End::Reset {
            self.inbox.clear();
            self.on_their_way.clear();
            self.is_end_seen = false;
            fire(&mut self.writer);
        }
        if self.is_end_here() {
            fire(&mut self.reader);
        }
    }

    fn is_end_here(&self) -> bool {
        self.end.is_some() && self.on_their_way.is_empty()
    }
}

/// Joins the parts of a frame, which are written together.
pub(super) fn joined(parts: &[IoSlice<'_>]) -> Vec<u8> {
    let mut joined = Vec::new();
    parts.iter().for_each(|part| joined.extend_from_slice(part));
    joined
}

fn fire(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}
