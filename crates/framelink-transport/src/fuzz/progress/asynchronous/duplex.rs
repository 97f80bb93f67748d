//! Many tasks on one connection: one that receives, and those that call and send, any of which may be cancelled.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use tokio::task::yield_now;

use super::super::model::{self, Turn, Waits};
use super::super::operation::Operation;
use super::super::peer::{self, NEWS, NO_KEY, REQUEST};
use super::super::world::{Shared, World};
use super::stream::Stream;
use super::task::Task;
use crate::profile::FramingPair;

type Caller = crate::tokio::Caller<FramingPair, Stream>;
type Receiver = crate::tokio::Receiver<FramingPair, Stream, Stream>;

/// So many calls may be in flight.
const WINDOW: usize = 3;
/// So many tasks at most.
const TASKS: usize = 8;

struct Model {
    receiver: Task<Receiver>,
    /// Until when each call has to be over; the others send.
    callers: Vec<(Option<Duration>, Task<()>)>,
    caller: Caller,
    next_key: u8,
    in_order: bool,
    taken: Rc<Cell<u64>>,
}

/// Tasks that send and call, beside one that receives, and all that a peer can do.
pub(in super::super) fn duplex(data: &[u8]) {
    model::run(data, |scene| {
        let (connection, liveness) = super::connect(scene);
        let (caller, receiver) = connection.duplex(scene.matching(WINDOW));
        let taken = Rc::default();
        let receiver = Task::new(receive(receiver, Rc::clone(&taken)));
        (Model { receiver, callers: Vec::new(), caller, next_key: 0, in_order: scene.in_order, taken }, liveness)
    });
}

/// Receives until the end, and keeps the connection.
async fn receive(mut receiver: Receiver, taken: Rc<Cell<u64>>) -> Receiver {
    while let Ok(Some(_)) = receiver.recv().await {
        taken.set(taken.get() + 1);
        if taken.get().is_multiple_of(16) {
            // Others have their turn, so that a flood costs little.
            yield_now().await;
        }
    }
    receiver
}

impl model::Model for Model {
    /// A call takes what has arrived when its time is over for 10 ms more.
    const GRACE: Duration = Duration::from_millis(11);
    const FLOOD: &'static [Duration] = &[Duration::ZERO; 2];

    fn begin(&mut self, operation: Operation, now: Duration) -> bool {
        let caller = self.caller.clone();
        let task = match operation {
            _ if self.callers.len() == TASKS => return true,
            Operation::Call { len, limit } => {
                self.next_key = (self.next_key + 1) % NO_KEY;
                let request = peer::message(REQUEST, self.next_key, len);
                let taken = Rc::clone(&self.taken);
                let call = async move {
                    if caller.call(&request, limit).await.is_ok() {
                        taken.set(taken.get() + 1);
                    }
                };
                (Some(now + limit), Task::new(call))
            }
            Operation::Send { len } | Operation::SendWithin { len, .. } | Operation::Feed { len } => {
                let message = peer::message(NEWS, NO_KEY, len);
                (None, Task::new(async move { drop(caller.send(&message).await) }))
            }
            Operation::Finish => (None, Task::new(async move { drop(caller.finish().await) })),
            _ => return true,
        };
        self.callers.push(task);
        true
    }

    fn give_up(&mut self, which: usize) -> bool {
        if !self.callers.is_empty() {
            self.callers.remove(which % self.callers.len());
        }
        true
    }

    async fn turn(&mut self, world: &Shared) -> Turn {
        yield_now().await;
        let mut was_woken = false;
        for (_, task) in &mut self.callers {
            was_woken |= task.turn(world).await;
        }
        self.callers.retain(|(_, task)| task.done.is_none());
        was_woken |= self.receiver.turn(world).await;
        if was_woken {
            return Turn::Done;
        }
        let calls = self.callers.iter().any(|(until, _)| until.is_some());
        assert!(self.receiver.done.is_none() || !calls, "the connection has ended and a call was not told");
        Turn::Idle
    }

    fn waits(&self, _: &World) -> Waits {
        let (reads, calls) = (self.receiver.done.is_none(), self.callers.iter().filter_map(|(until, _)| *until));
        let sends = calls.clone().count() < self.callers.len();
        let in_flight = self.caller.in_flight();
        // In order, those that were given up keep their place.
        let taken = in_flight + if self.in_order { self.caller.unanswered() } else { 0 };
        let waits_for_room = calls.clone().count() > in_flight && taken < WINDOW;
        Waits { writes: sends || waits_for_room, reads, takes: reads, taken: self.taken.get(), until: calls.min() }
    }

    fn is_calling(&self, _: &World) -> bool {
        !self.callers.is_empty()
    }

    fn is_receiving(&self) -> bool {
        self.receiver.done.is_none()
    }
}
