//! A million uses of pooled connections with peers that reset, close, reply late, and cannot be reached.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::error::ConnectError;
use crate::pool::state::waiters::Ticket;
use crate::pool::world::{Fake, Line, Sockets};
use crate::pool::{CloseReason, Entered, Job, PoolState, PooledSlot};
use crate::profile::Pooled;
use crate::simulated::flag::Flag;
use crate::upstream::random::Random;

/// The longest pause between two dials.
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

#[test]
fn a_million_uses_mix_up_no_reply_leak_no_slot_and_keep_the_bounds_and_the_order() {
    let mut lendings = 0;
    for seed in 0..8 {
        let mut rules = Pooled::new(2 + u32::try_from(seed).unwrap());
        rules.min = u32::try_from(seed % 3).unwrap();
        rules.max_idle = rules.max - u32::from(seed % 2 == 1 && rules.max > 2);
        rules.wait = Some(Duration::from_millis(200));
        rules.idle = Duration::from_secs(2);
        rules.lifetime = Duration::from_secs(20);
        rules.uses = (seed % 4 == 3).then_some(50);
        rules.replace = seed == 5;
        lendings += Soak::new(rules, seed).run(130_000);
    }
    assert!(lendings >= 1_000_000, "{lendings}");
}

/// Many callers, with the pool and its peers.
struct Soak {
    lending: PoolState<Fake>,
    rules: Pooled,
    random: Random,
    now: Duration,
    callers: Vec<PoolCaller>,
    sockets: Sockets,
    lines: Vec<Rc<RefCell<Line>>>,
    dials: Vec<Duration>,
    closing: Vec<(Fake, Duration)>,
    /// Whether the peers can be reached.
    is_up: bool,
    look_at: Option<Duration>,
    requests: u64,
    late: u64,
}

struct PoolCaller {
    flag: Arc<Flag>,
    state: UseState,
}

enum UseState {
    Idle,
    Waits { ticket: Ticket, until: Duration, since: Duration, was_given_a_dead_one: bool },
    Has { lent: PooledSlot<Fake>, number: Option<u64> },
}

impl Soak {
    fn new(rules: Pooled, seed: u64) -> Self {
        let callers = (0..12).map(|_| PoolCaller { flag: Flag::new(), state: UseState::Idle }).collect();
        Self {
            lending: PoolState::new(rules, None, seed, Duration::ZERO),
            rules,
            random: Random::new(seed),
            now: Duration::ZERO,
            callers,
            sockets: Sockets::default(),
            lines: Vec::new(),
            dials: Vec::new(),
            closing: Vec::new(),
            is_up: true,
            look_at: None,
            requests: 0,
            late: 0,
        }
    }

    fn run(mut self, lendings: u64) -> u64 {
        while self.lending.status().lendings < lendings {
            self.step();
            self.check();
        }
        self.end()
    }

    fn step(&mut self) {
        self.work();
        match self.random.below(16) {
            0 => self.pass_time(),
            1 if self.random.one_in(40) => self.harm(),
            1 if self.random.one_in(400) => self.is_up = !self.is_up,
            _ => {
                let who = self.random.below(self.callers.len());
                self.act(who);
            }
        }
        self.settle();
    }

    /// Takes the jobs, and ends those whose time has come.
    fn work(&mut self) {
        let (wakes, is_roused) = self.lending.take_wakes();
        wakes.into_iter().for_each(std::task::Waker::wake);
        if is_roused || self.look_at.is_some_and(|at| at <= self.now) {
            self.look_at = self.lending.look_after(false, self.now);
        }
        for job in self.lending.take_jobs() {
            let takes = Duration::from_millis(1 + self.random.below(20) as u64);
            match job {
                Job::Dial => self.dials.push(self.now + takes),
                Job::Close(fake, _) => self.closing.push((fake, self.now + takes)),
            }
        }
    }

    fn settle(&mut self) {
        let now = self.now;
        while let Some(at) = self.dials.iter().position(|at| *at <= now) {
            self.dials.swap_remove(at);
            if self.is_up && !self.random.one_in(30) {
                let fake = Fake::new(&self.sockets);
                self.lines.push(fake.line());
                self.lending.dialled(fake, now);
            } else {
                self.lending.dial_failed(ConnectError::NoneInTime { after: Duration::from_secs(1) }, now);
            }
        }
        while let Some(at) = self.closing.iter().position(|(_, at)| *at <= now) {
            drop(self.closing.swap_remove(at));
            self.lending.closed(now);
        }
        self.work();
    }

    fn pass_time(&mut self) {
        let most = if self.random.one_in(500) { 4000 } else { 8 };
        self.now += Duration::from_millis(1 + self.random.below(most) as u64);
    }

    /// Lets something happen to a connection, in use or idle.
    fn harm(&mut self) {
        self.lines.retain(|line| Rc::strong_count(line) > 1);
        if self.lines.is_empty() {
            return;
        }
        let line = &self.lines[self.random.below(self.lines.len())];
        let mut line = line.borrow_mut();
        match self.random.below(5) {
            0 => line.end(CloseReason::ByPeer),
            1 => line.end(CloseReason::Failed),
            2 => line.end(CloseReason::Dead),
            3 => line.end(CloseReason::Unsolicited),
            _ => line.is_to_move = true,
        }
        drop(line);
        let has_stirred = self.random.one_in(2);
        self.look_at = self.lending.look_after(has_stirred, self.now);
    }

