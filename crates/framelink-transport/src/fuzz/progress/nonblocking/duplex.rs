//! Many calls at a time on one non-blocking connection.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::super::model::{self, Turn, Waits};
use super::super::operation::Operation;
use super::super::peer::{self, NO_KEY, OTHER, REQUEST};
use super::super::world::{Shared, World};
use super::Stream;
use crate::drive::TryRecv;
use crate::nonblocking::{Event, TryCall};
use crate::profile::FramingPair;
use crate::session::CallId;
use crate::simulated::flag::Flag;

struct Model {
    duplex: crate::nonblocking::Duplex<FramingPair, Stream>,
    flag: Arc<Flag>,
    /// Until when each call has to be over.
    calls: BTreeMap<CallId, Duration>,
    next_key: u8,
    taken: u64,
}

/// Runs calls, other messages, and cancelled calls, with a peer that does anything it can.
pub(in super::super) fn duplex(data: &[u8]) {
    model::run(data, |scene| {
        let (connection, flag, liveness) = super::connect(scene);
        let duplex = connection.duplex(scene.matching(4));
        (Model { duplex, flag, calls: BTreeMap::new(), next_key: 0, taken: 0 }, liveness)
    });
}

impl model::Model for Model {
    const FLOOD: &'static [Duration] = super::FLOOD;

    fn begin(&mut self, operation: Operation, now: Duration) -> bool {
        match operation {
            Operation::Call { len, limit } => {
                let request = peer::message(REQUEST, self.next_key, len);
                // If it fails, receiving reports why.
                if let Ok(TryCall::Begun(call)) = self.duplex.try_call(&request, limit) {
                    self.next_key = (self.next_key + 1) % NO_KEY;
                    self.calls.insert(call, now + limit);
                }
                true
            }
            Operation::Finish => self.duplex.try_finish().is_ok(),
            Operation::Send { len } | Operation::SendWithin { len, .. } | Operation::Feed { len } => {
                self.duplex.try_send(&peer::message(OTHER, NO_KEY, len)).is_ok()
            }
            _ => true,
        }
    }

    fn give_up(&mut self, which: usize) -> bool {
        if let Some(&call) = self.calls.keys().nth(which % self.calls.len().max(1)) {
            self.calls.remove(&call);
            assert!(self.duplex.cancel(call), "a call is over and was not told");
        }
        true
    }

    async fn turn(&mut self, world: &Shared) -> Turn {
        if !super::is_turn(&self.flag, self.duplex.deadline(), world) {
            return Turn::Idle;
        }
        // If it fails, receiving reports why.
        let _ = self.duplex.try_flush();
        for count in 0.. {
            if super::is_enough(world, count) {
                break;
            }
            match self.duplex.try_recv() {
                Ok(TryRecv::Message(Event::Reply { call, .. })) => {
                    assert!(self.calls.remove(&call).is_some(), "a reply to no call");
                    self.taken += 1;
                }
                Ok(TryRecv::Message(Event::Failed { call, .. })) => {
                    assert!(self.calls.remove(&call).is_some(), "the end of no call");
                }
                Ok(TryRecv::Message(Event::Incoming(_))) => self.taken += 1,
                Ok(TryRecv::Nothing) => break,
                Ok(TryRecv::Closed) | Err(_) => {
                    assert!(self.calls.is_empty(), "the connection has ended and a call was not told");
                    return Turn::Ended;
                }
            }
        }
        Turn::Done
    }

    fn wake(&mut self) {
        self.flag.raise();
    }

    fn waits(&self, _: &World) -> Waits {
        let (writes, until) = (self.duplex.unwritten_bytes() > 0, self.calls.values().copied().min());
        Waits { writes, reads: true, takes: true, taken: self.taken, until }
    }

    fn is_calling(&self, _: &World) -> bool {
        !self.calls.is_empty()
    }
}
