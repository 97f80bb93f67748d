//! Those that nobody has.

use std::collections::VecDeque;
use std::time::Duration;

use super::PooledSlot;
use crate::pool::{CloseReason, Poolable};
use crate::profile::Pooled;

/// The connections that wait to be lent, the one that was returned last at the end.
#[derive(Debug)]
pub(super) struct Shelf<M> {
    idle: VecDeque<Idle<M>>,
    look_every: Option<Duration>,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Idle<M> {
    pub(super) lent: PooledSlot<M>,
    since: Duration,
    /// It wants to be looked at then.
    look_at: Duration,
}

impl<M: Poolable> Shelf<M> {
    pub(super) const fn new(look_every: Option<Duration>) -> Self {
        Self { idle: VecDeque::new(), look_every }
    }

    /// Puts one back that has said how soon it wants to be looked at. When there may be something to do for it.
    pub(super) fn push(
        &mut self,
        lent: PooledSlot<M>,
        next: Option<Duration>,
        rules: &Pooled,
        now: Duration,
    ) -> Duration {
        let look_at = look_at(self.look_every, next, now);
        let due = look_at.min(lent.card.ends_at).min(now.saturating_add(rules.idle));
        self.idle.push_back(Idle { lent, since: now, look_at });
        due
    }

    pub(super) fn pop(&mut self) -> Option<Idle<M>> {
        self.idle.pop_back()
    }

    /// Takes out what is to be closed, and why. `live` is how many there are, lent ones too.
    pub(super) fn sift(
        &mut self,
        has_stirred: bool,
        mut live: u32,
        rules: &Pooled,
        now: Duration,
    ) -> Vec<(PooledSlot<M>, CloseReason)> {
        let mut ended = Vec::new();
        let mut at = 0;
        while let Some(idle) = self.idle.get_mut(at) {
            let is_due = has_stirred || idle.look_at <= now;
            let reason = if idle.lent.card.ends_at <= now {
                Some(CloseReason::Lifetime)
            } else if live > rules.min && idle.since.saturating_add(rules.idle) <= now {
                Some(CloseReason::Idle)
            } else if is_due && idle.lent.member.is_to_move() {
                Some(CloseReason::Moved)
            } else if is_due {
                match idle.lent.member.inspect() {
                    Ok(next) => {
                        idle.look_at = look_at(self.look_every, next, now);
                        None
                    }
                    Err(reason) => Some(reason),
                }
            } else {
                None
            };
            match reason.and_then(|reason| self.idle.remove(at).map(|idle| (idle.lent, reason))) {
                Some(out) => {
                    live = live.saturating_sub(1);
                    ended.push(out);
                }
                None => at += 1,
            }
        }
        ended
    }

    /// When there is something to do for one of them; for ever, where there is not.
    pub(super) fn due(&self, live: u32, rules: &Pooled) -> Duration {
        let due_of = |idle: &Idle<M>| {
            let idle_at = if live > rules.min { idle.since.saturating_add(rules.idle) } else { Duration::MAX };
            idle.look_at.min(idle.lent.card.ends_at).min(idle_at)
        };
        self.idle.iter().map(due_of).min().unwrap_or(Duration::MAX)
    }

    pub(super) fn len(&self) -> usize {
        self.idle.len()
    }

    /// All of them, of which none is left.
    pub(super) fn clear(&mut self) -> impl Iterator<Item = PooledSlot<M>> {
        std::mem::take(&mut self.idle).into_iter().map(|idle| idle.lent)
    }
}

/// After that time, and at least so often. What is looked at so often is looked at together, so that many of them wake nobody often.
fn look_at(look_every: Option<Duration>, next: Option<Duration>, now: Duration) -> Duration {
    let asked = next.map_or(Duration::MAX, |next| now.saturating_add(next));
    asked.min(look_every.map_or(Duration::MAX, |every| next_multiple(every, now)))
}

/// The next whole number of times that comes after now.
fn next_multiple(every: Duration, now: Duration) -> Duration {
    let nanos = every.as_nanos().max(1);
    let at = (now.as_nanos() / nanos + 1).saturating_mul(nanos);
    u64::try_from(at).map_or(Duration::MAX, Duration::from_nanos)
}
