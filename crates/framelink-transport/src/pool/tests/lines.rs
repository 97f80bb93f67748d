//! The rules of a pool, one test for each.

use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use crate::error::{Blame, ConnectError};
use crate::pool::state::waiters::Ticket;
use crate::pool::world::{Fake, Sockets};
use crate::pool::{CloseReason, Entered, Job, PoolState, PooledSlot};
use crate::profile::Pooled;
use crate::simulated::flag::Flag;

const SECOND: Duration = Duration::from_secs(1);

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A waiter, and whether it was woken.
type Waiting = (Ticket, Arc<Flag>);

/// A pool whose dials succeed at once.
struct World {
    lending: PoolState<Fake>,
    sockets: Sockets,
}

impl World {
    /// Makes a pool of `max` connections, with changed rules.
    fn new(max: u32, change: impl FnOnce(&mut Pooled)) -> Self {
        let mut rules = Pooled::new(max);
        change(&mut rules);
        Self { lending: PoolState::new(rules, None, 7, Duration::ZERO), sockets: Sockets::default() }
    }

    /// Does all jobs. Returns why connections were closed in good order.
    fn work(&mut self, now: Duration) -> Vec<CloseReason> {
        let mut closed = Vec::new();
        self.lending.look_after(false, now);
        loop {
            let jobs = self.lending.take_jobs();
            if jobs.is_empty() {
                self.wake();
                return closed;
            }
            for job in jobs {
                match job {
                    Job::Dial => self.lending.dialled(Fake::new(&self.sockets), now),
                    Job::Close(fake, reason) => {
                        drop(fake);
                        closed.push(reason);
                        self.lending.closed(now);
                    }
                }
            }
        }
    }

    fn lend(&mut self, now: Duration) -> PooledSlot<Fake> {
        let flag = Flag::new();
        match self.lending.enter(SECOND, &flag.waker(), now).unwrap() {
            Entered::PooledConnection(lent) => lent,
            Entered::Waits(ticket, _) => {
                self.work(now);
                assert!(flag.is_up());
                self.lending.collect(ticket, &flag.waker(), now).unwrap().unwrap()
            }
        }
    }

    /// Adds a waiter, for one second at most.
    fn wait(&mut self, now: Duration) -> Waiting {
        let flag = Flag::new();
        let Entered::Waits(ticket, _) = self.lending.enter(SECOND, &flag.waker(), now).unwrap() else { panic!() };
        (ticket, flag)
    }

    fn wake(&mut self) {
        self.lending.take_wakes().0.into_iter().for_each(Waker::wake);
    }

    fn idle(&self) -> u32 {
        self.lending.status().idle
    }
}

#[test]
fn min_connections_are_opened_in_advance() {
    let mut world = World::new(5, |rules| rules.min = 3);
    assert_eq!(world.lending.status().opening, 3);
    world.work(at(0));
    assert_eq!((world.idle(), world.sockets.open()), (3, 3));
}

#[test]
fn unused_connections_are_closed_down_to_min() {
    let mut world = World::new(4, |rules| rules.idle = at(10));
    let lent = [(); 4].map(|()| world.lend(at(0)));
    for (seconds, lent) in (1..).zip(lent) {
        world.lending.give_back(lent, at(seconds));
    }
    assert!(world.work(at(10)).is_empty());
    assert_eq!(world.work(at(11)), [CloseReason::Idle]);
    assert_eq!(world.work(at(12)), [CloseReason::Idle]);
    assert_eq!(world.work(at(13)), [CloseReason::Idle]);
    assert!(world.work(at(100)).is_empty());
    assert_eq!(world.idle(), 1);
}

#[test]
fn the_connection_released_last_is_used_first() {
    let mut world = World::new(2, |_| {});
    let (one, other) = (world.lend(at(0)), world.lend(at(0)));
    let line = other.member.line();
    world.lending.give_back(one, at(1));
    world.lending.give_back(other, at(2));
    for seconds in 3..10 {
        let lent = world.lend(at(seconds));
        assert!(std::rc::Rc::ptr_eq(&lent.member.line(), &line));
        world.lending.give_back(lent, at(seconds));
    }
}

