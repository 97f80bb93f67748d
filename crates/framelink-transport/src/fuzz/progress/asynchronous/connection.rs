//! A connection: one operation at a time, which may be given up.

use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::task::yield_now;
use tokio::time::{Instant, advance};

use super::super::bell::Bell;
use super::super::peer::{self, NEWS, NO_KEY, REQUEST};
use super::super::step::{Operation, Step, Steps};
use super::super::world::{Shared, World};
use super::stream::{Reader, Writer};
use crate::session::Pulse;
use crate::{Directions, TryRecv};

type Connection = crate::tokio::Connection<Directions, Reader, Writer>;

/// What an operation came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Done {
    Nothing,
    Message,
    /// The connection has ended or is of no more use.
    End,
}

/// What an operation waits for, and until when.
#[derive(Clone, Copy, Debug)]
struct Waits {
    for_messages: bool,
    until: Option<Instant>,
}

/// Operations one after the other, beside all that a peer can do.
pub(in super::super) fn connection(data: &[u8]) {
    super::run(data, async |scene, mut steps| {
        let mut connection = super::connect(&scene);
        let mut run = Run { pulse: connection.pulse().cloned(), start: Instant::now(), taken: 0, world: scene.world };
        while let Some(step) = steps.next() {
            let operation = match step {
                Step::Peer(change) => {
                    run.world.with(|world| world.change(change));
                    continue;
                }
                Step::Wait(time) => {
                    advance(time).await;
                    continue;
                }
                Step::Flood(flood, _) => {
                    run.world.with(|world| world.begin_flood(flood));
                    run.world.with(World::begin_call);
                    // What was dropped is not counted.
                    let _ = connection.tend(true);
                    return;
                }
                Step::GiveUp(_) => continue,
                Step::Begin(operation) => operation,
            };
            let waits = waits(operation);
            let future = pin!(act(&mut connection, operation));
            if run.drive(future, waits, &mut steps).await == Done::End {
                return;
            }
        }
    });
}

fn waits(operation: Operation) -> Waits {
    let until = match operation {
        Operation::SendWithin { limit, .. } | Operation::ReceiveWithin { limit } | Operation::Call { limit, .. } => {
            Some(Instant::now() + limit)
        }
        _ => None,
    };
    let for_messages =
        matches!(operation, Operation::Receive | Operation::ReceiveWithin { .. } | Operation::Call { .. });
    Waits { for_messages, until }
}

async fn act(connection: &mut Connection, operation: Operation) -> Done {
    let message = |kind, len| peer::message(kind, NO_KEY, len);
    let done = match operation {
        Operation::Send { len } => connection.send(&message(NEWS, len)).await.map(|()| Done::Nothing),
        Operation::Feed { len } => connection.feed(&message(NEWS, len)).await.map(|()| Done::Nothing),
        Operation::SendWithin { len, limit } => match connection.send_within(&message(NEWS, len), limit).await {
            Err(error) if is_over(error.cause()) => Ok(Done::Nothing),
            sent => sent.map(|()| Done::Nothing),
        },
        Operation::Receive => {
            connection.recv().await.map(|received| if received.is_some() { Done::Message } else { Done::End })
        }
        Operation::ReceiveWithin { limit } => connection.recv_within(limit).await.map(|received| match received {
            TryRecv::Message(_) => Done::Message,
            TryRecv::Nothing => Done::Nothing,
            TryRecv::Closed => Done::End,
        }),
        Operation::Call { len, limit } => match connection.call(&message(REQUEST, len), limit).await {
            Ok(_) => Ok(Done::Message),
            // It closed the connection.
            Err(_) => Ok(Done::End),
        },
        Operation::Finish => connection.finish().await.map(|()| Done::Nothing),
        // What was dropped is not counted.
        Operation::Tend { is_deaf } => {
            connection.tend(is_deaf).map(|_| if is_deaf { Done::End } else { Done::Nothing })
        }
    };
    done.unwrap_or(Done::End)
}

fn is_over<D, E>(cause: &crate::Cause<D, E>) -> bool {
    matches!(cause, crate::Cause::NoRoom { .. } | crate::Cause::TimedOut { .. })
}

struct Run {
    world: Shared,
    pulse: Option<Pulse>,
    start: Instant,
    /// How many messages the application has taken.
    taken: u64,
}

