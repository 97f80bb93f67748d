//! Limits on the lifetime of a connection.

use std::any::Any;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use framelink_heartbeat::{Moment, nanos};

use crate::lifetime::activity::{Activity, Tally};
use crate::lifetime::notice::{Ending, Notice, NoticeStage};

/// Limits how long a connection stays open. Set once for both halves of a [`Session`](crate::Session).
///
/// ```text
///   Open ──► Draining ──► Closing ──► over        at the lifetime, at lifetime + grace, or by a Notice
///     │          │            └── delivered requests and a message that has begun are finished
///     │          └── over at the next quiet moment; after a Notice, a connection without a message has CONNECT_GRACE first
///     └── over when it is idle for too long
/// ```
///
/// ```
/// use std::time::Duration;
/// use framelink_profile::Framing;
/// use framelink_session::{Ending, Received, Session, Lifetime};
///
/// let framing: Framing = "net:2".parse()?;
/// let mut session = Session::new(framing, framing);
/// let (idle, at) = (Duration::from_secs(60), Duration::from_secs);
/// session.limit_lifetime(Lifetime::new().idle(idle));
///
/// session.receiving.on_bytes(b"\x00\x02hi", at(10));
/// assert!(matches!(session.receiving.poll()?, Received::Message(_)));
/// assert_eq!(session.receiving.ends_at(at(10)), Some(at(70)));
/// assert_eq!(session.receiving.ending(at(70), true), Some(Ending::Idle { after: idle }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct Lifetime {
    /// How long the connection may be idle.
    idle: Option<Moment>,
    lifetime: Option<AgeLimit>,
    activity: Activity,
    /// The number of frames received when `Closing` was first seen, plus one. The frame that had begun then is the last
    /// one.
    last_after: Option<NonZeroU64>,
}

#[derive(Clone, Copy, Debug)]
struct AgeLimit {
    within: Moment,
    grace: u64,
}

/// The state of a receiving half that decides whether the connection ends.
#[derive(Clone, Copy)]
pub(crate) struct Standing {
    pub(crate) now: Duration,
    /// Whether the last read returned no bytes.
    pub(crate) is_dry: bool,
    pub(crate) is_inside_message: bool,
    /// The number of frames received.
    pub(crate) frames: u64,
}

impl Lifetime {
    /// A connection that is told to drain before its first message has this long, counted from its start, to begin one:
    /// 250 ms. Otherwise a client that has just connected and is about to send would find its connection closed.
    pub const CONNECT_GRACE: Duration = Duration::from_millis(250);

    /// Creates a lifetime without limits.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends the connection after `within` without messages; heartbeats do not count. It is not idle while it owes a
    /// reply.
    #[must_use]
    pub fn idle(mut self, within: Duration) -> Self {
        self.idle = Some(Moment::at(within));
        self
    }

    /// Ends the connection at its first quiet moment after `within`. After another `grace`, no new message is taken.
    #[must_use]
    pub fn lifetime(mut self, within: Duration, grace: Duration) -> Self {
        self.lifetime = Some(AgeLimit { within: Moment::at(within), grace: nanos(grace) });
        self
    }

    /// Ends the connection when this notice says so.
    #[must_use]
    pub fn heed(mut self, notice: Arc<Notice>) -> Self {
        self.activity.set_notice(notice);
        self
    }

    /// Counts the requests of the connection in this tally.
    pub fn counted_in(mut self, tally: Option<Arc<Tally>>) -> Self {
        self.activity.set_tally(tally);
        self
    }

    /// Keeps a value until both halves of the session are dropped.
    #[must_use]
    pub fn keep(mut self, held: Box<dyn Any + Send + Sync>) -> Self {
        self.activity.set_held(held);
        self
    }

    /// Returns the cell that both halves share.
    pub(crate) const fn activity(&self) -> &Activity {
        &self.activity
    }

    pub(crate) fn notice(&self) -> Option<&Arc<Notice>> {
        self.activity.notice()
    }

    /// Removes the limits for strangers. Only a notice ends the connection then.
    pub(crate) const fn unlimit(&mut self) {
        (self.idle, self.lifetime) = (None, None);
    }

    pub(crate) fn is_draining(&self, now: Duration) -> bool {
        self.stage(now).0 == NoticeStage::Draining
    }

