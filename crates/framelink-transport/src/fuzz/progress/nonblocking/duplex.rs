//! Many calls at a time on one connection.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::peer::{self, NEWS, NO_KEY, REQUEST};
use super::super::step::{Operation, Step};
use super::super::world::{Shared, World};
use super::{Driven, Loop, Stream};
use crate::nonblocking::{Event, TryCall};
use crate::session::CallId;
use crate::{Directions, TryRecv};

struct Model {
    duplex: crate::nonblocking::Duplex<Directions, Stream>,
    /// Until when each call has to be over.
    calls: BTreeMap<CallId, Duration>,
    next_key: u8,
    taken: u64,
}

/// Calls, messages that are no calls, and calls that are given up, beside all that a peer can do.
pub(in super::super) fn duplex(data: &[u8]) {
    super::run(data, |scene, steps| {
        let matching = scene.matching(4);
        let (events, connection) = Loop::new(scene);
        let mut model = Model { duplex: connection.duplex(matching), calls: BTreeMap::new(), next_key: 0, taken: 0 };
        for step in steps {
            events.world.with(|world| world.begin_call());
            let goes_on = match step {
                Step::Begin(operation) => model.begin(operation, events.now()) && events.settle(&mut model),
                Step::GiveUp(which) => {
                    model.give_up(which);
                    events.settle(&mut model)
                }
                step => events.step(&mut model, step),
            };
            if !goes_on {
                return;
            }
        }
        assert!(
            !events.relieve(&mut model) || model.calls.is_empty(),
            "a call does not end though its peer has answered"
        );
    });
}

impl Model {
    /// False once the connection has ended.
    fn begin(&mut self, operation: Operation, now: Duration) -> bool {
        match operation {
            Operation::Call { len, limit } => {
                let request = peer::message(REQUEST, self.next_key, len);
                match self.duplex.try_call(&request, limit) {
                    Ok(TryCall::Begun(call)) => {
                        self.next_key = (self.next_key + 1) % NO_KEY;
                        self.calls.insert(call, now + limit);
                        true
                    }
                    Ok(TryCall::Full) => true,
                    // Why, it says when it is asked for what comes.
                    Err(_) => true,
                }
            }
            Operation::Finish => self.duplex.try_finish().is_ok(),
            Operation::Send { len } | Operation::SendWithin { len, .. } | Operation::Feed { len } => {
                self.duplex.try_send(&peer::message(NEWS, NO_KEY, len)).is_ok()
            }
            _ => true,
        }
    }

    fn give_up(&mut self, which: usize) {
        let Some(&call) = self.calls.keys().nth(which % self.calls.len().max(1)) else { return };
        self.calls.remove(&call);
        assert!(self.duplex.cancel(call), "a call is over and was not told");
    }
}

impl Driven for Model {
    fn turn(&mut self, world: &Shared) -> bool {
        world.with(|world| world.begin_call());
        // If that fails, receiving tells why.
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
                Ok(TryRecv::Nothing) => return true,
                Ok(TryRecv::Closed) | Err(_) => {
                    assert!(self.calls.is_empty(), "the connection has ended and a call was not told");
                    return false;
                }
            }
        }
        true
    }

    fn deadline(&self) -> Option<Duration> {
        self.duplex.deadline()
    }

    fn is_reading(&self, _: &World) -> bool {
        true
    }

    fn is_taking(&self) -> bool {
        true
    }

    fn unwritten_bytes(&self) -> usize {
        self.duplex.unwritten_bytes()
    }

    fn taken(&self) -> u64 {
        self.taken
    }

    fn until(&self) -> Option<Duration> {
        self.calls.values().copied().min()
    }
}
