//! The idle connections of a pool.

use std::collections::VecDeque;
use std::time::Duration;

use super::PooledSlot;
use crate::pool::{CloseReason, Poolable};
use crate::profile::Pooled;

/// The idle connections. The one that was released last is at the end.
#[derive(Debug)]
pub(super) struct IdleList<M> {
    pub(super) list: VecDeque<PooledSlot<M>>,
    look_every: Option<Duration>,
}

impl<M: Poolable> IdleList<M> {
    pub(super) const fn new(look_every: Option<Duration>) -> Self {
        Self { list: VecDeque::new(), look_every }
    }

    /// Adds a connection that is to be looked at in `next`. Returns when there may be work on it.
    pub(super) fn push(
        &mut self,
        mut lent: PooledSlot<M>,
        next: Option<Duration>,
        rules: &Pooled,
        now: Duration,
    ) -> Duration {
        (lent.idle_since, lent.look_at) = (now, look_at(self.look_every, next, now));
        let due = lent.look_at.min(lent.ends_at).min(now.saturating_add(rules.idle));
        self.list.push_back(lent);
        due
    }

    /// Removes the connections to close, with the reasons. `live` counts all open connections, with those in use.
    pub(super) fn sift(
        &mut self,
        has_stirred: bool,
        mut live: u32,
        rules: &Pooled,
        now: Duration,
    ) -> Vec<(PooledSlot<M>, CloseReason)> {
        let mut ended = Vec::new();
        let mut at = 0;
        while let Some(idle) = self.list.get_mut(at) {
            let is_due = has_stirred || idle.look_at <= now;
            let reason = if idle.ends_at <= now {
                Some(CloseReason::Lifetime)
            } else if live > rules.min && idle.idle_since.saturating_add(rules.idle) <= now {
                Some(CloseReason::Idle)
            } else if is_due && idle.member.is_to_move() {
                Some(CloseReason::Moved)
            } else if is_due {
                match idle.member.inspect() {
                    Ok(next) => {
                        idle.look_at = look_at(self.look_every, next, now);
                        None
                    }
                    Err(reason) => Some(reason),
                }
            } else {
                None
            };
            match reason.and_then(|reason| self.list.remove(at).map(|idle| (idle, reason))) {
                Some(out) => {
                    live = live.saturating_sub(1);
                    ended.push(out);
                }
                None => at += 1,
            }
        }
        ended
    }

    /// Returns when there is work on a connection. `MAX` if there is none.
    pub(super) fn due(&self, live: u32, rules: &Pooled) -> Duration {
        let due_of = |idle: &PooledSlot<M>| {
            let idle_at = if live > rules.min { idle.idle_since.saturating_add(rules.idle) } else { Duration::MAX };
            idle.look_at.min(idle.ends_at).min(idle_at)
        };
        self.list.iter().map(due_of).min().unwrap_or(Duration::MAX)
    }
}

/// Returns the time of the next look: after `next`, and every `look_every` at least. Connections are looked at
/// together, so that many of them do not wake the task often.
fn look_at(look_every: Option<Duration>, next: Option<Duration>, now: Duration) -> Duration {
    let asked = next.map_or(Duration::MAX, |next| now.saturating_add(next));
    asked.min(look_every.map_or(Duration::MAX, |every| next_multiple(every, now)))
}

/// Returns the next multiple of `every` after now.
fn next_multiple(every: Duration, now: Duration) -> Duration {
    let nanos = every.as_nanos().max(1);
    let at = (now.as_nanos() / nanos + 1).saturating_mul(nanos);
    u64::try_from(at).map_or(Duration::MAX, Duration::from_nanos)
}