    pub(crate) fn ending(&mut self, standing: Standing) -> Option<Ending> {
        let (stage, why) = self.stage(standing.now);
        let is_between = standing.is_dry && !standing.is_inside_message;
        match stage {
            NoticeStage::Dropped | NoticeStage::Cut => self.notice()?.abrupt(),
            NoticeStage::Closing => self.is_closed(standing).then_some(why),
            NoticeStage::Draining if is_between && self.owed() == 0 && !self.is_new(standing) => Some(why),
            NoticeStage::Open | NoticeStage::Draining if is_between => self.idled(standing.now),
            NoticeStage::Open | NoticeStage::Draining => None,
        }
    }

    /// Returns whether the connection was not told to end and has not reached its lifetime.
    #[inline]
    pub(crate) fn is_open(&self, now: impl FnOnce() -> Duration) -> bool {
        self.told() == NoticeStage::Open && self.lifetime.is_none_or(|life| Moment::at(now()) < life.within)
    }

    /// The shortcut of [`ending`](Self::ending) and [`ends_at`](Self::ends_at) for an open connection: returns when it is
    /// idle or old. `None` only means that these have to be called.
    #[inline]
    pub(crate) fn open_until(&self, now: Duration, is_inside_message: bool) -> Option<Option<Duration>> {
        let idle = self.idle.filter(|_| !is_inside_message).map(|idle| self.idle_at(idle));
        let until = [idle, self.lifetime.map(|life| life.within)].into_iter().flatten().min();
        let is_open = self.told() == NoticeStage::Open && until.is_none_or(|until| until > Moment::at(now));
        is_open.then(|| until.map(Moment::time))
    }

    /// Returns when to check again if no message is received before.
    pub(crate) fn ends_at(&self, now: Duration, is_inside_message: bool) -> Option<Duration> {
        let idle = self.idle.filter(|_| !is_inside_message).map(|idle| self.idle_at(idle).time());
        let lifetime = self.lifetime.map(|life| [life.within.time(), life.within.after(life.grace).time()]);
        let aged = lifetime.and_then(|ages| ages.into_iter().find(|&at| at > now));
        let is_new = self.told() == NoticeStage::Draining && now < Self::CONNECT_GRACE;
        let connected = is_new.then_some(Self::CONNECT_GRACE);
        [idle, aged, connected].into_iter().flatten().min()
    }

    pub(super) fn owed(&self) -> u64 {
        self.activity.owed()
    }

    /// Whether the first message may be on its way. This matters only after a notice, not at the lifetime.
    fn is_new(&self, standing: Standing) -> bool {
        standing.frames == 0 && standing.now < Self::CONNECT_GRACE && self.told() == NoticeStage::Draining
    }

    #[inline]
    fn told(&self) -> NoticeStage {
        self.notice().map_or(NoticeStage::Open, |notice| notice.stage())
    }

    #[inline]
    fn idle_at(&self, idle: Moment) -> Moment {
        self.activity.at().after(idle.since(Moment::START))
    }

    /// Returns the stage by age or by notice, whichever is later, and why.
    fn stage(&self, now: Duration) -> (NoticeStage, Ending) {
        let told = self.told();
        let Some(AgeLimit { within, grace }) = self.lifetime else { return (told, Ending::Drained) };
        let now = Moment::at(now);
        let by_age = match now.since(within) {
            _ if now < within => NoticeStage::Open,
            over if over < grace => NoticeStage::Draining,
            _ => NoticeStage::Closing,
        };
        if by_age > told { (by_age, Ending::Lifetime { after: within.time() }) } else { (told, Ending::Drained) }
    }

    /// Only the message that had begun is waited for.
    fn is_closed(&mut self, standing: Standing) -> bool {
        let frames = NonZeroU64::MIN.saturating_add(standing.frames);
        let last_after = *self.last_after.get_or_insert(frames);
        !standing.is_inside_message || last_after != frames
    }

