//! The events during a wait of the driver, and the waits that are allowed.

use std::time::Duration;

use super::super::operation::Done;
use super::super::step::{Change, Step, Steps};
use super::super::world::{Shared, World};
use crate::session::LivenessHandle;
use crate::simulated::{self, elapsed};

/// How long work may wait: the driver looks at each side every 10 ms, and at the peer of an idle connection every 50
/// ms.
const PATIENCE: Duration = Duration::from_millis(70);
/// How much later than its deadline an operation may end.
const GRACE: Duration = Duration::from_millis(100);
/// How many idle waits may pass before the peer does all that it can.
const IDLE: u32 = 20;
/// The time that a read takes while the peer sends without end. Without it no time would pass.
const COST: Duration = Duration::from_millis(1);

/// The rest of a schedule, which runs while the driver waits.
#[derive(Default)]
pub(super) struct Waits<'d> {
    pub(super) world: Shared,
    pub(super) liveness: Option<LivenessHandle>,
    pub(super) steps: Steps<'d>,
    /// How long nothing happens yet.
    pause: Duration,
    floods_until: Option<Duration>,
    /// When the operation that is under way began.
    began_at: Duration,
    until: Option<Duration>,
    for_messages: bool,
    /// How many messages the application has taken.
    taken: u64,
    /// How long readable bytes, and a frame to be written, were left alone during waits for the other side.
    pub(super) unread_for: Duration,
    pub(super) unwritten_for: Duration,
    /// How many waits have ended since nothing happened any more.
    idle: u32,
    /// How often the peer was asked to do all that it can, because there was nothing else to wait for.
    relieved: u32,
}

/// The side that the driver waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Reading,
    Writing,
}

impl<'d> Waits<'d> {
    pub(super) fn new(world: Shared, steps: Steps<'d>) -> Self {
        Self { world, steps, ..Self::default() }
    }

    pub(super) fn begin(&mut self, limit: Option<Duration>, for_messages: bool) {
        self.began_at = elapsed();
        (self.until, self.for_messages) = (limit.map(|limit| elapsed() + limit), for_messages);
        (self.unread_for, self.unwritten_for) = (Duration::ZERO, Duration::ZERO);
        (self.idle, self.relieved) = (0, 0);
        self.world.with(World::begin_call);
    }

    pub(super) fn end(&mut self, done: Done) -> Done {
        self.check_time();
        self.until = None;
        self.taken += u64::from(done == Done::Message);
        done
    }

    /// Notes that an operation on the stream has done something, or has tried to.
    pub(super) fn operate(&mut self) {
        if self.floods_until.is_some() {
            simulated::advance(COST);
            self.world.with(World::begin_call);
        }
        if self.floods_until.is_some_and(|until| until <= elapsed()) {
            self.floods_until = None;
            self.world.with(World::end_flood);
        }
        self.check_time();
    }

    /// Waits until something happens. Returns false when the time is over before.
    pub(super) fn wait(&mut self, side: Side, until: Option<Duration>) -> bool {
        self.world.with(World::begin_call);
        loop {
            self.check(side);
            if !self.pause.is_zero() {
                let left = until.map_or(self.pause, |until| self.pause.min(until.saturating_sub(elapsed())));
                self.pass(side, left);
                self.pause -= left;
                if until.is_some_and(|until| until <= elapsed()) {
                    return false;
                }
                continue;
            }
            match self.steps.next_meanwhile() {
                Some(Step::Peer(change)) => {
                    self.world.with(|world| world.change(change));
                    return true;
                }
                Some(Step::Wait(time)) => self.pause = time,
                Some(Step::Flood(flood, time)) => {
                    self.world.with(|world| world.begin_flood(flood));
                    self.floods_until = Some(elapsed() + time);
                    return true;
                }
                Some(Step::GiveUp(_)) => {}
                Some(Step::Begin(_)) | None => match until {
                    // The driver looks at one side after the other, and the operation has no deadline.
                    Some(until) if self.until.is_some() || self.idle < IDLE => {
                        self.idle += 1;
                        self.pass(side, until.saturating_sub(elapsed()));
                        return false;
                    }
                    Some(_) => {
                        self.idle = 0;
                        self.relieve();
                        return true;
                    }
                    None => {
                        let (has_unread, lacks_a_rest) = self.left_alone();
                        let is_idle = !has_unread && !lacks_a_rest;
                        assert!(is_idle, "the driver waits for ever for one side while it could go on with the other");
                        self.relieve();
                        return true;
                    }
                },
            }
        }
    }

    fn pass(&mut self, side: Side, time: Duration) {
        simulated::advance(time);
        let (has_unread, lacks_a_rest) = self.left_alone();
        match side {
            Side::Writing if has_unread => self.unread_for += time,
            Side::Reading if lacks_a_rest => self.unwritten_for += time,
            _ => {}
        }
        self.check_time();
    }

    /// Returns whether there are bytes to read, and bytes to write that the socket would take.
    fn left_alone(&self) -> (bool, bool) {
        let has_due = self.liveness.as_ref().is_some_and(LivenessHandle::has_due);
        self.world.with(|world| {
            let lacks_a_rest = world.lacks_a_rest() || (has_due && world.takes_more() && !world.is_reset());
            (self.for_messages && world.has_unread(), lacks_a_rest)
        })
    }

    fn check(&self, side: Side) {
        assert!(self.unread_for <= PATIENCE, "something to read is left while the driver waits to write");
        assert!(self.unwritten_for <= PATIENCE, "something to write is left while the driver waits to read");
        if self.for_messages && side == Side::Reading {
            let arrived = self.world.with(|world| world.arrived_messages());
            assert!(arrived <= self.taken, "a message has arrived and was not delivered");
            let due = self.liveness.as_ref().and_then(LivenessHandle::deadline);
            let is_forgotten = due.is_some_and(|at| at.max(self.began_at) + PATIENCE < elapsed());
            assert!(!is_forgotten, "a heartbeat is due and was forgotten");
        }
    }

    fn check_time(&self) {
        assert!(self.until.is_none_or(|until| elapsed() <= until + GRACE), "a deadline has passed");
    }

    /// Nothing else happens and no time is over, so the peer does all that it can.
    fn relieve(&mut self) {
        self.world.with(|world| match self.relieved {
            0 => world.answer_all(),
            1 => world.open(usize::MAX / 4),
            2 => world.answer_all(),
            3 => world.change(Change::Message { len: 2, arrives: true }),
            4 => world.change(Change::HalfClose),
            _ => panic!("an operation does not end though its peer does all that it can"),
        });
        self.relieved += 1;
    }
}
