//! Decides which caller gets which connection, which connections are opened, and which are closed.

mod dials;
mod end;
mod idle;
pub(crate) mod waiters;

use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use self::dials::Dials;
use self::end::PoolStage;
use self::idle::IdleList;
use self::waiters::{Ticket, Waiters};
use super::{CloseReason, PoolStatus, Poolable};
use crate::error::{ConnectError, PoolError};
use crate::profile::Pooled;

/// The connections of a pool, and the callers that wait for one.
///
/// ```text
///            dialled                     enter, collect
///   opening ────────► idle ◄───────────────────────────────► lent
///      │ dial_failed    │             give_back               │
///      ▼                │ look_after: idle, lifetime, moved,  │ give_back: dirty, uses, replaced, surplus,
///   (paced)             │ ended, unsolicited bytes, dead          │ moved, lifetime, ended
///                       ▼                                     ▼
///                    closing ────────► (the socket is closed, another one may be opened)
///                             closed
/// ```
///
/// These rules always hold:
///
/// - A connection is idle only while no caller waits.
/// - The number of connections that are open, opening or closing never exceeds `max`.
/// - A released connection is assigned to the first waiter, even before that waiter wakes up.
///
/// The connection that was released last is used first. The others therefore grow old enough to be closed, and the pool
/// shrinks to what is needed. [`look_after`](Self::look_after) finds the idle connections that have ended.
#[derive(Debug)]
pub(crate) struct PoolState<M: Poolable> {
    rules: Pooled,
    idle: IdleList<M>,
    waiters: Waiters<M>,
    /// The connections in use, each with its handle for cutting it.
    lent: BTreeMap<u64, M::Handle>,
    dials: Dials,
    /// How many connections are being closed in good order.
    closing: u32,
    stage: PoolStage,
    jobs: Vec<Job<M>>,
    wakes: Vec<Waker>,
    /// When the pool's task will look again. `MAX` while there is nothing to look at.
    planned: Duration,
    is_roused: bool,
    counts: PoolStatus,
    next_id: u64,
}

/// A job of the pool's task.
#[derive(Debug)]
pub(crate) enum Job<M> {
    /// Opens a connection, and reports the outcome: [`PoolState::dialled`] or [`PoolState::dial_failed`].
    Dial,
    /// Closes a connection in good order, and reports that: [`PoolState::closed`].
    Close(M, CloseReason),
}

/// A connection with the pool's record of it. A caller has it until it is [given back](PoolState::give_back).
#[derive(Debug)]
pub(crate) struct PooledSlot<M> {
    pub(crate) member: M,
    /// Whether the connection existed before the caller asked for one, so that it may have ended meanwhile.
    pub(crate) was_there: bool,
    id: u64,
    ends_at: Duration,
    uses: u32,
    /// For an idle connection: since when it is idle, and when it is to be looked at.
    idle_since: Duration,
    look_at: Duration,
}

/// The answer to a caller that asks for a connection.
#[derive(Debug)]
pub(crate) enum Entered<M> {
    PooledConnection(PooledSlot<M>),
    /// The caller waits, until this time at most.
    Waits(Ticket, Duration),
}

impl<M: Poolable> PoolState<M> {
    /// Makes the state of a pool. Each idle connection says when it is to be looked at, and is looked at every
    /// `look_every` at least. The seed spreads the lifetimes.
    pub(crate) fn new(rules: Pooled, look_every: Option<Duration>, seed: u64, now: Duration) -> Self {
        let mut state = Self {
            rules,
            idle: IdleList::new(look_every),
            waiters: Waiters::new(),
            lent: BTreeMap::new(),
            dials: Dials::new(seed),
            closing: 0,
            stage: PoolStage::Open,
            jobs: Vec::new(),
            wakes: Vec::new(),
            planned: Duration::MAX,
            is_roused: false,
            counts: PoolStatus::default(),
            next_id: 0,
        };
        state.open(now);
        state
    }

    /// A caller asks for a connection and would wait `within` for it, if the rules allow that.
    pub(crate) fn enter(&mut self, within: Duration, waker: &Waker, now: Duration) -> Result<Entered<M>, PoolError> {
        if !self.is_open() {
            return Err(self.refused(PoolError::closed()));
        }
        if let Some(lent) = self.pick(now) {
            let lent = self.lend(lent);
            self.open(now);
            return Ok(Entered::PooledConnection(lent));
        }
        let Some(wait) = self.rules.wait else {
            self.dials.is_wanted = true;
            self.open(now);
            let shortage = self.shortage(None, self.waiters.len());
            return Err(self.refused(shortage));
        };
        let until = now.saturating_add(wait.min(within));
        let ticket = self.waiters.push(now, until, waker.clone());
        self.open(now);
        Ok(Entered::Waits(ticket, until))
    }

