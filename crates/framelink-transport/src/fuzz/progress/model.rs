//! A model of a connection, and the run of a schedule: after each step the model runs until nothing is left to do.

use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use super::Scene;
use super::operation::Operation;
use super::step::{Change, Step, Steps};
use super::world::{Shared, World};
use crate::session::LivenessHandle;
use crate::simulated::{self, Simulation};

/// How late timers of tokio may be.
const TICK: Duration = Duration::from_millis(1);

thread_local! {
    /// One runtime for all schedules of a thread. Its clock moves only when a schedule says so.
    pub(super) static RUNTIME: Runtime =
        Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
}

/// A connection of one shape on one driver, with the application that uses it.
pub(super) trait Model {
    /// How much later than its deadline an operation may end.
    const GRACE: Duration = Duration::ZERO;
    /// The time before each further turn in a flood after its time is over. An operation may end later by their sum.
    const FLOOD: &'static [Duration];

    /// Begins an operation, if there is room for it. Returns false when the connection has ended.
    fn begin(&mut self, operation: Operation, now: Duration) -> bool;

    /// Gives an operation up. Returns false when the connection has ended.
    fn give_up(&mut self, which: usize) -> bool;

    /// Drops a flood that no operation receives. Returns true if it did; the schedule then ends.
    fn drops_flood(&mut self) -> bool {
        false
    }

    /// Does one piece of the work that was woken.
    async fn turn(&mut self, world: &Shared) -> Turn;

    /// Wakes the model although nothing has happened.
    fn wake(&mut self) {}

    /// Returns what the model waits for while nothing wakes it.
    fn waits(&self, world: &World) -> Waits;

    /// At the end, does what the driver still waits for. Returns false if there is nothing to do.
    fn go_on(&mut self) -> bool {
        false
    }

    /// Returns whether an operation has not ended although the peer and the socket have done everything for it.
    fn is_calling(&self, world: &World) -> bool;

    /// Returns whether the model has not noticed the peer's end, though it should have.
    fn is_receiving(&self) -> bool {
        false
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Idle,
    Done,
    /// The connection has ended or can no longer be used.
    Ended,
}

/// The events that a model waits for, and its deadline.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Waits {
    pub(super) writes: bool,
    /// Whether it reads all that arrives.
    pub(super) reads: bool,
    /// Whether it delivers what it reads, and how many messages it has delivered.
    pub(super) takes: bool,
    pub(super) taken: u64,
    /// When the first of its operations has to be over.
    pub(super) until: Option<Duration>,
}

/// Runs a schedule on a model, which is made inside of a runtime.
pub(super) fn run<M: Model>(data: &[u8], connect: impl FnOnce(&Scene) -> (M, Option<LivenessHandle>)) {
    let _simulation = Simulation::begin();
    let Some((scene, steps)) = Scene::of(data) else { return };
    let schedule = async {
        let (model, liveness) = connect(&scene);
        let mut run = Run { model, liveness, world: scene.world.clone() };
        if run.steps(steps).await {
            run.relieve().await;
        }
    };
    RUNTIME.with(|runtime| runtime.block_on(schedule));
}

struct Run<M> {
    model: M,
    liveness: Option<LivenessHandle>,
    world: Shared,
}

impl<M: Model> Run<M> {
    /// Runs the steps. Returns false when the connection has ended.
    async fn steps(&mut self, steps: Steps<'_>) -> bool {
        for step in steps {
            self.world.with(World::begin_call);
            let goes_on = match step {
                Step::Peer(change) => {
                    self.world.with(|world| world.change(change));
                    true
                }
                Step::Wait(time) => {
                    advance(time).await;
                    true
                }
                Step::Flood(flood, time) => {
                    self.world.with(|world| world.begin_flood(flood));
                    let goes_on = !self.model.drops_flood() && self.flooded(time).await;
                    self.world.with(World::end_flood);
                    self.model.wake();
                    goes_on
                }
                Step::GiveUp(which) => self.model.give_up(which),
                Step::Begin(operation) => self.model.begin(operation, simulated::elapsed()),
            };
            if !goes_on || !self.settle().await {
                return false;
            }
        }
        true
    }

    /// Runs the model until nothing wakes it, and then checks it. Returns false when the connection has ended.
    async fn settle(&mut self) -> bool {
        for _ in 0..200 {
            match self.model.turn(&self.world).await {
                Turn::Done => {}
                Turn::Ended => return false,
                Turn::Idle => {
                    self.check();
                    return true;
                }
            }
        }
        panic!("it is woken again and again, and does nothing");
    }

    /// Lets the peer send without end, for this time and a little longer.
    async fn flooded(&mut self, time: Duration) -> bool {
        for &passes in [Duration::ZERO, time].iter().chain(M::FLOOD) {
            advance(passes).await;
            self.model.wake();
            if self.model.turn(&self.world).await == Turn::Ended {
                return false;
            }
        }
        self.check_time(M::FLOOD.iter().sum(), "a deadline passes while the peer sends without end");
        true
    }

    fn check_time(&self, more: Duration, why: &str) {
        let until = self.world.with(|world| self.model.waits(world).until);
        assert!(until.is_none_or(|until| until + M::GRACE + more > simulated::elapsed()), "{why}");
    }

    /// Checks that the model waits for no event and no time that has already come.
    fn check(&self) {
        self.check_time(Duration::ZERO, "a deadline has passed");
        self.world.with(|world| {
            let waits = self.model.waits(world);
            assert!(!waits.writes || !world.takes_more(), "a message could leave");
            if !waits.reads {
                return;
            }
            assert!(!world.has_unread(), "something to read was not seen");
            assert!(!world.lacks_a_rest(), "the rest of a frame could leave");
            let is_taken = world.arrived_messages() <= waits.taken || !waits.takes;
            assert!(is_taken, "a message has arrived and was not delivered");
            if let Some(liveness) = &self.liveness {
                assert!(!(liveness.has_due() && world.takes_more()), "a heartbeat is due and could leave");
                let is_late = |at| at < simulated::elapsed().saturating_sub(TICK);
                assert!(!liveness.deadline().is_some_and(is_late), "a heartbeat is due and was forgotten");
            }
        });
    }

    /// At the end, lets the peer do everything, at first without taking bytes. All operations then end at once.
    async fn relieve(&mut self) {
        for round in 0..12 {
            self.world.with(|world| match round {
                1 => world.open(usize::MAX / 4),
                10 => world.change(Change::Message { len: 2, arrives: true }),
                11 => world.change(Change::HalfClose),
                _ => world.answer_all(),
            });
            if !self.settle().await {
                return;
            }
            while self.model.go_on() {
                if !self.settle().await {
                    return;
                }
            }
            let is_calling = round >= 9 && self.world.with(|world| self.model.is_calling(world));
            assert!(!is_calling, "an operation does not end though its peer does all that it can");
        }
        assert!(!self.model.is_receiving(), "the receiver is not told of the end");
    }
}

async fn advance(time: Duration) {
    simulated::advance(time);
    if !time.is_zero() {
        tokio::time::advance(time).await;
    }
}