    fn idled(&self, now: Duration) -> Option<Ending> {
        let idle = self.idle?;
        if self.idle_at(idle) > Moment::at(now) {
            return None;
        }
        if self.owed() > 0 {
            self.activity.touch(now);
            return None;
        }
        Some(Ending::Idle { after: idle.time() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    const fn dry(now: Duration) -> Standing {
        Standing { now, is_dry: true, is_inside_message: false, frames: 0 }
    }

    #[test]
    fn what_is_owed_is_not_idle() {
        let mut lifetime = Lifetime::new().idle(at(10));
        let activity = lifetime.activity().clone();
        activity.on_taken(1);
        assert_eq!(lifetime.ending(dry(at(10))), None);
        assert_eq!(lifetime.ends_at(at(10), false), Some(at(20)));
        activity.on_answered(1, at(12));
        assert_eq!(lifetime.ending(dry(at(21))), None);
        assert_eq!(lifetime.ending(dry(at(22))), Some(Ending::Idle { after: at(10) }));
    }

    #[test]
    fn a_drain_waits_for_a_quiet_moment_and_then_for_what_has_begun() {
        let notice = Arc::new(Notice::new());
        let mut lifetime = Lifetime::new().heed(Arc::clone(&notice));
        let inside = |frames| Standing { now: at(1), is_dry: true, is_inside_message: true, frames };
        notice.tell(NoticeStage::Draining);
        assert_eq!(lifetime.ending(Standing { is_dry: false, ..dry(at(1)) }), None, "there may be something");
        assert_eq!(lifetime.ending(inside(3)), None);
        notice.tell(NoticeStage::Closing);
        assert_eq!(lifetime.ending(inside(3)), None, "this one has begun");
        assert_eq!(lifetime.ending(inside(3)), None);
        assert_eq!(lifetime.ending(inside(4)), Some(Ending::Drained), "the next one is too late");
        notice.tell(NoticeStage::Dropped);
        assert_eq!(lifetime.ending(inside(3)), Some(Ending::Dropped));
    }

    #[test]
    fn one_that_has_just_connected_has_time_to_begin_its_first_message() {
        let notice = Arc::new(Notice::new());
        let mut lifetime = Lifetime::new().heed(Arc::clone(&notice));
        let (grace, nearly) = (Lifetime::CONNECT_GRACE, Lifetime::CONNECT_GRACE - Duration::from_millis(1));
        assert_eq!(lifetime.ends_at(at(0), false), None);
        notice.tell(NoticeStage::Draining);
        assert_eq!(lifetime.ending(dry(nearly)), None, "it has sent nothing yet");
        assert_eq!(lifetime.ends_at(nearly, false), Some(grace));
        assert_eq!(lifetime.ending(Standing { frames: 1, ..dry(nearly) }), Some(Ending::Drained), "it had its message");
        assert_eq!(lifetime.ending(dry(grace)), Some(Ending::Drained));
        assert_eq!(lifetime.ends_at(grace, false), None, "nothing spins");
        notice.tell(NoticeStage::Closing);
        assert_eq!(lifetime.ending(dry(nearly)), Some(Ending::Drained), "half of the time is over");
    }

    #[test]
    fn the_shortcut_for_an_open_connection_agrees_with_the_checks() {
        for stage in [NoticeStage::Open, NoticeStage::Draining, NoticeStage::Closing, NoticeStage::Dropped] {
            let notice = Arc::new(Notice::new());
            notice.tell(stage);
            for (now, is_inside_message) in (0..=120).flat_map(|now| [(at(now), true), (at(now), false)]) {
                let mut lifetime = Lifetime::new().idle(at(10)).lifetime(at(100), at(5)).heed(Arc::clone(&notice));
                lifetime.activity().touch(at(93));
                let until = lifetime.open_until(now, is_inside_message);
                let is_open = stage == NoticeStage::Open && now < at(100);
                assert_eq!((until.is_some(), lifetime.is_open(|| now)), (is_open, is_open), "{stage:?} {now:?}");
                if let Some(until) = until {
                    assert_eq!(until, lifetime.ends_at(now, is_inside_message));
                    assert_eq!(lifetime.ending(Standing { is_inside_message, ..dry(now) }), None);
                }
            }
        }
    }

    #[test]
    fn a_lifetime_ends_between_two_messages() {
        let mut lifetime = Lifetime::new().lifetime(at(100), at(5));
        assert_eq!(lifetime.ending(dry(at(99))), None);
        let over = Some(Ending::Lifetime { after: at(100) });
        let inside = |now| Standing { is_inside_message: true, ..dry(now) };
        assert_eq!((lifetime.ends_at(at(99), false), lifetime.ends_at(at(100), true)), (Some(at(100)), Some(at(105))));
        assert_eq!(lifetime.ending(inside(at(101))), None);
        assert_eq!(lifetime.ending(inside(at(105))), None);
        assert_eq!(lifetime.ends_at(at(105), true), None, "nothing spins");
        assert_eq!(lifetime.ending(dry(at(106))), over);
    }
}
