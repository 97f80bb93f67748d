//! When to beat, when to ask, and when the peer counts as dead.

mod guard;
mod round_trips;
mod verdict;

pub use round_trips::RoundTrips;
pub use verdict::{Standing, Verdict};

use alloc::boxed::Box;
use core::time::Duration;

use self::guard::Guard;
use crate::form::Seen;
use crate::rules::{Life, Rules};

/// The liveness of one connection: told what came and went and when, it says what is due and when to ask again. It has no clock;
/// time is a [`Duration`] since a moment that whoever drives it chose.
///
/// ```text
///   on_sent ─────► nothing sent for `interval` ──────► Beat, so that the peer sees us ─┐
///   on_heard ────► nothing came for `interval` ──────► Probe, so that we see the peer ─┤ written, answered within `timeout`?
///       ▲                                                                              │
///       └──────────────────────────── any byte, or the answer ◄────────────────────────┤ yes
///                                                                                      ▼ no, `tries` times
///                                                                                     Dead
/// ```
///
/// A verdict is only passed by somebody who was there when the time was over: who comes much too late (the program was stopped, or
/// did not take what came) looks at what has come, and gives the peer its answer time once more.
///
/// ```
/// use core::time::Duration;
/// use framelink_heartbeat::{Due, Form, Heartbeat, Role};
///
/// let seconds = Duration::from_secs;
/// let mut liveness = Heartbeat::relaxed(Form::Numbered).liveness(Role::Client, u32::MAX, seconds(0));
/// assert!(matches!(liveness.poll(seconds(1)), Due::Wait(Some(at)) if at > seconds(29)));
/// let Due::Probe(number) = liveness.poll(seconds(30)) else { panic!() };
/// liveness.on_written(seconds(30)); // its bytes went
/// liveness.on_sent(seconds(30));
/// assert_eq!(liveness.poll(seconds(31)), Due::Wait(Some(seconds(40))));
/// liveness.on_heard(seconds(32)); // something came
/// assert!(matches!(liveness.poll(seconds(40)), Due::Wait(Some(_))));
/// # let _ = number;
/// ```
#[derive(Clone, Debug)]
pub struct Liveness {
    rules: Rules,
    began_at: Duration,
    /// How long nothing may go or come before the first heartbeat of ours.
    first: Option<Duration>,
    /// What showed life came then.
    life_at: Duration,
    /// Bytes came, and went, then.
    in_at: Option<Duration>,
    out_at: Option<Duration>,
    /// The probe that waits for an answer.
    asked: Option<Asked>,
    /// A heartbeat was asked for and is not written.
    is_unwritten: bool,
    /// When one of ours was asked for last, or an answer of ours: the peer counts both.
    beat_at: Option<Duration>,
    /// The peer has asked since, so that it asks by itself, and sees us by our answers.
    is_asked_by_peer: bool,
    /// The last probe and when it was sent, until it is answered.
    awaited: Option<(u64, Duration)>,
    next_number: u64,
    /// The peer is not judged before.
    excused_until: Option<Duration>,
    /// It has been given its time once more since it lived.
    has_excused: bool,
    is_held: bool,
    /// When somebody was here last.
    watched_at: Duration,
    dead: Option<Box<Verdict>>,
    guard: Guard,
    /// Kept apart, for most connections have none of them.
    round_trips: Option<Box<RoundTrips>>,
    sent: u64,
}

#[derive(Clone, Copy, Debug)]
struct Asked {
    since: Duration,
    probes: u32,
    /// Whether the probe waits to be written still.
    waits: bool,
}

/// What is due.
///
/// See [`Liveness`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Due {
    /// Nothing before this moment, unless something comes or goes; `None`: nothing ever.
    Wait(Option<Duration>),
    /// A heartbeat with this number is to be sent, and not answered. Nothing more is asked for until
    /// [`on_written`](Liveness::on_written).
    Beat(u64),
    /// The same with one that wants an answer.
    Probe(u64),
    /// The peer is dead.
    Dead(Verdict),
}

#[derive(Clone, Copy)]
enum Step {
    Verdict,
    Ask,
    Beat,
}

/// Whoever looks so long after a time was over was not there when it was: 250 ms.
const LATE: Duration = Duration::from_millis(250);

