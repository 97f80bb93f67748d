//! A model of a connection, and the run of a schedule: steps, each followed by turns until nothing is left to do.

use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use super::Scene;
use super::operation::Operation;
use super::step::{Change, Step, Steps};
use super::world::{Shared, World};
use crate::session::LivenessHandle;
use crate::simulated::{self, Simulation};

/// Timers of tokio may be so late.
const TICK: Duration = Duration::from_millis(1);

thread_local! {
    /// One for all schedules of a thread. Its clock only moves when a schedule says so.
    pub(super) static RUNTIME: Runtime =
        Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
}

/// A connection of some shape on some driver, and the application that uses it.
pub(super) trait Model {
    /// So much later than asked an operation may end.
    const GRACE: Duration = Duration::ZERO;
    /// The turns in a flood after its time is over, with the time before each. So much later an operation may end then.
    const FLOOD: &'static [Duration];

    /// An operation begins at that time, if there is room for it. False when the connection has ended.
    fn begin(&mut self, operation: Operation, now: Duration) -> bool;

    /// The application gives an operation up. False when the connection has ended.
    fn give_up(&mut self, which: usize) -> bool;

    /// Where no operation is under way that would receive a flood: what arrives is dropped, and the schedule ends.
    fn drops_flood(&mut self) -> bool {
        false
    }

    /// Does whatever something has woken.
    async fn turn(&mut self, world: &Shared) -> Turn;

    /// It has a turn although nothing has woken it.
    fn wake(&mut self) {}

    /// What it waits for while nothing wakes it.
    fn waits(&self, world: &World) -> Waits;

    /// In the end the application does what frees the driver to go on. False when there is nothing like that.
    fn go_on(&mut self) -> bool {
        false
    }

    /// Whether an operation has not ended that the peer and the socket have done all for.
    fn is_calling(&self, world: &World) -> bool;

    /// Whether it has not noticed that the peer has ended its side, though it should have.
    fn is_receiving(&self) -> bool {
        false
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Nothing was woken.
    Idle,
    Done,
    /// The connection has ended or is of no more use.
    Ended,
}

/// What a model waits for, and until when.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Waits {
    /// Whether something is to leave.
    pub(super) writes: bool,
    /// Whether it reads all that arrives.
    pub(super) reads: bool,
    /// Whether it hands over what it reads, and how many messages it has handed over.
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
    /// False when the connection has ended.
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

    /// Goes on until nothing wakes the model, which must then have nothing that it could do. False when the connection has ended.
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

    /// The peer sends without end, for so long and a little longer.
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

    /// Neither an event nor a time is waited for that is there already.
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

    /// In the end the peer does all that is wanted of it, first without taking anything, and each operation ends without time passing.
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
        assert!(!self.model.is_receiving(), "what receives is not told of the end");
    }
}

/// Time passes, for each driver.
async fn advance(time: Duration) {
    simulated::advance(time);
    if !time.is_zero() {
        tokio::time::advance(time).await;
    }
}
