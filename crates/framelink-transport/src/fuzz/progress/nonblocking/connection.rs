//! A connection: sends, receives, or has one call under way.

use std::time::Duration;

use super::super::peer::{self, NEWS, NO_KEY, REQUEST};
use super::super::step::{Operation, Step};
use super::super::world::{Shared, World};
use super::{Driven, Loop, Stream};
use crate::{Directions, TryRecv};

struct Model {
    connection: crate::nonblocking::Connection<Directions, Stream>,
    /// Whether it takes messages, where no call is under way.
    receives: bool,
    /// Until when there has to be a reply, where a call is under way.
    call: Option<Duration>,
    taken: u64,
}

/// Operations one after the other, beside all that a peer can do.
pub(in super::super) fn connection(data: &[u8]) {
    super::run(data, |scene, steps| {
        let (events, connection) = Loop::new(scene);
        let mut model = Model { connection, receives: false, call: None, taken: 0 };
        for step in steps {
            let goes_on = match step {
                Step::Begin(operation) => {
                    events.world.with(|world| world.begin_call());
                    model.begin(operation, events.now()) && events.settle(&mut model)
                }
                Step::GiveUp(_) => {
                    model.receives = false;
                    events.settle(&mut model)
                }
                step => events.step(&mut model, step),
            };
            if !goes_on {
                return;
            }
        }
        assert!(
            !events.relieve(&mut model) || model.call.is_none(),
            "a call does not end though its peer has answered"
        );
    });
}

impl Model {
    /// False once the connection has ended.
    fn begin(&mut self, operation: Operation, now: Duration) -> bool {
        let message = |kind, len| peer::message(kind, NO_KEY, len);
        match operation {
            // One at a time.
            _ if self.call.is_some() => true,
            Operation::Send { len } | Operation::SendWithin { len, .. } => {
                self.connection.try_send(&message(NEWS, len)).is_ok()
            }
            Operation::Feed { len } => self.connection.try_feed(&message(NEWS, len)).is_ok() && self.flush(),
            Operation::Receive | Operation::ReceiveWithin { .. } => {
                self.receives = true;
                self.receive()
            }
            Operation::Call { len, limit } => match self.connection.try_call(&message(REQUEST, len), limit) {
                Ok(Some(_)) => {
                    self.taken += 1;
                    true
                }
                Ok(None) => {
                    self.call = Some(now + limit);
                    true
                }
                Err(_) => false,
            },
            Operation::Finish => self.connection.try_finish().is_ok(),
            // What was dropped is not counted.
            Operation::Tend { is_deaf } => self.connection.tend(is_deaf).is_ok() && !is_deaf,
        }
    }

    fn flush(&mut self) -> bool {
        self.connection.try_flush().is_ok()
    }

    fn receive(&mut self) -> bool {
        loop {
            match self.connection.try_recv() {
                Ok(TryRecv::Message(_)) => self.taken += 1,
                Ok(TryRecv::Nothing) => return true,
                Ok(TryRecv::Closed) | Err(_) => return false,
            }
        }
    }
}

impl Driven for Model {
    fn turn(&mut self, world: &Shared) -> bool {
        world.with(|world| world.begin_call());
        if !self.flush() {
            return false;
        }
        if self.call.is_some() {
            match self.connection.try_reply() {
                Ok(Some(_)) => {
                    self.taken += 1;
                    self.call = None;
                }
                Ok(None) => return true,
                Err(_) => return false,
            }
        }
        if !self.receives {
            // What was dropped is not counted.
            return !(world.with(|world| world.is_flooding()) && self.connection.tend(true).is_ok());
        }
        for count in 0.. {
            if super::is_enough(world, count) {
                break;
            }
            match self.connection.try_recv() {
                Ok(TryRecv::Message(_)) => self.taken += 1,
                Ok(TryRecv::Nothing) => return true,
                Ok(TryRecv::Closed) | Err(_) => return false,
            }
        }
        true
    }

    fn deadline(&self) -> Option<Duration> {
        let is_asked = self.receives || self.call.is_some();
        self.connection.deadline().filter(|_| is_asked)
    }

    fn is_reading(&self, _: &World) -> bool {
        self.is_taking()
    }

    fn is_taking(&self) -> bool {
        self.receives || self.call.is_some()
    }

    fn unwritten_bytes(&self) -> usize {
        self.connection.unwritten_bytes()
    }

    fn taken(&self) -> u64 {
        self.taken
    }

    fn until(&self) -> Option<Duration> {
        self.call
    }
}
