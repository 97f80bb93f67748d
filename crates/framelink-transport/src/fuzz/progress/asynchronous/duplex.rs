//! Many tasks on one connection: one that receives, and those that call and send, any of which may be cancelled.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::task::yield_now;
use tokio::time::{Instant, advance};

use super::super::bell::Bell;
use super::super::peer::{self, NEWS, NO_KEY, REQUEST};
use super::super::step::{Change, Operation, Step};
use super::super::world::{Shared, World};
use super::stream::{Reader, Writer};
use crate::Directions;
use crate::session::Pulse;

type Caller = crate::tokio::Caller<Directions, Writer>;
type Receiver = crate::tokio::Receiver<Directions, Reader, Writer>;

/// So many calls may be in flight.
const WINDOW: usize = 3;
/// So many tasks at most.
const TASKS: usize = 8;
/// A call takes what has come when its time is over for 10 ms more.
const GRACE: Duration = Duration::from_millis(11);

/// Tasks that send and call, beside one that receives, and all that a peer can do.
pub(in super::super) fn duplex(data: &[u8]) {
    super::run(data, async |scene, steps| {
        let connection = super::connect(&scene);
        let pulse = connection.pulse().cloned();
        let (caller, receiver) = connection.duplex(scene.matching(WINDOW));
        let taken = Rc::default();
        let mut tasks = Tasks {
            receiver: Task::new(Kind::Receive, None, receive(receiver, Rc::clone(&taken))),
            callers: Vec::new(),
            world: scene.world,
            start: Instant::now(),
            next_key: 0,
            in_order: scene.in_order,
            caller,
            pulse,
            taken,
        };
        for step in steps {
            match step {
                Step::Peer(change) => tasks.world.with(|world| world.change(change)),
                Step::Wait(time) => advance(time).await,
                Step::Flood(flood, time) => {
                    tasks.world.with(|world| world.begin_flood(flood));
                    tasks.flooded(time).await;
                    tasks.world.with(World::end_flood);
                }
                Step::GiveUp(which) if !tasks.callers.is_empty() => {
                    let which = which % tasks.callers.len();
                    tasks.callers.remove(which);
                }
                Step::GiveUp(_) => {}
                Step::Begin(operation) => tasks.begin(operation),
            }
            tasks.settle().await;
        }
        tasks.relieve().await;
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Receive,
    Send,
    Call,
}

struct Task<T> {
    kind: Kind,
    bell: Bell,
    until: Option<Instant>,
    future: Pin<Box<dyn Future<Output = T>>>,
    /// What it came to.
    done: Option<T>,
}

impl<T> Task<T> {
    fn new(kind: Kind, until: Option<Instant>, future: impl Future<Output = T> + 'static) -> Self {
        Self { kind, bell: Bell::rung(), until, future: Box::pin(future), done: None }
    }

    /// Polls it if it was woken; whether it was.
    fn turn(&mut self, world: &Shared) -> bool {
        if self.done.is_some() || !self.bell.take() {
            return false;
        }
        world.with(World::begin_call);
        if let Poll::Ready(done) = self.future.as_mut().poll(&mut Context::from_waker(&self.bell.waker)) {
            self.done = Some(done);
        }
        true
    }
}

struct Tasks {
    receiver: Task<Receiver>,
    callers: Vec<Task<()>>,
    caller: Caller,
    world: Shared,
    pulse: Option<Pulse>,
    start: Instant,
    next_key: u8,
    in_order: bool,
    /// How many messages have come that answer no call.
    taken: Rc<Cell<u64>>,
}

impl Tasks {
    fn begin(&mut self, operation: Operation) {
        if self.callers.len() == TASKS {
            return;
        }
        let caller = self.caller.clone();
        let task = match operation {
            Operation::Call { len, limit } => {
                self.next_key = (self.next_key + 1) % NO_KEY;
                let request = peer::message(REQUEST, self.next_key, len);
                let taken = Rc::clone(&self.taken);
                Task::new(Kind::Call, Some(Instant::now() + limit), async move {
                    if caller.call(&request, limit).await.is_ok() {
                        taken.set(taken.get() + 1);
                    }
                })
            }
            Operation::Send { len } | Operation::SendWithin { len, .. } | Operation::Feed { len } => {
                let message = peer::message(NEWS, NO_KEY, len);
                Task::new(Kind::Send, None, async move { drop(caller.send(&message).await) })
            }
            Operation::Finish => Task::new(Kind::Send, None, async move { drop(caller.finish().await) }),
            _ => return,
        };
        self.callers.push(task);
    }

    /// Gives each task that was woken a turn of its own; whether there was one.
    async fn turn(&mut self) -> bool {
        let mut was_woken = false;
        for task in &mut self.callers {
            refresh().await;
            was_woken |= task.turn(&self.world);
        }
        self.callers.retain(|task| task.done.is_none());
        refresh().await;
        was_woken | self.receiver.turn(&self.world)
    }

    async fn settle(&mut self) {
        for _ in 0..200 {
            yield_now().await;
            if !self.turn().await {
                return self.check();
            }
        }
        panic!("tasks are woken again and again, and do nothing");
    }

    /// The peer sends without end, for so long.
    async fn flooded(&mut self, time: Duration) {
        for passes in [Duration::ZERO, time] {
            if !passes.is_zero() {
                advance(passes).await;
            }
            for _ in 0..2 {
                yield_now().await;
                self.turn().await;
            }
            self.check_time("a deadline passes while the peer sends without end");
        }
    }

    fn check_time(&self, why: &str) {
        for task in &self.callers {
            assert!(task.until.is_none_or(|until| until + GRACE > Instant::now()), "{why}");
        }
    }

    /// No task was woken, so no task may have anything to do.
    fn check(&self) {
        self.check_time("a deadline has passed");
        let of_kind = |kind| self.callers.iter().filter(|task| task.kind == kind).count();
        let in_flight = self.caller.in_flight();
        // In order, those that were given up keep their place.
        let taken = in_flight + if self.in_order { self.caller.unanswered() } else { 0 };
        self.world.with(|world| {
            if world.takes_more() {
                assert!(of_kind(Kind::Send) == 0, "a message could leave");
                assert!(of_kind(Kind::Call) <= in_flight || taken >= WINDOW, "there is room for a call");
            }
            if self.receiver.done.is_some() {
                assert!(of_kind(Kind::Call) == 0, "the connection has ended and a call was not told");
                return;
            }
            assert!(!world.has_unread(), "something to read was not seen");
            assert!(!world.lacks_a_rest(), "the rest of a frame could leave");
            if let Some(pulse) = &self.pulse {
                assert!(!(pulse.has_due() && world.takes_more()), "a heartbeat is due and could leave");
                let late = self.start.elapsed().saturating_sub(Duration::from_millis(1));
                assert!(pulse.deadline().is_none_or(|at| at >= late), "a heartbeat is due and was forgotten");
            }
            assert!(world.arrived_messages() <= self.taken.get(), "a message has arrived and was not delivered");
        });
    }

    /// In the end the peer does all that is wanted of it, first without taking anything, and each task ends without time passing.
    async fn relieve(&mut self) {
        self.world.with(World::answer_all);
        self.settle().await;
        self.world.with(|world| world.open(usize::MAX / 4));
        self.settle().await;
        for _ in 0..=TASKS {
            self.world.with(World::answer_all);
            self.settle().await;
        }
        assert!(self.callers.is_empty(), "a task does not end though its peer does all that it can");
        self.world.with(|world| world.change(Change::HalfClose));
        self.settle().await;
        assert!(self.receiver.done.is_some(), "the receiver is not told of the end");
    }
}

/// Each task has a turn of its own: what another one has used up does not count.
async fn refresh() {
    if !tokio::task::coop::has_budget_remaining() {
        yield_now().await;
    }
}
