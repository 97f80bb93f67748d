//! The state machine of one connection: when to send a beat or a probe, and when the peer counts as dead.

mod guard;
mod round_trips;
mod verdict;

pub use round_trips::RoundTrips;
pub use verdict::{Standing, Verdict};

use alloc::boxed::Box;
use core::time::Duration;

use self::guard::Guard;
use crate::form::Seen;
use crate::moment::Moment;
use crate::rules::{Life, Rules};

/// Tracks whether the peer of one connection lives. The caller reports what was received and sent, and when; `Liveness`
/// says what is due, and when to call again. It has no clock: a time is a [`Duration`] since a moment that the caller
/// chose.
///
/// ```text
///   on_sent ─────► no byte sent in `interval` ───────► Beat, so that the peer sees us ─┐
///   on_heard ────► no byte read in `interval` ───────► Probe, so that we see the peer ─┤ written, answered within `timeout`?
///       ▲                                                                              │
///       └──────────────────────────── any byte, or the answer ◄────────────────────────┤ yes
///                                                                                      ▼ no, `tries` times
///                                                                                     Dead
/// ```
///
/// The peer is judged only by a caller that was there when its time was over. A caller that comes much too late (the
/// program was stopped, or did not read) first handles what was received, and the peer gets its answer time once more.
///
/// ```
/// use core::time::Duration;
/// use framelink_heartbeat::{Due, Form, Heartbeat, Role};
///
/// let seconds = Duration::from_secs;
/// let mut liveness = Heartbeat::relaxed(Form::Numbered).liveness(Role::Client, u32::MAX, seconds(0));
/// assert!(matches!(liveness.poll(seconds(1)), Due::Wait(Some(at)) if at > seconds(29)));
/// let Due::Probe(number) = liveness.poll(seconds(30)) else { panic!() };
/// liveness.on_written(seconds(30)); // the bytes of the probe were written
/// liveness.on_sent(seconds(30));
/// assert_eq!(liveness.poll(seconds(31)), Due::Wait(Some(seconds(40))));
/// liveness.on_heard(seconds(32)); // bytes were received
/// assert!(matches!(liveness.poll(seconds(40)), Due::Wait(Some(_))));
/// # let _ = number;
/// ```
#[derive(Clone, Debug)]
pub struct Liveness {
    rules: Rules,
    /// Boxed, because two small pieces of memory fill gaps that one large piece would leave.
    state: Box<State>,
}

#[derive(Clone, Debug)]
struct State {
    /// The nanoseconds without traffic before our first heartbeat, until it is sent. 0 if they are as many as later.
    first: u64,
    /// The last sign of life.
    life_at: Moment,
    /// The last byte received.
    in_at: Option<Moment>,
    /// The last byte sent, or the start if there was none.
    out_at: Moment,
    /// The last heartbeat or answer of ours, or the start if there was none. The peer counts both.
    beat_at: Moment,
    /// Since when the probe waits for an answer.
    asked_at: Option<Moment>,
    /// When the last heartbeat was sent, until its answer is received.
    awaited: Option<Moment>,
    /// The peer is not judged before this time.
    excused_until: Option<Moment>,
    /// The last call.
    watched_at: Moment,
    guard: Guard,
    /// The number of heartbeats of ours. It is also the number of the last one.
    sent: u64,
    /// Boxed, because most connections have none of it.
    rare: Option<Box<Rare>>,
    /// How many probes wait for an answer.
    probes: u8,
    /// Whether the last probe is not written yet.
    probe_waits: bool,
    /// Whether a byte was sent.
    has_sent: bool,
    /// A heartbeat is due and is not written yet.
    is_unwritten: bool,
    /// The peer has sent a probe since our last heartbeat: it sends probes by itself, and our answers show it that we
    /// live.
    is_asked_by_peer: bool,
    /// The peer got its answer time once more since its last sign of life.
    has_excused: bool,
    is_held: bool,
    is_dead: bool,
}

/// What few connections have.
#[derive(Clone, Debug, Default)]
struct Rare {
    dead: Option<Verdict>,
    round_trips: RoundTrips,
    /// How many probes of the peer were not answered.
    refused: u64,
}

/// The next thing to do.
///
/// See [`Liveness`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Due {
    /// Nothing before this time, unless bytes are received or sent; `None`: nothing at all.
    Wait(Option<Duration>),
    /// Send a heartbeat with this number, which the peer does not answer. Nothing more is due until
    /// [`on_written`](Liveness::on_written).
    Beat(u64),
    /// Like `Beat`, but the peer answers this heartbeat.
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