impl Liveness {
    pub(crate) fn new(rules: Rules, jitter: u32, now: Duration) -> Self {
        let half = rules.interval / 2;
        let spread = half.as_nanos() * u128::from(jitter) / u128::from(u32::MAX);
        let first = half + Duration::from_nanos(u64::try_from(spread).unwrap_or(u64::MAX));
        Self {
            rules,
            began_at: now,
            // Whoever gives way leaves the first one to the other side.
            first: Some(first).filter(|_| !rules.gives_way()),
            life_at: now,
            in_at: None,
            out_at: None,
            asked: None,
            is_unwritten: false,
            beat_at: None,
            is_asked_by_peer: false,
            awaited: None,
            next_number: 1,
            excused_until: None,
            has_excused: false,
            is_held: false,
            watched_at: now,
            dead: None,
            guard: Guard::new(rules.is_symmetric, rules.interval),
            round_trips: None,
            sent: 0,
        }
    }

    /// Bytes came.
    #[inline]
    pub fn on_heard(&mut self, now: Duration) {
        self.in_at = Some(now);
        self.watched_at = now;
        if self.rules.life == Life::Bytes {
            self.lived(now);
        }
    }

    /// Bytes went.
    #[inline]
    pub fn on_sent(&mut self, now: Duration) {
        self.out_at = Some(now);
        // The peer has taken some of what stands before our probe.
        if let Some(asked) = &mut self.asked
            && asked.waits
        {
            asked.since = now;
        }
    }

    /// The heartbeat that was asked for is written: its answer can come from now on.
    pub fn on_written(&mut self, now: Duration) {
        self.is_unwritten = false;
        self.out_at = Some(now);
        if let Some(asked) = &mut self.asked
            && asked.waits
        {
            (asked.since, asked.waits) = (now, false);
        }
        if let Some((_, at)) = &mut self.awaited {
            *at = now;
        }
    }

    /// A heartbeat of the peer's came. Whether it is to be answered. An answer shows the peer that we live as a beat does, so that no
    /// beat is due for another interval.
    pub fn on_seen(&mut self, seen: Seen, now: Duration) -> bool {
        match seen {
            Seen::Answer { number } => {
                self.answered(number, now);
                false
            }
            Seen::Either if self.is_awaiting(now) => {
                self.answered(None, now);
                false
            }
            Seen::Beat => {
                self.lived(now);
                false
            }
            Seen::Probe | Seen::Either => {
                self.lived(now);
                let is_answered = self.rules.answers && self.guard.lets_through(now);
                if is_answered {
                    (self.beat_at, self.is_asked_by_peer) = (Some(now), true);
                }
                is_answered
            }
        }
    }

    /// An exchange is under way that a heartbeat would disturb: nothing is due until [`resume`](Self::resume).
    pub const fn hold(&mut self) {
        self.is_held = true;
    }

    /// It is over: the peer has its answer time from now.
    pub fn resume(&mut self, now: Duration) {
        if self.is_held {
            self.is_held = false;
            self.excuse_until(now.saturating_add(self.rules.timeout));
        }
    }

    /// Somebody looks at what comes again, who had not since `away_at`: the peer has so much more time, and no more than its answer
    /// time.
    pub fn back(&mut self, away_at: Duration, now: Duration) {
        let away_for = now.saturating_sub(away_at).min(self.rules.timeout);
        self.excuse_until(now.saturating_add(away_for));
        self.watched_at = now;
    }

    /// Our side has ended: nothing can be sent any more, so that nothing is due, and no answer means nothing. A peer that should beat
    /// by itself is judged still.
    pub const fn finish(&mut self) {
        self.rules.beat_after = None;
        self.rules.ask_after = None;
        self.rules.answers = false;
        self.rules.silence = self.rules.peer_silence;
        self.asked = None;
    }

    /// How often whoever sleeps has to look whether the peer asks, so that it is answered in its time; `None` where it does not ask.
    #[must_use]
    pub fn look_within(&self) -> Option<Duration> {
        let is_asked = self.rules.answers && self.rules.peer_silence.is_some() && !self.is_held;
        is_asked.then_some(self.rules.timeout / 4)
    }

    /// What is due. To be asked after all that has come by now was looked at, for it may be the last word on the peer.
    pub fn poll(&mut self, now: Duration) -> Due {
        self.step(now, true)
    }

