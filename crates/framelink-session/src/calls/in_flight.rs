//! The calls in flight on one connection.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use framelink_template::{Numbers, NumbersError};

use crate::calls::reply_rule::ReplyRule;
use crate::calls::{Arrived, CallId, Ended, Key, KeysInUse, Late, Matching, NotBegun};

/// The calls in flight on one connection. Matches each reply to its call.
///
/// ```text
///   begin ──► waiting ──── its reply ────────────────────────► Reply
///                 │
///                 │ deadline passed, or cancelled
///                 ▼
///   by key:   remembered ─ its reply, at any later time ──────► Late, with its key and delay
///   in order: cancelled: keeps its place, and its reply is Late
///             deadline passed: the connection has ended, because no later reply can be matched
/// ```
///
/// A key that is waiting or remembered is refused to other requests, so that a late reply never answers another
/// request. A message that matches no call, or fails the [reply rule](Matching::reply_rule), is
/// [`Arrived::Unsolicited`].
///
/// `T` is the waiter: what the driver uses to wake the caller.
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
    /// By call number. Numbers count up.
    calls: HashMap<u64, Call<T>>,
    /// In order: the calls in the order in which their replies come.
    line: VecDeque<u64>,
    /// By key: the call that each key belongs to.
    keys: HashMap<Key, u64>,
    next: u64,
    /// Where assigned numbers come from, if the session assigns any.
    numbers: Option<Numbers>,
    reply_rule: Option<Box<ReplyRule>>,
    /// What heartbeats see of `keys`, where they choose numbers too.
    in_use: Option<KeysInUse>,
    /// The number of calls that still have a waiter.
    waited_for: usize,
    /// A lower bound of all deadlines.
    soonest: Option<Duration>,
    ended: Option<Ended>,
}

#[derive(Debug)]
struct Call<T> {
    /// `None` after the call was given up.
    waiter: Option<T>,
    key: Option<Key>,
    began: Duration,
    deadline: Duration,
}

impl<T> InFlight<T> {
    /// Creates the table for one connection, without calls.
    #[must_use]
    pub fn new(mut matching: Matching) -> Self {
        let (numbers, in_use) = (matching.take_numbers(), matching.in_use.take());
        let reply_rule = matching.reply_rule.take().map(|rule| Box::new(ReplyRule::new(rule)));
        Self {
            matching,
            calls: HashMap::new(),
            line: VecDeque::new(),
            keys: HashMap::new(),
            next: 0,
            numbers,
            reply_rule,
            in_use,
            waited_for: 0,
            soonest: None,
            ended: None,
        }
    }

