//! A model test of the calls in flight.

use std::borrow::Cow;
use std::time::Duration;

use framelink_template::{Encoding, Match, Numbers};

use crate::calls::{Arrived, CallId, Ended, InFlight, KeyRule, Matching, NotBegun};

/// Drives the calls in flight by random steps and compares them with a model. A reply finds its call or is reported. A
/// message that fails the reply rule answers no call and changes nothing. A key that may still be answered is refused
/// to others. An assigned number is the next one that is free. The window is never exceeded. Each waiter is returned
/// once.
///
/// # Panics
/// If that does not hold.
pub fn in_flight(data: &[u8]) {
    let Some((&[kind, window], data)) = data.split_first_chunk::<2>() else { return };
    let rule = [Rule::None, Rule::Odd, Rule::Mapped, Rule::Function][usize::from(kind / 8 % 4)];
    let assigns = kind % 2 != 0 && kind / 32 % 2 != 0;
    let mut model = Model::new(kind % 2 == 0, usize::from(window % 5) + 1, usize::from(kind / 2 % 4), rule, assigns);
    for step in data.chunks_exact(2) {
        let (what, which) = (step[0], step[1]);
        let message = [which % 8, what / 8 % 4];
        match what % 8 {
            0..=2 => model.begins(message, Duration::from_millis(u64::from(which / 8))),
            3 | 4 => model.is_answered(message),
            5 => model.gives_up(which, what / 8 % 2 == 0),
            6 => model.waits(Duration::from_millis(u64::from(which))),
            _ if which < 4 => model.is_lost(),
            _ => model.forgets_the_last(),
        }
        model.check();
    }
}

/// Which messages can be replies, by their second byte, the type.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rule {
    None,
    /// All odd types.
    Odd,
    /// 1 answers 0, and 3 answers 2.
    Mapped,
    /// As `Mapped`, by a function.
    Function,
}

impl Rule {
    fn as_match(self) -> Option<Match> {
        match self {
            Self::None => None,
            Self::Odd => Some("1:1&01=hex:01".parse().expect("a rule")),
            Self::Mapped => Some("1:1=map:hex:00>01|hex:02>03".parse().expect("a rule")),
            Self::Function => Some(Match::by(|message, request| {
                let types = request.and_then(|request| Some((*request.get(1)?, *message.get(1)?)));
                types.is_some_and(|(request, message)| request.is_multiple_of(2) && message == request + 1)
            })),
        }
    }

    const fn needs_request(self) -> bool {
        matches!(self, Self::Mapped | Self::Function)
    }

    const fn holds(self, message: u8, request: u8) -> bool {
        match self {
            Self::None => true,
            Self::Odd => message % 2 == 1,
            Self::Mapped | Self::Function => request.is_multiple_of(2) && message == request + 1,
        }
    }
}

/// The numbers that are assigned: 1 to 5.
const NUMBERS: u8 = 5;

struct Model {
    in_flight: InFlight<usize>,
    in_order: bool,
    rule: Rule,
    /// The number that was assigned last, if numbers are assigned.
    assigned: Option<u8>,
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
    kind: u8,
    began: Duration,
    deadline: Duration,
}

impl Model {
    fn new(in_order: bool, window: usize, unanswered: usize, rule: Rule, assigns: bool) -> Self {
        let key = KeyRule::at("0:1".parse().expect("a place"));
        let mut matching = match (in_order, assigns) {
            (true, _) => Matching::in_order(),
            (false, false) => Matching::by_key(key),
            (false, true) => {
                let numbers = Numbers::new(1..=NUMBERS.into()).expect("a range");
                Matching::by_key(key.assigned(Encoding::Binary)).numbers(numbers)
            }
        };
        if let Some(rule) = rule.as_match() {
            matching = matching.reply_rule(rule);
        }
        let in_flight = InFlight::new(matching.window(window).unanswered(unanswered));
        let (calls, now, assigned) = (Vec::new(), Duration::ZERO, assigns.then_some(0));
        Self { in_flight, in_order, rule, assigned, window, unanswered, calls, now, begun: 0, ended: None }
    }

    fn begins(&mut self, [key, kind]: [u8; 2], within: Duration) {
        let (waiter, deadline) = (self.begun, self.now + within);
        self.may_end_for_the_first();
        let bytes = [key, kind];
        let mut request = Cow::Borrowed(&bytes[..]);
        let begun = self.in_flight.begin(&mut request, waiter, self.now, deadline);
        let expected = match self.ended {
            Some(ended) => Err(NotBegun::Ended(ended)),
            None if self.occupied() >= self.window => Err(NotBegun::Full { window: self.window }),
            None => self.key_of(key),
        };
        assert_eq!(begun.clone().map(|_| request[0]), expected);
        assert_eq!(request[1], kind);
        if let (Ok(id), Ok(key)) = (begun, expected) {
            assert!(self.calls.iter().all(|call| call.id < id));
            self.begun += 1;
            self.calls.push(Call { id, waiter, is_waited_for: true, key, kind, began: self.now, deadline });
        }
    }

    /// Returns the key of the next request: its own, or the next number that is free.
    fn key_of(&mut self, own: u8) -> Result<u8, NotBegun> {
        let is_used = |key: u8| self.calls.iter().any(|call| call.key == key);
        match self.assigned {
            None if !self.in_order && is_used(own) => Err(NotBegun::DuplicateKey),
            None => Ok(own),
            Some(last) => match (0..NUMBERS).map(|after| (last + after) % NUMBERS + 1).find(|&number| !is_used(number))
            {
                Some(number) => Ok(*self.assigned.insert(number)),
                None => {
                    self.ended = Some(Ended::Unanswered);
                    Err(NotBegun::Ended(Ended::Unanswered))
                }
            },
        }
    }

    fn is_answered(&mut self, message: [u8; 2]) {
        let [key, kind] = message;
        self.may_end_for_the_first();
        let is_untold = self.in_order && self.ended == Some(Ended::InOrder);
        let position = match self.in_order {
            true => (!self.calls.is_empty()).then_some(0),
            false => self.calls.iter().position(|call| call.key == key),
        };
        let fails = match position.filter(|_| !is_untold) {
            _ if !self.rule.needs_request() => !self.rule.holds(kind, 0),
            Some(position) => !self.rule.holds(kind, self.calls[position].kind),
            None => false,
        };
        let arrived = self.in_flight.on_message(&message, self.now);
        if fails || is_untold {
            let expected = if fails { Arrived::Unsolicited } else { Arrived::Untold };
            assert_eq!(arrived, expected);
            return;
        }
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