    /// The same for whoever has not looked at all that has come: nothing is judged.
    pub fn poll_unjudged(&mut self, now: Duration) -> Due {
        self.step(now, false)
    }

    fn step(&mut self, now: Duration, may_judge: bool) -> Due {
        if let Some(verdict) = &self.dead {
            return Due::Dead(**verdict);
        }
        self.watched_at = now;
        loop {
            let Some((at, step)) = self.next() else { return Due::Wait(None) };
            if at > now {
                return Due::Wait(Some(at));
            }
            match step {
                Step::Verdict if !may_judge => return Due::Wait(Some(at)),
                Step::Verdict if self.excuses(at, now) => {}
                Step::Verdict => {
                    let verdict = self.judge(now);
                    self.dead = Some(Box::new(verdict));
                    return Due::Dead(verdict);
                }
                Step::Ask => {
                    let probes = self.asked.map_or(0, |asked| asked.probes);
                    self.asked = Some(Asked { since: now, probes: probes + 1, waits: true });
                    // One that waits to be written still is as good.
                    if !self.is_unwritten {
                        return Due::Probe(self.send(now));
                    }
                }
                Step::Beat => return Due::Beat(self.send(now)),
            }
        }
    }

    /// The number of the heartbeat that shows that we live, if one is due and nobody who looks at what comes has asked for it. For
    /// whoever has only what goes, and so can judge nothing.
    pub fn poll_beat(&mut self, now: Duration) -> Option<u64> {
        self.beat_at().is_some_and(|at| at <= now).then(|| self.send(now))
    }

    /// When such a one is due, unless something goes before.
    #[must_use]
    pub fn beat_at(&self) -> Option<Duration> {
        let is_asleep = self.is_held || self.is_unwritten || self.dead.is_some();
        let time = self.beat_after().filter(|_| !is_asleep)?;
        let at = self.after(self.shown_at(), time);
        let judged_at = self.asked.map_or(at, |asked| asked.since.saturating_add(self.rules.timeout));
        // Whoever looks at what comes goes first.
        let grace = LATE.min(self.rules.timeout / 4);
        Some(at.max(judged_at).saturating_add(grace))
    }