/// A caller that is later than this after a deadline was not there when the time was over: 250 ms.
const LATE: u64 = 250_000_000;

impl Liveness {
    pub(crate) fn new(rules: Rules, jitter: u32, now: Duration) -> Self {
        let half = rules.interval / 2;
        let spread = u128::from(half) * u128::from(jitter) / u128::from(u32::MAX);
        let first = half + u64::try_from(spread).unwrap_or(u64::MAX);
        let now = Moment::at(now);
        let state = State {
            // The side that waits longer leaves the first probe to the other side.
            first: if rules.gives_way() { 0 } else { first },
            life_at: now,
            in_at: None,
            out_at: now,
            beat_at: now,
            asked_at: None,
            awaited: None,
            excused_until: None,
            watched_at: now,
            guard: Guard::default(),
            sent: 0,
            rare: None,
            probes: 0,
            probe_waits: false,
            has_sent: false,
            is_unwritten: false,
            is_asked_by_peer: false,
            has_excused: false,
            is_held: false,
            is_dead: false,
        };
        Self { rules, state: Box::new(state) }
    }

    /// Records that bytes were received.
    #[inline]
    pub fn on_heard(&mut self, now: Duration) {
        let now = Moment::at(now);
        self.state.in_at = Some(now);
        self.state.watched_at = now;
        if self.rules.life == Life::Bytes {
            self.lived(now);
        }
    }

    /// Records that bytes were sent.
    #[inline]
    pub fn on_sent(&mut self, now: Duration) {
        self.sent_at(Moment::at(now));
    }

    /// Records that the due heartbeat is written. Its answer can arrive from now on.
    pub fn on_written(&mut self, now: Duration) {
        let now = Moment::at(now);
        self.state.is_unwritten = false;
        self.sent_at(now);
        self.state.probe_waits = false;
        if let Some(at) = &mut self.state.awaited {
            *at = now;
        }
    }

    #[inline]
    fn sent_at(&mut self, now: Moment) {
        (self.state.out_at, self.state.has_sent) = (now, true);
        // The peer has taken some of the bytes before our probe.
        if self.state.probe_waits {
            self.state.asked_at = Some(now);
        }
    }