impl Run {
    /// Goes on with an operation, and with the schedule where it waits. What it came to, and nothing if it was given up.
    async fn drive(
        &mut self,
        mut future: Pin<&mut impl Future<Output = Done>>,
        waits: Waits,
        steps: &mut Steps<'_>,
    ) -> Done {
        let bell = Bell::rung();
        loop {
            if let Some(done) = self.settle(future.as_mut(), &bell).await {
                return done;
            }
            self.check(waits);
            match steps.next() {
                Some(Step::Peer(change)) => self.world.with(|world| world.change(change)),
                Some(Step::Wait(time)) => advance(time).await,
                Some(Step::Flood(flood, time)) => {
                    self.world.with(|world| world.begin_flood(flood));
                    let ended = self.flooded(future.as_mut(), &bell, time, waits).await;
                    self.world.with(World::end_flood);
                    if let Some(done) = ended {
                        return done;
                    }
                }
                Some(Step::GiveUp(_)) => return Done::Nothing,
                Some(Step::Begin(_)) => {}
                None => return self.relieve(future, &bell, waits).await,
            }
        }
    }

    /// Polls the operation until it is done or nothing wakes it.
    async fn settle(&mut self, mut future: Pin<&mut impl Future<Output = Done>>, bell: &Bell) -> Option<Done> {
        for _ in 0..100 {
            yield_now().await;
            if !bell.take() {
                return None;
            }
            if let Poll::Ready(done) = self.poll(future.as_mut(), bell) {
                return Some(done);
            }
        }
        panic!("a task is woken again and again, and does nothing");
    }

    fn poll(&mut self, future: Pin<&mut impl Future<Output = Done>>, bell: &Bell) -> Poll<Done> {
        self.world.with(World::begin_call);
        let polled = future.poll(&mut Context::from_waker(&bell.waker));
        if polled == Poll::Ready(Done::Message) {
            self.taken += 1;
        }
        polled
    }

    /// The peer sends without end, for so long.
    async fn flooded(
        &mut self,
        mut future: Pin<&mut impl Future<Output = Done>>,
        bell: &Bell,
        time: Duration,
        waits: Waits,
    ) -> Option<Done> {
        for passes in [Duration::ZERO, time] {
            if !passes.is_zero() {
                advance(passes).await;
            }
            for _ in 0..4 {
                yield_now().await;
                if bell.take()
                    && let Poll::Ready(done) = self.poll(future.as_mut(), bell)
                {
                    return Some(done);
                }
            }
            assert!(!self.is_overdue(waits), "a deadline passes while the peer sends without end");
        }
        None
    }

    fn is_overdue(&self, waits: Waits) -> bool {
        waits.until.is_some_and(|until| until <= Instant::now())
    }

    /// Nothing wakes the operation: it must have nothing that it could do.
    fn check(&self, waits: Waits) {
        assert!(!self.is_overdue(waits), "a deadline has passed");
        self.world.with(|world| {
            if waits.for_messages {
                assert!(!world.has_unread(), "something to read was not seen");
                assert!(world.arrived_messages() <= self.taken, "a message has arrived and was not delivered");
                assert!(!world.lacks_a_rest(), "the rest of a frame could leave");
                if let Some(pulse) = &self.pulse {
                    assert!(!(pulse.has_due() && world.takes_more()), "a heartbeat is due and could leave");
                    let now = self.start.elapsed();
                    let late = now.saturating_sub(Duration::from_millis(1));
                    assert!(pulse.deadline().is_none_or(|at| at >= late), "a heartbeat is due and was forgotten");
                }
            } else {
                assert!(!world.takes_more(), "a message could leave");
            }
        });
    }

    /// In the end the peer does all that is wanted of it, first without taking anything, and the operation ends without time passing.
    async fn relieve(&mut self, mut future: Pin<&mut impl Future<Output = Done>>, bell: &Bell, waits: Waits) -> Done {
        for round in 0..4 {
            self.world.with(|world| match round {
                0 | 2 => world.answer_all(),
                1 => world.open(usize::MAX / 4),
                _ => world.change(super::super::step::Change::Message { len: 2, arrives: true }),
            });
            if let Some(done) = self.settle(future.as_mut(), bell).await {
                return done;
            }
            self.check(waits);
        }
        panic!("an operation does not end though its peer does all that it can");
    }
}
