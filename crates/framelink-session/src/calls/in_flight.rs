//! Many calls under way on one connection, and which reply is whose.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::calls::{Arrived, CallId, Ended, Key, Late, Matching, NotBegun};

/// The calls that are under way on one connection, so that each reply finds its own.
///
/// ```text
///   begin ──► waited for ──── its reply ───────────────────────► Reply
///                 │
///                 │ time over, or cancelled
///                 ▼
///   by key:   remembered ──── its reply, however late ─────────► Late, with its key and delay
///   in order: cancelled: its place is kept, and its reply is Late;
///             time over: the connection has ended, for no later reply can be told apart
/// ```
///
/// A key that is waited for or remembered is refused to other requests, so that a late reply never answers another one. What
/// matches nothing is [`Arrived::Unsolicited`].
///
/// `T` is whatever the driver waits for each call with.
///
/// ```
/// use std::{borrow::Cow, time::Duration};
/// use framelink_session::{Arrived, InFlight, KeyRule, Matching};
///
/// let mut in_flight = InFlight::new(Matching::by_key(KeyRule::at("0:2".parse()?)));
/// let (now, deadline) = (Duration::ZERO, Duration::from_secs(5));
/// in_flight.begin(&mut Cow::Borrowed(b"01 first"), "one", now, deadline)?;
/// in_flight.begin(&mut Cow::Borrowed(b"02 second"), "two", now, deadline)?;
/// assert_eq!(in_flight.on_message(b"02 reply", now), Arrived::Reply("two"));
/// assert_eq!(in_flight.on_message(b"07 news", now), Arrived::Unsolicited);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct InFlight<T> {
    matching: Matching,
    /// By number, which counts up.
    calls: HashMap<u64, Call<T>>,
    /// In order: whose reply comes next.
    line: VecDeque<u64>,
    /// By key: which call has it.
    keys: HashMap<Key, u64>,
    next: u64,
    /// The key that was assigned last.
    counter: u64,
    /// How many are waited for.
    waited_for: usize,
    /// No call's time is over before.
    soonest: Option<Duration>,
    ended: Option<Ended>,
}

#[derive(Debug)]
struct Call<T> {
    /// `None` when it was given up.
    waiter: Option<T>,
    key: Option<Key>,
    began: Duration,
    deadline: Duration,
}

impl<T> InFlight<T> {
    /// None yet.
    #[must_use]
    pub fn new(matching: Matching) -> Self {
        Self {
            matching,
            calls: HashMap::new(),
            line: VecDeque::new(),
            keys: HashMap::new(),
            next: 0,
            counter: 0,
            waited_for: 0,
            soonest: None,
            ended: None,
        }
    }

    /// Begins a call: its request is about to go out. Where keys are assigned, the request is given its own.
    ///
    /// # Errors
    /// When it cannot be begun; nothing has changed then, the request neither. In order, a cancelled call whose time is over
    /// unanswered shows here at the latest, and so does it that unanswered calls hold all keys that could be assigned: both
    /// [end](Self::ended) the connection.
    pub fn begin(
        &mut self,
        request: &mut Cow<'_, [u8]>,
        waiter: T,
        now: Duration,
        deadline: Duration,
    ) -> Result<CallId, NotBegun> {
        self.check_cancelled(now);
        self.check_room()?;
        let key = self.key_for(request)?;
        let number = self.next;
        self.next += 1;
        match key {
            Some(key) => drop(self.keys.insert(key, number)),
            None => self.line.push_back(number),
        }
        self.calls.insert(number, Call { waiter: Some(waiter), key, began: now, deadline });
        self.waited_for += 1;
        self.soonest = Some(self.soonest.map_or(deadline, |soonest| soonest.min(deadline)));
        Ok(CallId(number))
    }

    /// Forgets the call, of which nothing was sent.
    pub fn forget(&mut self, call: CallId) -> Option<T> {
        let Call { waiter, key, .. } = self.remove(call.0)?;
        match key {
            Some(key) => drop(self.keys.remove(&key)),
            None => self.line.retain(|&number| number != call.0),
        }
        waiter
    }

    /// Whose reply a message is.
    pub fn on_message(&mut self, message: &[u8], now: Duration) -> Arrived<T> {
        match self.claim(message, now) {
            Ok((Some(waiter), _)) => Arrived::Reply(waiter),
            Ok((None, late)) => Arrived::Late(late),
            Err(arrived) => arrived,
        }
    }

    /// The call that a message answers: its waiter, unless the call was given up, and what makes the message a late reply. An error
    /// is a message that answers no call.
    pub fn claim(&mut self, message: &[u8], now: Duration) -> Result<(Option<T>, Late), Arrived<T>> {
        self.check_cancelled(now);
        if self.matching.is_in_order() && self.ended == Some(Ended::InOrder) {
            return Err(Arrived::Untold);
        }
        let number = match &self.matching.key {
            None => self.line.pop_front(),
            Some(rule) => rule.in_reply(message).and_then(|key| self.keys.remove(&key)),
        };
        let Some((number, call)) = number.and_then(|number| Some((number, self.remove(number)?))) else {
            return Err(Arrived::Unsolicited);
        };
        let late = Late { call: CallId(number), key: call.key, delay: now.saturating_sub(call.began) };
        Ok((call.waiter, late))
    }

    /// The time of a call is over. Nobody waits for it any more; false if it has been answered. What that means for the others
    /// [`ended`](Self::ended) says.
    pub fn give_up(&mut self, call: CallId) -> bool {
        let was_waited_for = self.release(call.0).is_some();
        if was_waited_for {
            self.end_if_lost();
        }
        was_waited_for
    }