    /// When something is due, unless something comes or goes before.
    #[inline]
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        self.next().map(|(at, _)| at)
    }

    /// How things stand with the peer.
    #[must_use]
    pub fn standing(&self, now: Duration) -> Standing {
        let silent_for = now.saturating_sub(self.life_at);
        match (&self.dead, self.asked, self.judged_at()) {
            (Some(verdict), ..) => Standing::Dead(**verdict),
            (None, _, Some(at)) if at.saturating_add(LATE) < now => {
                Standing::Unknown { unwatched_for: now.saturating_sub(self.watched_at) }
            }
            (None, Some(asked), _) => Standing::Asked { silent_for, probes: asked.probes },
            (None, None, _) => Standing::Alive { silent_for },
        }
    }

    /// Why the peer counts as dead, once it does.
    #[must_use]
    pub fn verdict(&self) -> Option<Verdict> {
        self.dead.as_deref().copied()
    }

    /// How long answers took.
    #[must_use]
    pub fn round_trips(&self) -> RoundTrips {
        self.round_trips.as_deref().copied().unwrap_or_default()
    }

    /// How many heartbeats it has asked for.
    #[must_use]
    pub const fn sent(&self) -> u64 {
        self.sent
    }

    /// How many probes of the peer's were left unanswered, because there were too many.
    #[must_use]
    pub const fn refused(&self) -> u64 {
        self.guard.refused
    }

    /// Whether a probe waits for its answer.
    #[must_use]
    pub const fn is_asked(&self) -> bool {
        self.asked.is_some()
    }

    /// What comes next if nothing happens, and when.
    #[inline]
    fn next(&self) -> Option<(Duration, Step)> {
        if self.is_held || self.dead.is_some() {
            return None;
        }
        let rules = &self.rules;
        if let Some(asked) = self.asked {
            let step = if asked.probes < rules.tries { Step::Ask } else { Step::Verdict };
            return Some((asked.since.saturating_add(rules.timeout), step));
        }
        let silence = rules.silence.map(|silence| {
            let at = self.life_at.saturating_add(silence);
            (self.excused_until.map_or(at, |until| until.max(at)), Step::Verdict)
        });
        let ask = rules.ask_after.map(|time| (self.after(self.life_at, time), Step::Ask));
        let step = if rules.ask_after.is_some() { Step::Ask } else { Step::Beat };
        let beat = self.beat_after().filter(|_| !self.is_unwritten);
        let beat = beat.map(|time| (self.after(self.shown_at(), time), step));
        [silence, ask, beat].into_iter().flatten().min_by_key(|(at, _)| *at)
    }

    /// How long nothing may be shown before a beat. A peer that asks by itself does so up to a round trip later than an interval after
    /// it last heard of us: the side that gives way leaves it that time too, or the two would cross again and again.
    fn beat_after(&self) -> Option<Duration> {
        let Rules { interval, timeout, beat_after, .. } = self.rules;
        let waits = self.is_asked_by_peer && self.rules.gives_way();
        beat_after.map(|time| if waits { interval + timeout.min(interval) } else { time })
    }

    /// When the peer last saw what shows it that we live.
    fn shown_at(&self) -> Duration {
        let shown = match self.rules.life {
            Life::Bytes => self.out_at,
            Life::Heartbeats => self.beat_at,
        };
        shown.unwrap_or(self.began_at)
    }

    /// The first heartbeat goes sooner, so that those of many connections are spread.
    fn after(&self, since: Duration, time: Duration) -> Duration {
        since.saturating_add(self.first.map_or(time, |first| first.min(time)))
    }

    /// When silence is judged next, or asked about.
    fn judged_at(&self) -> Option<Duration> {
        let Rules { timeout, silence, ask_after, .. } = self.rules;
        match self.asked {
            _ if self.is_held => None,
            Some(asked) => Some(asked.since.saturating_add(timeout)),
            None => silence.or(ask_after).map(|time| self.life_at.saturating_add(time)),
        }
    }

    fn send(&mut self, now: Duration) -> u64 {
        let number = self.next_number;
        self.next_number = self.next_number.wrapping_add(1);
        self.first = None;
        self.is_unwritten = true;
        (self.beat_at, self.is_asked_by_peer) = (Some(now), false);
        self.awaited = self.rules.answers.then_some((number, now));
        self.sent += 1;
        number
    }

    #[inline]
    fn lived(&mut self, now: Duration) {
        self.life_at = now;
        self.asked = None;
        self.excused_until = None;
        self.has_excused = false;
    }

    fn answered(&mut self, number: Option<u64>, now: Duration) {
        let Some((awaited, at)) = self.awaited else { return };
        let behind = number.map_or(0, |number| self.rules.distance(awaited, number));
        // One to an earlier try is as good, but says nothing of how long it took.
        if behind >= u64::from(self.rules.tries) {
            return;
        }
        if behind == 0 && !self.is_unwritten {
            self.round_trips.get_or_insert_default().add(now.saturating_sub(at));
        }
        self.awaited = None;
        self.lived(now);
    }

    fn is_awaiting(&self, now: Duration) -> bool {
        self.awaited.is_some_and(|(_, at)| now <= at.saturating_add(self.rules.timeout))
    }

    /// The peer is not judged before.
    fn excuse_until(&mut self, until: Duration) {
        let earliest = until.saturating_sub(self.rules.timeout);
        if let Some(asked) = &mut self.asked {
            asked.since = asked.since.max(earliest);
        }
        self.excused_until = Some(self.excused_until.map_or(until, |at| at.max(until)));
    }

    /// Whether nobody was here when the time was over, for the first time since the peer lived: then it has its answer time from now.
    fn excuses(&mut self, at: Duration, now: Duration) -> bool {
        if self.has_excused || now.saturating_sub(at) <= LATE {
            return false;
        }
        self.has_excused = true;
        self.excuse_until(now.saturating_add(self.rules.timeout));
        true
    }

    fn judge(&self, now: Duration) -> Verdict {
        let ago = |at: Duration| now.saturating_sub(at);
        Verdict {
            silent_for: ago(self.life_at),
            last_in: self.in_at.map(ago),
            last_out: self.out_at.map(ago),
            probes: self.asked.map_or(0, |asked| asked.probes),
        }
    }
}
