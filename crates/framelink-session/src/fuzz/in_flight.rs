//! A model test of the calls in flight.

use std::borrow::Cow;
use std::time::Duration;

use crate::calls::{Arrived, CallId, Ended, InFlight, KeyRule, Matching, NotBegun};

/// Drives the calls in flight by random steps and compares them with a model. A reply finds its call or is reported. A
/// key that may still be answered is refused to others. The window is never exceeded. Each waiter is returned once.
///
/// # Panics
/// If that does not hold.
pub fn in_flight(data: &[u8]) {
    let Some((&[kind, window], data)) = data.split_first_chunk::<2>() else { return };
    let mut model = Model::new(kind % 2 == 0, usize::from(window % 5) + 1, usize::from(kind / 2 % 4));
    for step in data.chunks_exact(2) {
        let (what, which) = (step[0], step[1]);
        match what % 8 {
            0..=2 => model.begins(which % 8, Duration::from_millis(u64::from(which / 8))),
            3 | 4 => model.is_answered(which % 8),
            5 => model.gives_up(which, what / 8 % 2 == 0),
            6 => model.waits(Duration::from_millis(u64::from(which))),
            _ if which < 4 => model.is_lost(),
            _ => model.forgets_the_last(),
        }
        model.check();
    }
}

struct Model {
    in_flight: InFlight<usize>,
    in_order: bool,
    window: usize,
    unanswered: usize,
    calls: Vec<Call>,
    now: Duration,
    begun: usize,
    ended: Option<Ended>,
}

/// A call that may still be answered.
struct Call {
    id: CallId,
    waiter: usize,
    is_waited_for: bool,
    key: u8,
    began: Duration,
    deadline: Duration,
}

impl Model {
    fn new(in_order: bool, window: usize, unanswered: usize) -> Self {
        let place = "0:1".parse().expect("a place");
        let matching = if in_order { Matching::in_order() } else { Matching::by_key(KeyRule::at(place)) };
        let in_flight = InFlight::new(matching.window(window).unanswered(unanswered));
        let (calls, now) = (Vec::new(), Duration::ZERO);
        Self { in_flight, in_order, window, unanswered, calls, now, begun: 0, ended: None }
    }

    fn begins(&mut self, key: u8, within: Duration) {
        let (waiter, deadline) = (self.begun, self.now + within);
        self.may_end_for_the_first();
        let begun = self.in_flight.begin(&mut Cow::Borrowed(&[key]), waiter, self.now, deadline);
        let expected = match self.ended {
            Some(ended) => Err(NotBegun::Ended(ended)),
            None if self.occupied() >= self.window => Err(NotBegun::Full { window: self.window }),
            None if !self.in_order && self.calls.iter().any(|call| call.key == key) => Err(NotBegun::DuplicateKey),
            None => Ok(()),
        };
        assert_eq!(begun.map(drop), expected);
        if let Ok(id) = begun {
            assert!(self.calls.iter().all(|call| call.id < id));
            self.begun += 1;
            self.calls.push(Call { id, waiter, is_waited_for: true, key, began: self.now, deadline });
        }
    }

    fn is_answered(&mut self, key: u8) {
        self.may_end_for_the_first();
        if self.in_order && self.ended == Some(Ended::InOrder) {
            assert_eq!(self.in_flight.on_message(&[key], self.now), Arrived::Untold);
            return;
        }
        let position = match self.in_order {
            true => (!self.calls.is_empty()).then_some(0),
            false => self.calls.iter().position(|call| call.key == key),
        };
        let arrived = self.in_flight.on_message(&[key], self.now);
        match (position.map(|position| self.calls.remove(position)), arrived) {
            (None, Arrived::Unsolicited) => {}
            (Some(call), Arrived::Reply(waiter)) if call.is_waited_for => assert_eq!(waiter, call.waiter),
            (Some(call), Arrived::Late(late)) if !call.is_waited_for => {
                assert_eq!((late.call, late.delay), (call.id, self.now - call.began));
                assert_eq!(late.key.as_deref(), (!self.in_order).then_some(&[call.key][..]));
            }
            (call, arrived) => panic!("{arrived:?} of {:?}", call.map(|call| call.id)),
        }
    }

    fn gives_up(&mut self, which: u8, is_cancelled: bool) {
        let count = self.calls.len();
        let Some(call) = self.calls.get_mut(usize::from(which) % count.max(1)) else { return };
        let was_waited_for = std::mem::take(&mut call.is_waited_for);
        let given_up = match is_cancelled {
            true => self.in_flight.cancel(call.id),
            false => self.in_flight.give_up(call.id),
        };
        assert_eq!(given_up, was_waited_for);
        if was_waited_for && !(self.in_order && is_cancelled) {
            self.may_end();
        }
    }

    fn waits(&mut self, time: Duration) {
        self.now += time;
        let matters = |call: &Call| call.is_waited_for || (self.in_order && self.ended.is_none());
        let due = |call: &&mut Call| call.deadline <= self.now && matters(call);
        let expected: Vec<_> = (self.calls.iter_mut().filter(due))
            .map(|call| (call.id, std::mem::take(&mut call.is_waited_for).then_some(call.waiter)))
            .collect();
        assert_eq!(self.in_flight.expire(self.now), expected);
        if !expected.is_empty() {
            self.may_end();
        }
        assert!(self.in_flight.expire(self.now).is_empty(), "once");
    }

    fn is_lost(&mut self) {
        let expected: Vec<_> = self.calls.drain(..).filter(|call| call.is_waited_for).map(|call| call.waiter).collect();
        assert_eq!(self.in_flight.fail(), expected);
        self.ended.get_or_insert(Ended::Lost);
    }

    fn forgets_the_last(&mut self) {
        let Some(call) = self.calls.pop() else { return };
        assert_eq!(self.in_flight.forget(call.id), call.is_waited_for.then_some(call.waiter));
        assert_eq!(self.in_flight.forget(call.id), None);
    }

    /// In order, a cancelled call must be answered by its deadline.
    fn may_end_for_the_first(&mut self) {
        let first = self.calls.first();
        if self.in_order && first.is_some_and(|call| !call.is_waited_for && call.deadline <= self.now) {
            self.may_end();
        }
    }

    fn may_end(&mut self) {
        let unanswered = self.calls.iter().filter(|call| !call.is_waited_for).count();
        match self.in_order {
            true => drop(self.ended.get_or_insert(Ended::InOrder)),
            false if unanswered > self.unanswered => drop(self.ended.get_or_insert(Ended::Unanswered)),
            false => {}
        }
    }

    fn occupied(&self) -> usize {
        self.calls.iter().filter(|call| self.in_order || call.is_waited_for).count()
    }

    fn check(&self) {
        let waited_for = self.calls.iter().filter(|call| call.is_waited_for);
        let (count, soonest) = (waited_for.clone().count(), waited_for.map(|call| call.deadline).min());
        assert_eq!((self.in_flight.len(), self.in_flight.is_empty()), (count, count == 0));
        assert_eq!(self.in_flight.unanswered(), self.calls.len() - count);
        assert_eq!(self.in_flight.room(), self.window.saturating_sub(self.occupied()));
        assert_eq!(self.in_flight.ended(), self.ended);
        if let Some(soonest) = soonest {
            assert!(self.in_flight.deadline().is_some_and(|at| at <= soonest), "no call is forgotten");
        }
    }
}
