//! Many tasks on one connection on tokio: one receives, the others call and send. Any of them may be cancelled.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use tokio::task::yield_now;

use super::super::model::{self, Turn, Waits};
use super::super::operation::Operation;
use super::super::peer::{self, NO_KEY, OTHER, REQUEST};
use super::super::world::{Shared, World};
use super::stream::Stream;
use super::task::Task;
use crate::profile::FramingPair;

type Caller = crate::tokio::Caller<FramingPair, Stream>;
type Receiver = crate::tokio::Receiver<FramingPair, Stream, Stream>;

/// How many calls may be in flight.
const WINDOW: usize = 3;
const TASKS: usize = 8;

struct Model {
    receiver: Task<Receiver>,
    /// Until when each call has to be over. Tasks that send have no time.
    callers: Vec<(Option<Duration>, Task<()>)>,
    caller: Caller,
    next_key: u8,
    in_order: bool,
    taken: Rc<Cell<u64>>,
}

/// Runs tasks that send and call and one that receives, with a peer that does anything it can.
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
            // Lets other tasks run, so that a flood costs little.
            yield_now().await;
        }
    }
    receiver
}

impl model::Model for Model {
    /// A call that is over still takes a reply that had arrived, for 10 ms.
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
                let message = peer::message(OTHER, NO_KEY, len);
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
        // With replies in order, calls that were given up keep their place.
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