    /// A waiting caller asks for its connection. Returns `None` while the caller has to wait and has time left.
    pub(crate) fn collect(
        &mut self,
        ticket: Ticket,
        waker: &Waker,
        now: Duration,
    ) -> Option<Result<PooledSlot<M>, PoolError>> {
        // The place is gone if the pool was closed.
        let Ok(given) = self.waiters.take_given(ticket) else { return Some(Err(self.refused(PoolError::closed()))) };
        let sound = given.and_then(|lent| self.sound(lent, now)).or_else(|| self.pick(now));
        if let Some(lent) = sound {
            self.waiters.remove(ticket);
            let lent = self.lend(lent);
            self.open(now);
            return Some(Ok(lent));
        }
        let waiter = self.waiters.get_mut(ticket)?;
        if now < waiter.until && !self.dials.are_over() {
            waiter.waker.clone_from(waker);
            self.open(now);
            return None;
        }
        let after = waiter.until.min(now).saturating_sub(waiter.since);
        let shortage = self.shortage(Some(after), self.waiters.before(ticket));
        self.waiters.remove(ticket);
        self.open(now);
        Some(Err(self.refused(shortage)))
    }

    /// A caller stops waiting. A connection that was assigned to it goes to the next.
    pub(crate) fn cancel(&mut self, ticket: Ticket, now: Duration) {
        let given = self.waiters.take_given(ticket).ok().flatten();
        self.waiters.remove(ticket);
        if let Some(mut lent) = given {
            match lent.member.inspect() {
                Ok(next) => self.rest(lent, next, now),
                Err(reason) => self.part(lent, reason, now),
            }
        }
        self.open(now);
    }

    /// A connection in use was released.
    pub(crate) fn give_back(&mut self, mut lent: PooledSlot<M>, now: Duration) {
        self.lent.remove(&lent.id);
        lent.was_there = true;
        if lent.member.end() {
            self.dials.useless = 0;
        }
        let inspected = lent.member.inspect();
        match inspected.and_then(|next| self.end_of(&lent, now).map_or(Ok(next), Err)) {
            Ok(next) => self.rest(lent, next, now),
            Err(reason) => {
                if self.rules.replace && self.idle.list.len() < self.rules.max_idle as usize {
                    self.dials.owed = self.dials.owed.saturating_add(1);
                }
                self.part(lent, reason, now);
            }
        }
        self.open(now);
    }

    pub(crate) fn dialled(&mut self, mut member: M, now: Duration) {
        self.dials.forget(1);
        self.dials.succeeded();
        self.counts.opened += 1;
        let (id, ends_at) = (self.next_id, now.saturating_add(self.dials.shorter(self.rules.lifetime)));
        self.next_id += 1;
        let inspected = member.inspect();
        let lent = PooledSlot { member, was_there: false, id, ends_at, uses: 0, idle_since: now, look_at: now };
        match inspected {
            _ if !self.is_open() => self.part(lent, CloseReason::PoolClosed, now),
            Ok(next) => self.rest(lent, next, now),
            Err(reason) => self.part(lent, reason, now),
        }
        self.open(now);
    }

    /// A connection could not be opened.
    pub(crate) fn dial_failed(&mut self, error: ConnectError, now: Duration) {
        // `NotYet` means that nothing was dialled, because the next try was not due.
        self.counts.not_opened += u64::from(!matches!(error, ConnectError::NotYet { .. }));
        if error.is_final() {
            // No connection will come, so no caller waits any longer.
            self.wakes.extend(self.waiters.wakers());
        }
        self.dials.forget(1);
        self.dials.failed(now, Some(Arc::new(error)));
        self.open(now);
    }

    /// A connection that was being closed in good order is closed.
    pub(crate) fn closed(&mut self, now: Duration) {
        self.closing = self.closing.saturating_sub(1);
        self.open(now);
    }

    /// Looks at the due idle connections, or at all of them after an arrival on one. Returns when to look again.
    pub(crate) fn look_after(&mut self, has_stirred: bool, now: Duration) -> Option<Duration> {
        let live = self.live();
        for (lent, reason) in self.idle.sift(has_stirred, live, &self.rules, now) {
            self.part(lent, reason, now);
        }
        self.planned = self.idle.due(self.live(), &self.rules);
        self.open(now);
        self.is_roused = false;
        (self.planned < Duration::MAX).then_some(self.planned)
    }

    pub(crate) fn take_jobs(&mut self) -> Vec<Job<M>> {
        mem::take(&mut self.jobs)
    }

    /// Returns the callers to wake, and whether to wake the pool's task for jobs or for an earlier look.
    pub(crate) fn take_wakes(&mut self) -> (Vec<Waker>, bool) {
        self.wake_drainers();
        (mem::take(&mut self.wakes), mem::take(&mut self.is_roused) || !self.jobs.is_empty())
    }