#[test]
fn connections_of_one_age_do_not_end_together() {
    let mut world = World::new(64, |rules| (rules.min, rules.lifetime) = (64, at(1000)));
    world.work(at(0));
    let ended: Vec<_> = (890..=1000).map(|seconds| world.work(at(seconds)).len()).collect();
    assert_eq!(ended[..9], [0; 9], "no lifetime is shorter by more than a tenth");
    assert_eq!(ended.iter().sum::<usize>(), 64, "no lifetime is longer");
    assert!(ended.iter().all(|together| *together <= 6), "{ended:?}");
    assert_eq!(world.idle(), 64, "each was replaced");
}

#[test]
fn a_connection_is_closed_after_its_last_use() {
    let mut world = World::new(1, |rules| rules.uses = Some(3));
    for _ in 0..2 {
        let lent = world.lend(at(1));
        world.lending.give_back(lent, at(1));
        assert!(world.work(at(1)).is_empty());
    }
    let lent = world.lend(at(1));
    world.lending.give_back(lent, at(1));
    assert_eq!(world.work(at(1)), [CloseReason::Uses]);
}

#[test]
fn with_replace_each_connection_is_replaced_after_its_exchange() {
    let mut world = World::new(3, |rules| (rules.min, rules.replace) = (0, true));
    let lent = [world.lend(at(0)), world.lend(at(0))];
    for lent in lent {
        world.lending.give_back(lent, at(1));
    }
    assert_eq!(world.work(at(1)), [CloseReason::Replaced; 2]);
    assert_eq!((world.idle(), world.lending.status().opened), (2, 4), "replaced although min is 0");
}

#[test]
fn a_surplus_connection_is_closed_when_released() {
    let mut world = World::new(3, |rules| rules.max_idle = 1);
    for lent in [world.lend(at(0)), world.lend(at(0)), world.lend(at(0))] {
        world.lending.give_back(lent, at(1));
    }
    assert_eq!(world.work(at(1)), [CloseReason::Surplus; 2]);
}

#[test]
fn a_connection_that_is_to_move_is_closed_when_idle() {
    let mut world = World::new(2, |_| {});
    let (one, other) = (world.lend(at(0)), world.lend(at(0)));
    let idle = other.member.line();
    world.lending.give_back(other, at(1));
    idle.borrow_mut().is_to_move = true;
    one.member.line().borrow_mut().is_to_move = true;
    assert_eq!(world.work(at(31)), [CloseReason::Moved]);
    world.lending.give_back(one, at(32));
    assert_eq!(world.work(at(32)), [CloseReason::Moved]);
}

#[test]
fn a_connection_that_ends_while_idle_is_closed_and_replaced() {
    for reason in [CloseReason::ByPeer, CloseReason::Unsolicited, CloseReason::Dead, CloseReason::Failed] {
        let mut world = World::new(1, |_| {});
        let lent = world.lend(at(0));
        let line = lent.member.line();
        world.lending.give_back(lent, at(0));
        line.borrow_mut().end(reason);
        world.lending.look_after(true, at(1));
        assert_eq!(world.lending.status().closed(reason), 1);
        assert_eq!(world.lending.status().opening, 1);
        world.work(at(1));
        assert_eq!((world.idle(), world.sockets.open()), (1, 1));
    }
}

#[test]
fn a_connection_released_in_the_middle_of_an_exchange_is_never_used_again() {
    let mut world = World::new(1, |_| {});
    let lent = world.lend(at(0));
    lent.member.request(1);
    world.lending.give_back(lent, at(0));
    assert_eq!(world.lending.status().closed(CloseReason::Dirty), 1);
    assert_eq!(world.sockets.open(), 0);
    let lent = world.lend(at(0));
    lent.member.request(2);
    assert_eq!(lent.member.reply(), Some(2));
    world.lending.give_back(lent, at(0));
}

