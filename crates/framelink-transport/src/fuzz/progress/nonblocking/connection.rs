//! A non-blocking connection that sends, receives, or has one call under way.

use std::sync::Arc;
use std::time::Duration;

use super::super::model::{self, Turn, Waits};
use super::super::operation::Operation;
use super::super::peer::{self, NO_KEY, OTHER, REQUEST};
use super::super::world::{Shared, World};
use super::Stream;
use crate::drive::TryRecv;
use crate::profile::FramingPair;
use crate::simulated::flag::Flag;

struct Model {
    connection: crate::nonblocking::Connection<FramingPair, Stream>,
    flag: Arc<Flag>,
    /// Whether it takes messages while no call is under way.
    receives: bool,
    /// The deadline of the call that is under way.
    call: Option<Duration>,
    taken: u64,
}

/// Runs operations one after the other, with a peer that does anything it can.
pub(in super::super) fn connection(data: &[u8]) {
    model::run(data, |scene| {
        let (connection, flag, liveness) = super::connect(scene);
        (Model { connection, flag, receives: false, call: None, taken: 0 }, liveness)
    });
}

impl Model {
    const fn is_taking(&self) -> bool {
        self.receives || self.call.is_some()
    }

    /// Takes the next message. Returns `None` if the turn goes on.
    fn receive(&mut self) -> Option<Turn> {
        match self.connection.try_recv() {
            Ok(TryRecv::Message(_)) => {
                self.taken += 1;
                None
            }
            Ok(TryRecv::Nothing) => Some(Turn::Done),
            Ok(TryRecv::Closed) | Err(_) => Some(Turn::Ended),
        }
    }
}

impl model::Model for Model {
    const FLOOD: &'static [Duration] = super::FLOOD;

    fn begin(&mut self, operation: Operation, now: Duration) -> bool {
        let message = |kind, len| peer::message(kind, NO_KEY, len);
        match operation {
            // There is one call at a time.
            _ if self.call.is_some() => true,
            Operation::Send { len } | Operation::SendWithin { len, .. } => {
                self.connection.try_send(&message(OTHER, len)).is_ok()
            }
            Operation::Feed { len } => {
                self.connection.try_feed(&message(OTHER, len)).is_ok() && self.connection.try_flush().is_ok()
            }
            Operation::Receive | Operation::ReceiveWithin { .. } => {
                self.receives = true;
                loop {
                    if let Some(turn) = self.receive() {
                        return turn != Turn::Ended;
                    }
                }
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
            // A message that was dropped is not counted.
            Operation::Maintain { discard_unsolicited } => {
                self.connection.maintain(discard_unsolicited).is_ok() && !discard_unsolicited
            }
        }
    }

    fn give_up(&mut self, _: usize) -> bool {
        self.receives = false;
        true
    }

    fn drops_flood(&mut self) -> bool {
        !self.is_taking() && {
            let _ = self.connection.maintain(true);
            true
        }
    }

    async fn turn(&mut self, world: &Shared) -> Turn {
        if !super::is_turn(&self.flag, self.connection.deadline().filter(|_| self.is_taking()), world) {
            return Turn::Idle;
        }
        if self.connection.try_flush().is_err() {
            return Turn::Ended;
        }
        if self.call.is_some() {
            match self.connection.try_reply() {
                Ok(Some(_)) => {
                    self.taken += 1;
                    self.call = None;
                }
                Ok(None) => return Turn::Done,
                Err(_) => return Turn::Ended,
            }
        }
        if !self.receives {
            return Turn::Done;
        }
        for count in 0.. {
            if super::is_enough(world, count) {
                break;
            }
            if let Some(turn) = self.receive() {
                return turn;
            }
        }
        Turn::Done
    }

    fn wake(&mut self) {
        self.flag.raise();
    }

    fn waits(&self, _: &World) -> Waits {
        let takes = self.is_taking();
        let writes = self.connection.unwritten_bytes() > 0;
        Waits { writes, reads: takes, takes, taken: self.taken, until: self.call }
    }

    fn is_calling(&self, _: &World) -> bool {
        self.call.is_some()
    }
}