    /// Records a heartbeat of the peer, and returns whether to answer it. An answer shows the peer that we live, as a
    /// beat does, so the next beat is due an interval later.
    pub fn on_seen(&mut self, seen: Seen, now: Duration) -> bool {
        let now = Moment::at(now);
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
                self.rules.answers() && self.may_answer(now)
            }
        }
    }

    /// Returns whether the limit on answers lets one through now.
    fn may_answer(&mut self, now: Moment) -> bool {
        let is_let = self.state.guard.lets_through(&self.rules, now);
        if is_let {
            (self.state.beat_at, self.state.is_asked_by_peer) = (now, true);
        } else {
            self.state.rare.get_or_insert_default().refused += 1;
        }
        is_let
    }

    /// Pauses during an exchange that a heartbeat would disturb: nothing is due until [`resume`](Self::resume).
    pub fn hold(&mut self) {
        self.state.is_held = true;
    }

    /// Ends the pause. The peer has its answer time from now.
    pub fn resume(&mut self, now: Duration) {
        if self.state.is_held {
            self.state.is_held = false;
            self.excuse_until(Moment::at(now).after(self.rules.timeout));
        }
    }

    /// Records that the caller reads again, after it did not since `away_at`. The peer gets that much more time, and at
    /// most its answer time.
    pub fn back(&mut self, away_at: Duration, now: Duration) {
        let now = Moment::at(now);
        let away_for = now.since(Moment::at(away_at)).min(self.rules.timeout);
        self.excuse_until(now.after(away_for));
        self.state.watched_at = now;
    }

    /// Records that our side has ended. Nothing can be sent, so nothing is due, and a missing answer has no meaning. A
    /// peer that sends heartbeats by itself is still judged.
    pub fn finish(&mut self) {
        self.rules.has_ended = true;
        self.state.answered();
    }

    /// Returns how often a sleeping caller has to read, so that probes of the peer are answered in time; `None` if the
    /// peer sends no probes.
    #[must_use]
    pub fn look_within(&self) -> Option<Duration> {
        let is_asked = self.rules.answers() && self.rules.peer_sends && !self.state.is_held;
        is_asked.then(|| Duration::from_nanos(self.rules.timeout / 4))
    }

    /// Returns what is due. First handle all bytes that were received: they may show that the peer lives.
    pub fn poll(&mut self, now: Duration) -> Due {
        self.step(now, true)
    }

    /// Like [`poll`](Self::poll), but never judges the peer: for a caller that has not handled all received bytes.
    pub fn poll_unjudged(&mut self, now: Duration) -> Due {
        self.step(now, false)
    }

    fn step(&mut self, now: Duration, may_judge: bool) -> Due {
        if let Some(verdict) = self.verdict() {
            return Due::Dead(verdict);
        }
        let now = Moment::at(now);
        self.state.watched_at = now;
        loop {
            let Some((at, step)) = self.next() else { return Due::Wait(None) };
            if at > now {
                return Due::Wait(Some(at.time()));
            }
            match step {
                Step::Verdict if !may_judge => return Due::Wait(Some(at.time())),
                Step::Verdict if self.excuses(at, now) => {}
                Step::Verdict => {
                    let verdict = self.judge(now);
                    self.state.is_dead = true;
                    self.state.rare.get_or_insert_default().dead = Some(verdict);
                    return Due::Dead(verdict);
                }
                Step::Ask => {
                    self.state.asked_at = Some(now);
                    self.state.probes += 1;
                    self.state.probe_waits = true;
                    // A heartbeat that is not written yet serves as the probe.
                    if !self.state.is_unwritten {
                        return Due::Probe(self.send(now));
                    }
                }
                Step::Beat => return Due::Beat(self.send(now)),
            }
        }
    }

    /// Returns the number of the heartbeat that shows that we live, if one is due and the receiving side has not asked
    /// for it. For a caller that only sends, and therefore cannot judge the peer.
    pub fn poll_beat(&mut self, now: Duration) -> Option<u64> {
        let now = Moment::at(now);
        self.next_beat().is_some_and(|at| at <= now).then(|| self.send(now))
    }

    /// Returns when the heartbeat of [`poll_beat`](Self::poll_beat) is due, unless bytes are sent before.
    #[must_use]
    pub fn beat_at(&self) -> Option<Duration> {
        self.next_beat().map(Moment::time)
    }

    fn next_beat(&self) -> Option<Moment> {
        let is_asleep = self.state.is_held || self.state.is_unwritten || self.state.is_dead;
        let time = self.beat_after().filter(|_| !is_asleep)?;
        let at = self.after(self.shown_at(), time);
        let judged_at = self.state.asked_at.map_or(at, |since| since.after(self.rules.timeout));
        // The receiving side goes first.
        let grace = LATE.min(self.rules.timeout / 4);
        Some(at.max(judged_at).after(grace))
    }

    /// Returns when the next thing is due, unless bytes are received or sent before.
    #[inline]
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        self.next().map(|(at, _)| at.time())
    }

    /// Returns what is known about the peer.
    #[must_use]
    pub fn standing(&self, now: Duration) -> Standing {
        let now = Moment::at(now);
        let silent_for = Duration::from_nanos(now.since(self.state.life_at));
        match (self.verdict(), self.state.asked_at, self.judged_at()) {
            (Some(verdict), ..) => Standing::Dead(verdict),
            (None, _, Some(at)) if at.after(LATE) < now => {
                Standing::Unknown { unwatched_for: Duration::from_nanos(now.since(self.state.watched_at)) }
            }
            (None, Some(_), _) => Standing::Asked { silent_for, probes: self.state.probes.into() },
            (None, None, _) => Standing::Alive { silent_for },
        }
    }

    /// Returns why the peer counts as dead, if it does.
    #[must_use]
    pub fn verdict(&self) -> Option<Verdict> {
        if self.state.is_dead { self.state.rare.as_ref()?.dead } else { None }
    }

    /// Returns how long answers took.
    #[must_use]
    pub fn round_trips(&self) -> RoundTrips {
        self.state.rare.as_ref().map(|rare| rare.round_trips).unwrap_or_default()
    }

    /// Returns how many heartbeats were due so far.
    #[must_use]
    pub const fn sent(&self) -> u64 {
        self.state.sent
    }

    /// Returns how many probes of the peer were not answered because there were too many.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.state.rare.as_ref().map_or(0, |rare| rare.refused)
    }

    /// Returns whether a probe waits for its answer.
    #[must_use]
    pub const fn is_asked(&self) -> bool {
        self.state.asked_at.is_some()
    }

    /// The next step and its time, if nothing happens before.
    #[inline]
    fn next(&self) -> Option<(Moment, Step)> {
        if self.state.is_held || self.state.is_dead {
            return None;
        }
        let rules = &self.rules;
        if let Some(since) = self.state.asked_at {
            let step = if self.state.probes < rules.tries { Step::Ask } else { Step::Verdict };
            return Some((since.after(rules.timeout), step));
        }
        let silence = rules.silence().map(|silence| {
            let at = self.state.life_at.after(silence);
            (self.state.excused_until.map_or(at, |until| until.max(at)), Step::Verdict)
        });
        let ask = rules.ask_after().map(|time| (self.after(self.state.life_at, time), Step::Ask));
        let step = if ask.is_some() { Step::Ask } else { Step::Beat };
        let beat = self.beat_after().filter(|_| !self.state.is_unwritten);
        let beat = beat.map(|time| (self.after(self.shown_at(), time), step));
        [silence, ask, beat].into_iter().flatten().min_by_key(|(at, _)| *at)
    }

    /// The time without a heartbeat of ours before a beat is due. A peer that sends probes by itself does so up to a
    /// round trip after an interval. The side that waits longer leaves it that time too, or the two would cross again
    /// and again.
    fn beat_after(&self) -> Option<u64> {
        let Rules { interval, timeout, .. } = self.rules;
        let waits = self.state.is_asked_by_peer && self.rules.gives_way();
        self.rules.beat_after().map(|time| if waits { interval + timeout.min(interval) } else { time })
    }

    /// The last time when bytes of ours showed the peer that we live, or the start.
    fn shown_at(&self) -> Moment {
        match self.rules.life {
            Life::Bytes => self.state.out_at,
            Life::Heartbeats => self.state.beat_at,
        }
    }

    /// The first heartbeat is due earlier, so that those of many connections are spread.
    fn after(&self, since: Moment, time: u64) -> Moment {
        since.after(if self.state.first > 0 { self.state.first.min(time) } else { time })
    }

    /// When silence is judged or a probe is due.
    fn judged_at(&self) -> Option<Moment> {
        match self.state.asked_at {
            _ if self.state.is_held => None,
            Some(since) => Some(since.after(self.rules.timeout)),
            None => self.rules.silence().or(self.rules.ask_after()).map(|time| self.state.life_at.after(time)),
        }
    }

    fn send(&mut self, now: Moment) -> u64 {
        self.state.sent += 1;
        self.state.first = 0;
        self.state.is_unwritten = true;
        (self.state.beat_at, self.state.is_asked_by_peer) = (now, false);
        self.state.awaited = self.rules.answers().then_some(now);
        self.state.sent
    }

    #[inline]
    fn lived(&mut self, now: Moment) {
        self.state.life_at = now;
        self.state.answered();
        self.state.excused_until = None;
        self.state.has_excused = false;
    }

    fn answered(&mut self, number: Option<u64>, now: Moment) {
        let Some(at) = self.state.awaited else { return };
        let behind = number.map_or(0, |number| self.rules.distance(self.state.sent, number));
        // An answer to an earlier try also shows life, but its time says nothing about the round trip.
        if behind >= u64::from(self.rules.tries) {
            return;
        }
        if behind == 0 && !self.state.is_unwritten {
            let time = Duration::from_nanos(now.since(at));
            self.state.rare.get_or_insert_default().round_trips.add(time);
        }
        self.state.awaited = None;
        self.lived(now);
    }

    fn is_awaiting(&self, now: Moment) -> bool {
        self.state.awaited.is_some_and(|at| now <= at.after(self.rules.timeout))
    }

    /// The peer is not judged before this time.
    fn excuse_until(&mut self, until: Moment) {
        let earliest = until.before(self.rules.timeout);
        self.state.asked_at = self.state.asked_at.map(|since| since.max(earliest));
        self.state.excused_until = Some(self.state.excused_until.map_or(until, |at| at.max(until)));
    }

    /// If the caller was not there when the time was over, the peer gets its answer time from now, once per sign of
    /// life.
    fn excuses(&mut self, at: Moment, now: Moment) -> bool {
        if self.state.has_excused || now.since(at) <= LATE {
            return false;
        }
        self.state.has_excused = true;
        self.excuse_until(now.after(self.rules.timeout));
        true
    }

    fn judge(&self, now: Moment) -> Verdict {
        let ago = |at| Duration::from_nanos(now.since(at));
        Verdict {
            silent_for: ago(self.state.life_at),
            last_in: self.state.in_at.map(ago),
            last_out: self.state.has_sent.then(|| ago(self.state.out_at)),
            probes: self.state.probes.into(),
        }
    }
}

impl State {
    /// No probe waits for an answer any more.
    #[inline]
    const fn answered(&mut self) {
        (self.asked_at, self.probes, self.probe_waits) = (None, 0, false);
    }
}