    pub(crate) fn status(&self) -> PoolStatus {
        PoolStatus {
            idle: count(self.idle.list.len()),
            lent: self.lent(),
            opening: self.dials.under_way,
            closing: self.closing,
            waiting: self.waiters.len(),
            last_failure: self.dials.last_failure.clone(),
            ..self.counts.clone()
        }
    }

    /// Returns the time before which nothing is dialled.
    #[cfg(test)]
    pub(crate) const fn pauses_until(&self) -> Duration {
        self.dials.not_before
    }

    /// Returns how many connections are open and not being closed.
    fn live(&self) -> u32 {
        count(self.idle.list.len()) + self.lent()
    }

    /// Returns how many connections are in use, or assigned to a caller that has not fetched its connection.
    fn lent(&self) -> u32 {
        count(self.lent.len()) + self.waiters.given
    }

    /// Takes the idle connection that was released last and is still clean.
    fn pick(&mut self, now: Duration) -> Option<PooledSlot<M>> {
        while let Some(lent) = self.idle.list.pop_back() {
            if lent.ends_at <= now {
                self.part(lent, CloseReason::Lifetime, now);
            } else if let Some(lent) = self.sound(lent, now) {
                return Some(lent);
            }
        }
        None
    }

    /// Returns the connection, if it is still clean.
    fn sound(&mut self, mut lent: PooledSlot<M>, now: Duration) -> Option<PooledSlot<M>> {
        match lent.member.inspect() {
            Ok(_) => Some(lent),
            Err(reason) => {
                self.part(lent, reason, now);
                None
            }
        }
    }

    fn lend(&mut self, mut lent: PooledSlot<M>) -> PooledSlot<M> {
        lent.uses += 1;
        self.counts.lendings += 1;
        self.lent.insert(lent.id, lent.member.begin());
        lent
    }

    /// Returns why a clean connection is not kept.
    fn end_of(&self, lent: &PooledSlot<M>, now: Duration) -> Option<CloseReason> {
        [
            (!self.is_open(), CloseReason::PoolClosed),
            (self.rules.replace, CloseReason::Replaced),
            (self.rules.uses.is_some_and(|uses| lent.uses >= uses), CloseReason::Uses),
            (lent.ends_at <= now, CloseReason::Lifetime),
            (lent.member.is_to_move(), CloseReason::Moved),
        ]
        .into_iter()
        .find_map(|(is_so, reason)| is_so.then_some(reason))
    }

    /// Assigns a connection to the first waiter. If no caller waits, the connection becomes idle.
    fn rest(&mut self, lent: PooledSlot<M>, next: Option<Duration>, now: Duration) {
        let mut lent = match self.waiters.give(lent) {
            Ok(waker) => return self.wakes.push(waker),
            Err(lent) => lent,
        };
        if self.idle.list.len() >= self.rules.max_idle as usize {
            return self.part(lent, CloseReason::Surplus, now);
        }
        lent.was_there = true;
        let due = self.idle.push(lent, next, &self.rules, now);
        self.plan(due);
    }

    /// Ends the use of a connection and closes it.
    fn part(&mut self, mut lent: PooledSlot<M>, reason: CloseReason, now: Duration) {
        self.counts.closed[reason as usize] += 1;
        if !reason.is_orderly() && lent.uses == 0 {
            // A peer that ends each connection at once is dialled with the pauses of a peer that fails.
            self.dials.failed(now, None);
        }
        lent.member.leave(reason);
        if reason.is_orderly() && !self.is_over() {
            self.closing += 1;
            self.jobs.push(Job::Close(lent.member, reason));
        }
        // In all other cases the drop closes the socket here, so that there is room for another connection.
    }

    /// Opens as many connections as are missing, if there is room and no pause.
    fn open(&mut self, now: Duration) {
        if !self.is_open() {
            return;
        }
        let live = self.live();
        let missing = self.dials.wanted(self.rules.min.saturating_sub(live), self.waiters.len());
        let missing = missing.min(self.rules.max.saturating_sub(live + self.closing));
        match self.dials.begin(missing, now) {
            Ok(begun) => self.jobs.extend((0..begun).map(|_| Job::Dial)),
            Err(at) => self.plan(at),
        }
    }

    /// Plans a look for this time.
    fn plan(&mut self, at: Duration) {
        if at < self.planned {
            self.planned = at;
            self.is_roused = true;
        }
    }

    fn refused(&mut self, why: PoolError) -> PoolError {
        self.counts.refused += 1;
        why
    }

    fn shortage(&self, after: Option<Duration>, before: usize) -> PoolError {
        PoolError {
            after,
            is_closed: false,
            lent: self.lent(),
            opening: self.dials.under_way,
            max: self.rules.max,
            before,
            last_failure: self.dials.last_failure.clone(),
        }
    }
}

/// There are never more than `max`.
fn count(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}