    fn act(&mut self, who: usize) {
        let state = std::mem::replace(&mut self.callers[who].state, UseState::Idle);
        self.callers[who].state = match state {
            UseState::Idle => self.enter(who),
            UseState::Waits { ticket, .. } if self.random.one_in(30) => {
                self.lending.cancel(ticket, self.now);
                self.callers[who].flag.lower();
                UseState::Idle
            }
            UseState::Waits { ticket, until, since, was_given_a_dead_one } => {
                if self.callers[who].flag.lower() || until <= self.now {
                    self.collect(who, ticket, until, since)
                } else {
                    UseState::Waits { ticket, until, since, was_given_a_dead_one }
                }
            }
            UseState::Has { lent, number } => self.exchange(lent, number),
        };
    }

    fn enter(&mut self, who: usize) -> UseState {
        let waker = self.callers[who].flag.waker();
        match self.lending.enter(Duration::from_secs(1), &waker, self.now) {
            Ok(Entered::PooledConnection(lent)) => {
                let waits = |other: &PoolCaller| matches!(other.state, UseState::Waits { .. }) && !other.flag.is_up();
                assert!(!self.callers.iter().any(waits), "a new caller takes nothing from the waiters");
                UseState::Has { lent, number: None }
            }
            Ok(Entered::Waits(ticket, until)) => {
                UseState::Waits { ticket, until, since: self.now, was_given_a_dead_one: false }
            }
            Err(error) => panic!("{error}"),
        }
    }

    fn collect(&mut self, who: usize, ticket: Ticket, until: Duration, since: Duration) -> UseState {
        let waker = self.callers[who].flag.waker();
        match self.lending.collect(ticket, &waker, self.now) {
            Some(Ok(lent)) => {
                for other in &self.callers {
                    let UseState::Waits { ticket: earlier, was_given_a_dead_one, .. } = other.state else { continue };
                    let has_his = earlier > ticket || other.flag.is_up() || was_given_a_dead_one;
                    assert!(has_his, "no caller is served before an earlier one");
                }
                UseState::Has { lent, number: None }
            }
            Some(Err(error)) => {
                assert!(until <= self.now, "{error}");
                assert_eq!(error.after(), Some(until - since));
                self.late += 1;
                UseState::Idle
            }
            None => UseState::Waits { ticket, until, since, was_given_a_dead_one: true },
        }
    }

    /// Sends, receives, or gives up; then releases the connection.
    fn exchange(&mut self, lent: PooledSlot<Fake>, number: Option<u64>) -> UseState {
        match number {
            None if self.random.one_in(20) => {}
            None => {
                self.requests += 1;
                lent.member.request(self.requests);
                return UseState::Has { lent, number: Some(self.requests) };
            }
            // Given up while the reply is still on its way.
            Some(_) if self.random.one_in(50) => {}
            Some(number) => match lent.member.reply() {
                // Arrived after the connection was handed out. A real caller looks before it sends; this one did not.
                Some(u64::MAX) => {}
                Some(reply) => assert_eq!(reply, number, "the reply of another request"),
                None => {}
            },
        }
        self.lending.give_back(lent, self.now);
        UseState::Idle
    }

    fn check(&self) {
        let status = self.lending.status();
        let under_way = u32::try_from(self.dials.len()).unwrap();
        assert!(self.sockets.open() + under_way <= self.rules.max, "{status:?}");
        let has = |caller: &&PoolCaller| matches!(caller.state, UseState::Has { .. });
        let given = |caller: &&PoolCaller| matches!(caller.state, UseState::Waits { .. }) && caller.flag.is_up();
        let held = self.callers.iter().filter(has).count();
        let most = held + self.callers.iter().filter(given).count();
        assert!((held..=most).contains(&(status.lent as usize)), "no slot leaked, and each assigned waiter was woken");
        assert_eq!((status.opening, status.closing as usize), (under_way, self.closing.len()));
        assert_eq!(self.sockets.open(), status.idle + status.lent + status.closing);
        assert!(status.idle <= self.rules.max_idle);
        assert!(status.idle == 0 || status.waiting == 0, "no caller waits while a connection is idle");
        let pauses_until = self.lending.pauses_until();
        assert!(pauses_until <= self.now + LONGEST_PAUSE);
        let is_pausing = self.now <= pauses_until;
        let is_mending = status.opening > 0 || status.closing > 0 || is_pausing;
        assert!(status.idle + status.lent >= self.rules.min || is_mending, "{status:?} at {:?}", self.now);
        assert!(status.waiting == 0 || is_mending || status.lent == self.rules.max, "{status:?}");
    }

    fn end(mut self) -> u64 {
        for who in 0..self.callers.len() {
            match std::mem::replace(&mut self.callers[who].state, UseState::Idle) {
                UseState::Idle => {}
                UseState::Waits { ticket, .. } => self.lending.cancel(ticket, self.now),
                UseState::Has { lent, .. } => self.lending.give_back(lent, self.now),
            }
        }
        self.is_up = true;
        for _ in 0..10_000 {
            self.now += Duration::from_millis(10);
            self.work();
            self.settle();
        }
        let status = self.lending.status();
        assert_eq!((status.lent, status.waiting, status.idle), (0, 0, self.rules.min), "only min connections are kept");
        assert!(self.late > 0 && status.not_opened > 0, "{status:?}");
        let closed: u64 = status.all_closed().map(|(_, count)| count).sum();
        assert_eq!(status.opened - closed, u64::from(status.idle), "each is counted once: {status:?}");
        self.lending.close(self.now);
        self.work();
        self.now += Duration::from_secs(1);
        self.settle();
        assert_eq!(self.sockets.open(), 0);
        assert!(self.lending.poll_drained(std::task::Waker::noop()));
        status.lendings
    }
}