    /// Nobody waits for the call any more, though its time is not over. In order its place is kept; by key it is
    /// [given up](Self::give_up). False if it has been answered.
    pub fn cancel(&mut self, call: CallId) -> bool {
        if self.matching.is_in_order() { self.release(call.0).is_some() } else { self.give_up(call) }
    }

    /// Gives up the calls whose time is over, first come first; each with its waiter, unless it was cancelled before.
    pub fn expire(&mut self, now: Duration) -> Vec<(CallId, Option<T>)> {
        if self.soonest.is_none_or(|soonest| now < soonest) {
            return Vec::new();
        }
        let live = self.calls.iter().filter(|(_, call)| self.is_live(call));
        let (due, later): (Vec<_>, Vec<_>) = live.map(|(n, call)| (*n, call.deadline)).partition(|(_, at)| *at <= now);
        self.soonest = later.iter().map(|(_, at)| *at).min();
        let mut due: Vec<_> = due.into_iter().map(|(number, _)| (CallId(number), self.release(number))).collect();
        due.sort_unstable_by_key(|(call, _)| *call);
        if !due.is_empty() {
            self.end_if_lost();
        }
        due
    }

    /// No call's time is over before: then [`expire`](Self::expire) is to be asked.
    #[must_use]
    pub const fn deadline(&self) -> Option<Duration> {
        self.soonest
    }

    /// The connection was lost, or has ended: all calls that are still waited for, first come first.
    pub fn fail(&mut self) -> Vec<T> {
        self.ended.get_or_insert(Ended::Lost);
        let mut calls: Vec<_> = self.calls.drain().collect();
        calls.sort_unstable_by_key(|(number, _)| *number);
        self.line = VecDeque::new();
        self.keys = HashMap::new();
        self.soonest = None;
        self.waited_for = 0;
        calls.into_iter().filter_map(|(_, call)| call.waiter).collect()
    }

    /// Why no more calls are possible, if that is so. The connection is to be closed then, and the other calls are to be
    /// [told](Self::fail).
    #[must_use]
    pub const fn ended(&self) -> Option<Ended> {
        self.ended
    }

    /// What a call is waited for with.
    pub fn waiter_mut(&mut self, call: CallId) -> Option<&mut T> {
        self.calls.get_mut(&call.0)?.waiter.as_mut()
    }

    /// How many calls there are room for now.
    #[must_use]
    pub fn room(&self) -> usize {
        self.matching.window.saturating_sub(self.occupied())
    }

    /// How many calls are waited for.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.waited_for
    }

    /// Whether no call is waited for.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.waited_for == 0
    }

    /// How many calls were given up and are not answered yet.
    #[must_use]
    pub fn unanswered(&self) -> usize {
        self.calls.len() - self.waited_for
    }

    /// How replies are told apart.
    #[must_use]
    pub const fn matching(&self) -> &Matching {
        &self.matching
    }

    /// In order, a call that was cancelled holds its place, and must be answered in its time like any other.
    fn check_cancelled(&mut self, now: Duration) {
        let first = self.line.front().and_then(|number| self.calls.get(number));
        if first.is_some_and(|call| call.waiter.is_none() && call.deadline <= now) {
            self.end_if_lost();
        }
    }

    fn check_room(&self) -> Result<(), NotBegun> {
        match self.ended {
            Some(ended) => Err(NotBegun::Ended(ended)),
            None if self.room() == 0 => Err(NotBegun::Full { window: self.matching.window }),
            None => Ok(()),
        }
    }

    /// The key of a request, which nobody else has.
    fn key_for(&mut self, request: &mut Cow<'_, [u8]>) -> Result<Option<Key>, NotBegun> {
        let Some(rule) = &self.matching.key else { return Ok(None) };
        if rule.assign(request, &mut self.counter, |key| self.keys.contains_key(key)).is_none() {
            // Those that were given up hold the rest, and nobody knows for how long.
            self.ended.get_or_insert(Ended::Unanswered);
            return Err(NotBegun::Ended(Ended::Unanswered));
        }
        let key = rule.of_request(request).ok_or(NotBegun::NoKey { payload_len: request.len() })?;
        if self.keys.contains_key(&key) { Err(NotBegun::DuplicateKey) } else { Ok(Some(key)) }
    }

    /// In order a cancelled call holds its place; by key it no longer counts.
    fn occupied(&self) -> usize {
        if self.matching.is_in_order() { self.line.len() } else { self.waited_for }
    }

    /// Whether the call's time still matters: by key that of one that was given up does not.
    fn is_live(&self, call: &Call<T>) -> bool {
        call.waiter.is_some() || (call.key.is_none() && self.ended.is_none())
    }

    fn release(&mut self, number: u64) -> Option<T> {
        let waiter = self.calls.get_mut(&number)?.waiter.take()?;
        self.waited_for -= 1;
        Some(waiter)
    }

    fn end_if_lost(&mut self) {
        if self.matching.is_in_order() {
            self.ended.get_or_insert(Ended::InOrder);
        } else if self.unanswered() > self.matching.unanswered {
            self.ended.get_or_insert(Ended::Unanswered);
        }
    }

    fn remove(&mut self, number: u64) -> Option<Call<T>> {
        let call = self.calls.remove(&number)?;
        if call.waiter.is_some() {
            self.waited_for -= 1;
        }
        // What one burst needed is not kept for ever.
        if self.calls.is_empty() {
            self.soonest = None;
            self.calls.shrink_to(SMALL);
            self.keys.shrink_to(SMALL);
            self.line.shrink_to(SMALL);
        }
        Some(call)
    }
}

/// So many places may stay reserved while nothing is under way.
const SMALL: usize = 64;