#[test]
fn while_dials_fail_there_is_one_at_a_time_after_a_pause() {
    let mut world = World::new(4, |rules| rules.min = 4);
    let mut now = at(0);
    assert_eq!(world.lending.take_jobs().len(), 4);
    for _ in 0..4 {
        world.lending.dial_failed(ConnectError::NoneInTime { after: SECOND }, now);
    }
    let mut pauses = Vec::new();
    for _ in 0..8 {
        let next = world.lending.look_after(false, now).expect("another try");
        assert!(world.lending.take_jobs().is_empty(), "not in haste");
        pauses.push((next - now).as_millis());
        now = next;
        world.lending.look_after(false, now);
        assert_eq!(world.lending.take_jobs().len(), 1);
        world.lending.dial_failed(ConnectError::NoneInTime { after: SECOND }, now);
    }
    assert_eq!(pauses, [32, 64, 128, 250, 250, 250, 250, 250]);
    let next = world.lending.look_after(false, now).unwrap();
    world.work(next);
    assert_eq!(world.idle(), 4, "a success starts the other dials");
}

#[test]
fn a_peer_that_ends_each_connection_at_once_is_dialled_with_pauses() {
    let mut world = World::new(1, |_| {});
    let mut dials = 0;
    let mut now = at(0);
    while now < at(10) {
        let next = world.lending.look_after(true, now);
        for _ in world.lending.take_jobs() {
            dials += 1;
            let fake = Fake::new(&world.sockets);
            fake.line().borrow_mut().end(CloseReason::ByPeer);
            world.lending.dialled(fake, now);
        }
        now = next.unwrap_or(now).max(now + Duration::from_millis(1));
    }
    assert!((40..60).contains(&dials), "{dials} in 10 s");
}

#[test]
fn without_a_wait_a_caller_fails_at_once_and_a_connection_is_opened() {
    let mut world = World::new(2, |rules| (rules.min, rules.wait) = (0, None));
    let flag = Flag::new();
    let error = world.lending.enter(SECOND, &flag.waker(), at(0)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no connection is free now, and the call does not wait: 0 of at most 2 lent, 1 being opened, \
         0 ahead in the queue"
    );
    world.work(at(0));
    let lent = world.lend(at(0));
    assert!(lent.was_there);
}

#[test]
fn a_waiter_that_fails_is_told_how_long_it_waited_for_what_and_why() {
    let mut world = World::new(2, |rules| rules.wait = Some(at(3)));
    let _lent = [world.lend(at(0)), world.lend(at(0))];
    let flag = Flag::new();
    let Entered::Waits(..) = world.lending.enter(at(9), &flag.waker(), at(1)).unwrap() else { panic!() };
    let Entered::Waits(ticket, until) = world.lending.enter(at(9), &flag.waker(), at(1)).unwrap() else { panic!() };
    assert_eq!(until, at(4));
    assert!(world.lending.collect(ticket, &flag.waker(), at(3)).is_none());
    let error = world.lending.collect(ticket, &flag.waker(), at(4)).unwrap().unwrap_err();
    let expected = "no connection was free within 3s: 2 of at most 2 lent, 0 being opened, 1 ahead in the queue";
    assert_eq!(error.to_string(), expected);
    assert_eq!(error.blame(), Blame::Ours);
}

#[test]
fn only_a_connection_dialled_for_its_first_caller_was_not_there_before() {
    let mut world = World::new(1, |rules| rules.min = 0);
    let lent = world.lend(at(0));
    assert!(!lent.was_there);
    let (ticket, flag) = world.wait(at(0));
    world.lending.give_back(lent, at(0));
    let lent = world.lending.collect(ticket, &flag.waker(), at(0)).unwrap().unwrap();
    assert!(lent.was_there, "handed on");
    world.lending.give_back(lent, at(0));
    assert!(world.lend(at(1)).was_there, "idle before");
}

#[test]
fn a_connection_assigned_to_a_cancelled_waiter_goes_to_the_next() {
    let (mut world, lent, [(first, one), (second, other)]) = two_wait_for_one();
    world.lending.give_back(lent, at(0));
    world.wake();
    assert_eq!((one.is_up(), other.is_up()), (true, false));
    world.lending.cancel(first, at(0));
    world.wake();
    assert!(other.is_up());
    assert!(world.lending.collect(second, &other.waker(), at(0)).unwrap().is_ok());
}

/// A pool of one connection, which is in use, and two waiters.
fn two_wait_for_one() -> (World, PooledSlot<Fake>, [Waiting; 2]) {
    let mut world = World::new(1, |_| {});
    let lent = world.lend(at(0));
    let waits = [(); 2].map(|()| world.wait(at(0)));
    (world, lent, waits)
}

