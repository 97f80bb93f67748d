//! Simulated peers for tests: connections with replies on their way, ends, and unsolicited bytes.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use crate::pool::{CloseReason, Poolable};

/// The peer's side of one connection, and the network between.
#[derive(Debug, Default)]
pub(crate) struct Line {
    /// Replies that are on their way, or have arrived.
    replies: VecDeque<u64>,
    /// How many replies are owed to requests that were sent.
    owed: u32,
    /// How the connection ended, once it has.
    ended: Option<CloseReason>,
    pub(crate) is_to_move: bool,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Sockets(Rc<Cell<u32>>);

impl Sockets {
    pub(crate) fn open(&self) -> u32 {
        self.0.get()
    }
}

/// A simulated connection, as the pool has it.
#[derive(Debug)]
pub(crate) struct Fake {
    line: Rc<RefCell<Line>>,
    sockets: Sockets,
}

impl Fake {
    pub(crate) fn new(sockets: &Sockets) -> Self {
        sockets.0.set(sockets.0.get() + 1);
        Self { line: Rc::default(), sockets: sockets.clone() }
    }

    pub(crate) fn line(&self) -> Rc<RefCell<Line>> {
        Rc::clone(&self.line)
    }

    /// Sends a request, which is answered with its number sooner or later.
    pub(crate) fn request(&self, number: u64) {
        let mut line = self.line.borrow_mut();
        line.owed += 1;
        line.replies.push_back(number);
    }

    /// Takes the next reply. It answers the request if nothing else was on its way.
    pub(crate) fn reply(&self) -> Option<u64> {
        let mut line = self.line.borrow_mut();
        if line.ended.is_some_and(|reason| reason != CloseReason::Unsolicited) {
            return None;
        }
        line.owed -= 1;
        line.replies.pop_front()
    }
}

impl Line {
    pub(crate) fn end(&mut self, reason: CloseReason) {
        self.ended.get_or_insert(reason);
        if reason == CloseReason::Unsolicited {
            self.replies.push_front(u64::MAX);
        }
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.sockets.0.set(self.sockets.0.get() - 1);
    }
}

impl Poolable for Fake {
    type Handle = ();

    fn inspect(&mut self) -> Result<Option<Duration>, CloseReason> {
        let line = self.line.borrow();
        match line.ended {
            _ if line.owed > 0 => Err(CloseReason::Dirty),
            Some(reason) => Err(reason),
            None => Ok(Some(Duration::from_secs(30))),
        }
    }

    fn is_to_move(&self) -> bool {
        self.line.borrow().is_to_move
    }

    fn begin(&mut self) {
        let line = self.line.borrow();
        assert!(line.ended.is_none() && line.owed == 0, "only a clean connection is handed out: {line:?}");
    }

    fn end(&mut self) -> bool {
        let line = self.line.borrow();
        line.ended.is_none() && line.owed == 0
    }

    fn leave(&mut self, _reason: CloseReason) {}
}
