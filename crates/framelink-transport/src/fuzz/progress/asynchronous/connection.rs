//! A connection on tokio: one operation at a time, which may be cancelled.

use std::rc::Rc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::task::yield_now;

use super::super::model::{self, Turn, Waits};
use super::super::operation::{Done, Operation, act};
use super::super::world::{Shared, World};
use super::Connection;
use super::task::Task;
use crate::driver::awaited;

struct Model {
    connection: Rc<Mutex<Connection>>,
    under_way: Option<OperationUnderWay>,
    taken: u64,
}

struct OperationUnderWay {
    operation: Operation,
    until: Option<Duration>,
    task: Task<Done>,
}

/// Runs operations one after the other, with a peer that does anything it can.
pub(in super::super) fn connection(data: &[u8]) {
    model::run(data, |scene| {
        let (connection, liveness) = super::connect(scene);
        (Model { connection: Rc::new(Mutex::new(connection)), under_way: None, taken: 0 }, liveness)
    });
}

impl model::Model for Model {
    const FLOOD: &'static [Duration] = &[Duration::ZERO; 3];

    fn begin(&mut self, operation: Operation, now: Duration) -> bool {
        if self.under_way.is_none() {
            let connection = Rc::clone(&self.connection);
            let task = Task::new(async move {
                let mut connection = connection.try_lock().expect("one operation at a time");
                act!(awaited, connection, operation)
            });
            self.under_way =
                Some(OperationUnderWay { operation, until: operation.limit().map(|limit| now + limit), task });
        }
        true
    }

    fn give_up(&mut self, _: usize) -> bool {
        self.under_way = None;
        true
    }

    fn drops_flood(&mut self) -> bool {
        self.under_way.is_none() && {
            let _ = self.connection.try_lock().expect("no operation").maintain(true);
            true
        }
    }

    async fn turn(&mut self, world: &Shared) -> Turn {
        let Some(OperationUnderWay { task, .. }) = &mut self.under_way else { return Turn::Idle };
        yield_now().await;
        let was_woken = task.turn(world).await;
        let Some(done) = task.done else { return if was_woken { Turn::Done } else { Turn::Idle } };
        self.under_way = None;
        self.taken += u64::from(done == Done::Message);
        if done == Done::End { Turn::Ended } else { Turn::Done }
    }

    fn waits(&self, _: &World) -> Waits {
        let Some(OperationUnderWay { operation, until, .. }) = self.under_way else { return Waits::default() };
        let reads = operation.is_for_messages();
        Waits { writes: !reads, reads, takes: reads, taken: self.taken, until }
    }

    fn is_calling(&self, _: &World) -> bool {
        let operation = self.under_way.as_ref().map(|under_way| under_way.operation);
        operation.is_some_and(|operation| !matches!(operation, Operation::Receive | Operation::ReceiveWithin { .. }))
    }

    fn is_receiving(&self) -> bool {
        self.under_way.is_some()
    }
}