#[test]
fn a_cancelled_waiter_gets_nothing() {
    let (mut world, lent, [(first, one), (second, other)]) = two_wait_for_one();
    assert_eq!(world.lending.status().waiting, 2);
    world.lending.cancel(first, at(0));
    assert_eq!(world.lending.status().waiting, 1);
    world.lending.give_back(lent, at(0));
    world.wake();
    assert_eq!((one.is_up(), other.is_up()), (false, true));
    // The connection was assigned to a waiter that is cancelled too. It becomes idle, and the next caller gets it.
    world.lending.cancel(second, at(0));
    let status = world.lending.status();
    assert_eq!((status.waiting, status.lent, status.idle), (0, 0, 1));
    assert!(world.lend(at(0)).was_there);
    assert_eq!(world.lending.status().opened, 1);
}

#[test]
fn a_connection_that_ends_while_assigned_to_a_cancelled_waiter_is_replaced_for_the_next() {
    for reason in [CloseReason::ByPeer, CloseReason::Unsolicited, CloseReason::Dead, CloseReason::Failed] {
        let (mut world, lent, [(first, _), (second, other)]) = two_wait_for_one();
        let line = lent.member.line();
        world.lending.give_back(lent, at(0));
        line.borrow_mut().end(reason);
        world.lending.cancel(first, at(0));
        // The replacement begins at once, and not at the next look.
        let status = world.lending.status();
        assert_eq!((status.closed(reason), status.opening, status.idle, status.waiting), (1, 1, 0, 1), "{reason:?}");
        world.work(at(0));
        assert!(other.is_up(), "{reason:?}");
        let fresh = world.lending.collect(second, &other.waker(), at(0)).unwrap().unwrap();
        assert_eq!((fresh.was_there, world.sockets.open()), (false, 1), "{reason:?}");
    }
}

#[test]
fn cancelling_a_waiter_after_the_end_changes_nothing() {
    let (mut world, lent, [(first, _), (second, _)]) = two_wait_for_one();
    world.lending.give_back(lent, at(0));
    world.lending.close(at(0));
    world.lending.cancel(first, at(0));
    world.lending.cancel(second, at(0));
    assert_eq!(world.work(at(0)), [CloseReason::PoolClosed]);
    let status = world.lending.status();
    assert_eq!((status.waiting, status.lent, status.idle, status.opening), (0, 0, 0, 0));
    assert_eq!(world.sockets.open(), 0);
}

#[test]
fn a_connection_that_ends_before_it_is_fetched_costs_no_waiter_its_place() {
    let (mut world, lent, [(first, one), (_, other)]) = two_wait_for_one();
    let line = lent.member.line();
    world.lending.give_back(lent, at(0));
    line.borrow_mut().end(CloseReason::ByPeer);
    assert!(world.lending.collect(first, &one.waker(), at(0)).is_none());
    one.lower();
    world.work(at(0));
    world.wake();
    assert_eq!((one.is_up(), other.is_up()), (true, false));
}

#[test]
fn closing_fails_the_waiters_and_reports_what_was_released_and_what_was_cut() {
    let mut world = World::new(3, |_| {});
    let [one, other, third] = [(); 3].map(|()| world.lend(at(0)));
    world.lending.give_back(third, at(0));
    let third = world.lend(at(0));
    let (ticket, flag) = world.wait(at(0));
    world.lending.close(at(1));
    world.wake();
    assert!(flag.lower());
    let error = world.lending.collect(ticket, &flag.waker(), at(1)).unwrap().unwrap_err();
    assert_eq!(error.to_string(), "the pool is closed");
    assert!(world.lending.enter(SECOND, &flag.waker(), at(1)).is_err());
    assert!(!world.lending.poll_drained(&flag.waker()));
    world.lending.give_back(one, at(1));
    world.lending.give_back(third, at(1));
    let (report, cut) = world.lending.cut(at(2));
    assert_eq!((report.finished, report.cut, cut.len()), (2, 1, 1));
    world.lending.give_back(other, at(3));
    assert_eq!(world.sockets.open(), 0, "no task is left to close it in good order");
}