    /// Begins a call whose request is about to be sent. Writes the next free number into it, if numbers are assigned.
    ///
    /// # Errors
    /// Returns why the call cannot begin; the table and the request are unchanged then. The connection also
    /// [ends](Self::ended) here in two cases:
    /// - in order: a cancelled call was not answered by its deadline;
    /// - by key: unanswered calls hold all numbers that can be assigned.
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
            Some(key) => {
                self.keys.insert(key, number);
                if let Some(in_use) = &self.in_use {
                    in_use.begin_call(key);
                }
            }
            None => self.line.push_back(number),
        }
        if let Some(rule) = &mut self.reply_rule {
            rule.begin(number, request);
        }
        self.calls.insert(number, Call { waiter: Some(waiter), key, began: now, deadline });
        self.waited_for += 1;
        self.soonest = Some(self.soonest.map_or(deadline, |soonest| soonest.min(deadline)));
        Ok(CallId(number))
    }

    /// Removes a call of which no byte was sent, and returns its waiter.
    pub fn forget(&mut self, call: CallId) -> Option<T> {
        let Call { waiter, key, .. } = self.remove(call.0)?;
        match key {
            Some(key) => drop(self.free(&key)),
            None => self.line.retain(|&number| number != call.0),
        }
        waiter
    }

    /// Matches a message to a call and removes the call.
    pub fn on_message(&mut self, message: &[u8], now: Duration) -> Arrived<T> {
        match self.claim(message, now) {
            Ok((Some(waiter), _)) => Arrived::Reply(waiter),
            Ok((None, late)) => Arrived::Late(late),
            Err(arrived) => arrived,
        }
    }

    /// Matches a message to a call and removes the call. Returns the waiter, or `None` if the call was given up, and
    /// the details of a late reply. An error says why the message answers no call.
    pub fn claim(&mut self, message: &[u8], now: Duration) -> Result<(Option<T>, Late), Arrived<T>> {
        self.check_cancelled(now);
        if self.reply_rule.as_ref().is_some_and(|rule| self.fails(rule, message)) {
            return Err(Arrived::Unsolicited);
        }
        if self.matching.is_in_order() && self.ended == Some(Ended::InOrder) {
            return Err(Arrived::Untold);
        }
        let number = match &self.matching.key {
            None => self.line.pop_front(),
            Some(rule) => rule.in_reply(message).and_then(|key| self.free(&key)),
        };
        let Some((number, call)) = number.and_then(|number| Some((number, self.remove(number)?))) else {
            return Err(Arrived::Unsolicited);
        };
        let late = Late { call: CallId(number), key: call.key, delay: now.saturating_sub(call.began) };
        Ok((call.waiter, late))
    }

    /// Gives up a call whose deadline has passed. Returns false if the call is already answered or given up. Check
    /// [`ended`](Self::ended) afterwards: the other calls may be impossible to match.
    pub fn give_up(&mut self, call: CallId) -> bool {
        let was_waited_for = self.release(call.0).is_some();
        if was_waited_for {
            self.end_if_lost();
        }
        was_waited_for
    }

    /// Cancels a call before its deadline. In order, the call keeps its place; by key, the call is [given
    /// up](Self::give_up). Returns false if the call is already answered or given up.
    pub fn cancel(&mut self, call: CallId) -> bool {
        if self.matching.is_in_order() { self.release(call.0).is_some() } else { self.give_up(call) }
    }

    /// Gives up all calls whose deadline has passed. Returns them in the order in which they began, each with its
    /// waiter unless it was cancelled before.
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

    /// Returns the earliest deadline: the time at which to call [`expire`](Self::expire) next.
    #[must_use]
    pub const fn deadline(&self) -> Option<Duration> {
        self.soonest
    }

    /// Ends the connection and returns the waiters of all calls in flight, in the order in which the calls began.
    pub fn fail(&mut self) -> Vec<T> {
        self.ended.get_or_insert(Ended::Lost);
        let mut calls: Vec<_> = self.calls.drain().collect();
        calls.sort_unstable_by_key(|(number, _)| *number);
        self.line = VecDeque::new();
        self.keys = HashMap::new();
        if let Some(in_use) = &self.in_use {
            in_use.end_all();
        }
        if let Some(rule) = &mut self.reply_rule {
            rule.end_all();
        }
        self.soonest = None;
        self.waited_for = 0;
        calls.into_iter().filter_map(|(_, call)| call.waiter).collect()
    }

    /// Returns why no more calls are possible, or `None` while they are. Once this is set, close the connection and
    /// notify the waiters that [`fail`](Self::fail) returns.
    #[must_use]
    pub const fn ended(&self) -> Option<Ended> {
        self.ended
    }

    /// Returns the waiter of a call.
    pub fn waiter_mut(&mut self, call: CallId) -> Option<&mut T> {
        self.calls.get_mut(&call.0)?.waiter.as_mut()
    }

    /// Returns how many more calls may begin now.
    #[must_use]
    pub fn room(&self) -> usize {
        self.matching.window.saturating_sub(self.occupied())
    }

    /// Returns how many calls have a waiter.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.waited_for
    }

    /// Returns whether no call has a waiter.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.waited_for == 0
    }

    /// Returns how many calls were given up and are not answered yet.
    #[must_use]
    pub fn unanswered(&self) -> usize {
        self.calls.len() - self.waited_for
    }

    /// Returns how replies are matched.
    #[must_use]
    pub const fn matching(&self) -> &Matching {
        &self.matching
    }

    /// In order, a cancelled call keeps its place and still must be answered by its deadline.
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

    /// Returns the key of a request, if no other call has it.
    fn key_for(&mut self, request: &mut Cow<'_, [u8]>) -> Result<Option<Key>, NotBegun> {
        let Some(rule) = &self.matching.key else { return Ok(None) };
        let is_used = |key: &[u8]| self.keys.contains_key(key);
        let is_of_probe = |key: &[u8]| self.in_use.as_ref().is_some_and(|in_use| in_use.is_of_probe(key));
        let assigned = match rule.assign(request, self.numbers.as_ref(), |key| is_used(key) || is_of_probe(key)) {
            Err(NumbersError::AllUsed(_)) if self.in_use.is_some() => {
                rule.assign(request, self.numbers.as_ref(), is_used)
            }
            assigned => assigned,
        };
        match assigned {
            Ok(()) => {}
            Err(NumbersError::AllUsed(_)) => {
                // Calls that were given up hold the other keys, and it is unknown for how long.
                self.ended.get_or_insert(Ended::Unanswered);
                return Err(NotBegun::Ended(Ended::Unanswered));
            }
            Err(error) => return Err(NotBegun::NoNumber(Box::new(error))),
        }
        let key = rule.of_request(request).ok_or(NotBegun::NoKey { payload_len: request.len() })?;
        if self.keys.contains_key(&key) { Err(NotBegun::DuplicateKey) } else { Ok(Some(key)) }
    }

    /// Frees a key, and returns the call that had it.
    fn free(&mut self, key: &Key) -> Option<u64> {
        if let Some(in_use) = &self.in_use {
            in_use.end_call(key);
        }
        self.keys.remove(key)
    }

    /// Returns whether the reply rule shows that a message is no reply.
    fn fails(&self, rule: &ReplyRule, message: &[u8]) -> bool {
        if !rule.needs_request() {
            return !rule.holds(message, None);
        }
        let call = match &self.matching.key {
            // Then the message may be the reply to another call than the oldest.
            None if self.ended == Some(Ended::InOrder) => None,
            None => self.line.front(),
            Some(key) => key.in_reply(message).and_then(|key| self.keys.get(&key)),
        };
        call.is_some_and(|&call| !rule.holds(message, Some(call)))
    }

    /// In order, a cancelled call occupies its place. By key, it does not.
    fn occupied(&self) -> usize {
        if self.matching.is_in_order() { self.line.len() } else { self.waited_for }
    }

    /// Whether the call's deadline still matters. By key, the deadline of a call that was given up does not.
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
        if let Some(rule) = &mut self.reply_rule {
            rule.end(number);
        }
        if call.waiter.is_some() {
            self.waited_for -= 1;
        }
        // Frees the memory of a burst once all calls are over.
        if self.calls.is_empty() {
            self.soonest = None;
            self.calls.shrink_to(SMALL);
            self.keys.shrink_to(SMALL);
            self.line.shrink_to(SMALL);
            if let Some(rule) = &mut self.reply_rule {
                rule.shrink_to(SMALL);
            }
        }
        Some(call)
    }
}

/// The number of places that stay reserved while no call is in flight.
const SMALL: usize = 64;
