//! The connections of a pool, driven by random steps.

use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use crate::error::ConnectError;
use crate::pool::world::{Fake, Sockets};
use crate::pool::{CloseReason, Entered, Job, PoolState, PooledSlot, Ticket};
use crate::profile::Pooled;
use crate::simulated::flag::Flag;

/// Drives the connections of a pool and its callers by random steps. The limits are never exceeded. Each connection is
/// in use, idle, opening or closing, and only one of these. No caller waits while a connection is idle, a caller that
/// is assigned a connection is woken, and in the end all are closed.
///
/// # Panics
/// If an invariant does not hold.
pub fn lending(data: &[u8]) {
    let Some((&[max, min, idle, how], data)) = data.split_first_chunk::<4>() else { return };
    let mut rules = Pooled::new(u32::from(max % 5) + 1);
    rules.min = u32::from(min) % (rules.max + 1);
    rules.max_idle = rules.min + u32::from(idle) % (rules.max - rules.min + 1);
    rules.wait = (how % 4 != 0).then(|| Duration::from_millis(u64::from(how)));
    rules.replace = how & 0x10 != 0;
    rules.uses = (how & 0x20 != 0).then_some(2);
    (rules.idle, rules.lifetime) = (Duration::from_millis(300), Duration::from_secs(2));
    let mut world = World::new(rules);
    for step in data.chunks_exact(2) {
        world.step(step[0], usize::from(step[1]));
        world.wake();
        world.check();
    }
    world.end();
}

struct World {
    lending: PoolState<Fake>,
    rules: Pooled,
    now: Duration,
    sockets: Sockets,
    waiting: Vec<(Ticket, Arc<Flag>)>,
    lent: Vec<PooledSlot<Fake>>,
    dials: usize,
    closing: Vec<Fake>,
}

impl World {
    fn new(rules: Pooled) -> Self {
        let lending = PoolState::new(rules, Some(Duration::from_millis(50)), 1, Duration::ZERO);
        let (sockets, waiting, lent) = (Sockets::default(), Vec::new(), Vec::new());
        Self { lending, rules, now: Duration::ZERO, sockets, waiting, lent, dials: 0, closing: Vec::new() }
    }

    fn step(&mut self, step: u8, number: usize) {
        let now = self.now;
        match step % 12 {
            0 => self.now += Duration::from_millis(number as u64),
            1 | 2 => self.enter(Duration::from_millis(number as u64)),
            3 if !self.waiting.is_empty() => self.collect(number % self.waiting.len()),
            4 if !self.waiting.is_empty() => {
                let (ticket, _) = self.waiting.remove(number % self.waiting.len());
                self.lending.cancel(ticket, now);
            }
            5 | 6 if !self.lent.is_empty() => {
                let lent = self.lent.remove(number % self.lent.len());
                self.exchange(&lent, number);
                self.lending.give_back(lent, now);
            }
            7 if !self.lent.is_empty() => {
                let line = self.lent[number % self.lent.len()].member.line();
                let reasons = [CloseReason::ByPeer, CloseReason::Unsolicited, CloseReason::Dead, CloseReason::Failed];
                match reasons.get(number % 6) {
                    Some(reason) => line.borrow_mut().end(*reason),
                    None => line.borrow_mut().is_to_move = true,
                }
            }
            8 | 9 if self.dials > 0 => {
                self.dials -= 1;
                match number % 3 {
                    0 => self.lending.dial_failed(ConnectError::NoneInTime { after: Duration::ZERO }, now),
                    _ => self.lending.dialled(Fake::new(&self.sockets), now),
                }
            }
            10 if !self.closing.is_empty() => {
                drop(self.closing.remove(number % self.closing.len()));
                self.lending.closed(now);
            }
            11 if number == 0 => self.lending.close(now),
            _ => self.work(number.is_multiple_of(2)),
        }
    }

    fn enter(&mut self, within: Duration) {
        let flag = Flag::new();
        match self.lending.enter(within, &flag.waker(), self.now) {
            Ok(Entered::PooledConnection(lent)) => self.lent.push(lent),
            Ok(Entered::Waits(ticket, _)) => self.waiting.push((ticket, flag)),
            Err(error) => assert!(error.is_closed() || self.rules.wait.is_none(), "{error}"),
        }
    }

    fn collect(&mut self, which: usize) {
        let (ticket, flag) = &self.waiting[which];
        flag.lower();
        match self.lending.collect(*ticket, &flag.waker(), self.now) {
            Some(Ok(lent)) => self.lent.push(lent),
            Some(Err(_)) => {}
            None => return,
        }
        self.waiting.remove(which);
    }

    /// Does a whole exchange, half of one, or none.
    fn exchange(&self, lent: &PooledSlot<Fake>, number: usize) {
        if number.is_multiple_of(4) {
            lent.member.request(number as u64);
        }
        if number.is_multiple_of(8) {
            let reply = lent.member.reply();
            assert!(reply.is_none_or(|reply| reply == number as u64 || reply == u64::MAX), "its own reply");
        }
    }

    fn work(&mut self, has_stirred: bool) {
        self.lending.look_after(has_stirred, self.now);
        for job in self.lending.take_jobs() {
            match job {
                Job::Dial => self.dials += 1,
                Job::Close(fake, _) => self.closing.push(fake),
            }
        }
    }

    fn wake(&mut self) {
        self.lending.take_wakes().0.into_iter().for_each(Waker::wake);
    }

    fn check(&self) {
        let status = self.lending.status();
        let open = status.idle + status.lent + status.closing;
        assert_eq!(self.sockets.open(), open, "{status:?}");
        assert!(open + status.opening <= self.rules.max || !self.lending.is_open(), "{status:?}");
        assert!(status.idle <= self.rules.max_idle && (status.idle == 0 || status.waiting == 0), "{status:?}");
        let woken = self.waiting.iter().filter(|(_, flag)| flag.is_up()).count();
        assert!((self.lent.len()..=self.lent.len() + woken).contains(&(status.lent as usize)), "{status:?}");
    }

    fn end(mut self) {
        self.lending.close(self.now);
        self.wake();
        assert!(self.waiting.iter().all(|(_, flag)| flag.is_up()), "all waiters are woken");
        for lent in std::mem::take(&mut self.lent) {
            self.lending.give_back(lent, self.now);
        }
        self.work(false);
        for fake in std::mem::take(&mut self.closing) {
            drop(fake);
            self.lending.closed(self.now);
        }
        assert_eq!(self.sockets.open(), 0);
        assert!(self.lending.poll_drained(Waker::noop()));
    }
}
