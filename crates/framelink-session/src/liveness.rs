//! Whether the other side lives: the cell that both halves of a session share.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use framelink_heartbeat::{Due, Heartbeat, Liveness, Role, RoundTrips, Seen, Standing, Verdict};

/// The liveness of a connection with heartbeats, shared by both halves of its session. Clones are the same cell.
///
/// The receiving half tells it what comes, takes heartbeats out of the messages and asks what is due; the sending half tells it what
/// goes, and writes the heartbeats that are due between two messages. It is locked for moments only, and never across a wait.
///
/// An application has it for the data that heartbeats can carry, and to look how things stand.
///
/// ```
/// use std::{sync::Arc, time::Duration};
/// use framelink_heartbeat::{Form, Heartbeat, Role, Standing};
/// use framelink_profile::Framing;
/// use framelink_session::{Session, Transmit};
///
/// let framing: Framing = "net:2".parse()?;
/// let mut session = Session::new(framing, framing);
/// let liveness = session.watch(Arc::new(Heartbeat::strict(Form::empty())), Role::Client, u32::MAX, Duration::ZERO);
///
/// // For six seconds nothing was sent.
/// assert_eq!(liveness.deadline(), Some(Duration::from_secs(6)));
/// session.receiving.on_time(Duration::from_secs(6))?;
/// assert!(session.sending.queue_beat()?);
/// assert_eq!(session.sending.poll(), Transmit::Write(&[0, 0])); // an empty frame
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct LivenessHandle(Arc<Cell>);

struct Cell {
    heartbeat: Arc<Heartbeat>,
    us: Role,
    /// Whether there is something for the sending half, so that it need not lock to learn that there is not.
    has_due: AtomicBool,
    state: Mutex<LivenessState>,
}

struct LivenessState {
    liveness: Liveness,
    /// The probe, or beat, that is to be sent.
    probe: Option<Vec<u8>>,
    /// The answer to the peer's last probe.
    answer: Option<Vec<u8>>,
    data: Option<Box<Data>>,
    /// How many heartbeats of the peer's came.
    seen: u64,
    /// Whoever has only the sending half, to be told when something is due.
    sender: Waker,
}

/// What heartbeats carry, where an application asks for that.
#[derive(Default)]
struct Data {
    /// With our next probes.
    supplied: Vec<u8>,
    /// With the peer's last one.
    received: Vec<u8>,
}

/// A heartbeat for the sending half.
pub(crate) struct Beat {
    pub(crate) payload: Vec<u8>,
    /// Whether it is one of ours, and no answer.
    pub(crate) is_ours: bool,
}

impl LivenessHandle {
    pub(crate) fn new(heartbeat: Arc<Heartbeat>, us: Role, jitter: u32, now: Duration) -> Self {
        let liveness = heartbeat.liveness(us, jitter, now);
        let sender = Waker::noop().clone();
        let state = LivenessState { liveness, probe: None, answer: None, data: None, seen: 0, sender };
        Self(Arc::new(Cell { heartbeat, us, has_due: AtomicBool::new(false), state: Mutex::new(state) }))
    }

    /// How things stand with the peer, at this moment of the session's clock.
    #[must_use]
    pub fn standing(&self, now: Duration) -> Standing {
        self.lock().liveness.standing(now)
    }

    /// When something is due, if nothing comes or goes before.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        self.lock().liveness.deadline()
    }

    /// How long the answers to probes took.
    #[must_use]
    pub fn round_trips(&self) -> RoundTrips {
        self.lock().liveness.round_trips()
    }

    /// How many heartbeats of our own went, answers not counted, and how many came.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        let state = self.lock();
        (state.liveness.sent(), state.seen)
    }

    /// Has our probes carry this data from now on, where their form and the framing have room for it.
    pub fn supply(&self, data: &[u8]) {
        self.lock().data.get_or_insert_default().supplied = data.to_vec();
    }

    /// The data that the peer's last probe carried.
    #[must_use]
    pub fn received(&self) -> Vec<u8> {
        self.lock().data.as_ref().map(|data| data.received.clone()).unwrap_or_default()
    }

    /// What it was made of.
    #[must_use]
    pub fn heartbeat(&self) -> &Heartbeat {
        &self.0.heartbeat
    }

    /// What it was made of, and for which side.
    pub(crate) fn setup(&self) -> (Arc<Heartbeat>, Role) {
        (Arc::clone(&self.0.heartbeat), self.0.us)
    }

    /// Bytes came, and were not looked at yet. Where something always comes nobody waits for the time when something is due.
    pub(crate) fn on_heard(&self, now: Duration) {
        let mut state = self.lock();
        state.liveness.on_heard(now);
        if state.liveness.deadline().is_some_and(|at| at <= now) {
            let due = state.liveness.poll_unjudged(now);
            let _ = self.hand_on(state, due, now);
        }
    }

    /// Bytes went; with the last byte of a heartbeat of ours among them.
    pub(crate) fn on_sent(&self, now: Duration, with_ours: bool) {
        let mut state = self.lock();
        state.liveness.on_sent(now);
        if with_ours {
            state.liveness.on_written(now);
        }
    }

    /// Our side ends: no heartbeat goes any more.
    pub(crate) fn on_finished(&self) {
        let mut state = self.lock();
        state.liveness.finish();
        (state.probe, state.answer) = (None, None);
        self.0.has_due.store(false, Ordering::Release);
    }

    /// Whether a message is a heartbeat. Nothing is done about it.
    pub(crate) fn would_take(&self, message: &[u8]) -> bool {
        self.0.heartbeat.form().recognise(message).is_some()
    }

    /// Whether a message is a heartbeat. It is dealt with then: an answer may be due.
    #[inline]
    pub(crate) fn takes(&self, message: &[u8], now: Duration) -> bool {
        match self.0.heartbeat.form().recognise(message) {
            None => false,
            Some(seen) => {
                self.take(message, seen, now);
                true
            }
        }
    }

    #[cold]
    fn take(&self, message: &[u8], seen: Seen, now: Duration) {
        let form = self.0.heartbeat.form();
        let mut state = self.lock();
        state.seen += 1;
        // An answer has only our own.
        if seen == Seen::Probe {
            let received = form.data(message);
            if !received.is_empty() || state.data.is_some() {
                state.data.get_or_insert_default().received = received.to_vec();
            }
        }
        let answer = if matches!(seen, Seen::Probe | Seen::Either) { form.answer(message) } else { None };
        // A probe that has no answer shows life, and we have shown nothing by it.
        let seen = if answer.is_none() && seen == Seen::Probe { Seen::Beat } else { seen };
        if state.liveness.on_seen(seen, now)
            && let Some(answer) = answer
        {
            // Of many that wait to be written the last one says it all.
            state.answer = Some(answer);
            self.tell(state);
        }
    }

    /// Time has passed: what is due is for the sending half.
    ///
    /// # Errors
    /// When the peer is dead.
    pub(crate) fn on_time(&self, now: Duration) -> Result<(), Verdict> {
        let mut state = self.lock();
        let due = state.liveness.poll(now);
        self.hand_on(state, due, now)
    }

    fn hand_on(&self, mut state: MutexGuard<'_, LivenessState>, due: Due, now: Duration) -> Result<(), Verdict> {
        match due {
            Due::Wait(_) => Ok(()),
            Due::Dead(verdict) => {
                // Whoever has only the sending half learns of it too.
                wake_sender(state);
                Err(verdict)
            }
            Due::Beat(number) | Due::Probe(number) => {
                state.probe = Some(self.probe(&state, number, now));
                self.tell(state);
                Ok(())
            }
        }
    }

    /// The same for somebody who has only the sending half, and so is not told of it: nobody may be taking what comes, so that nothing is
    /// judged. When to ask again.
    pub(crate) fn on_time_deaf(&self, now: Duration) -> Option<Duration> {
        let mut state = self.lock();
        if let Some(number) = state.liveness.poll_beat(now) {
            state.probe = Some(self.probe(&state, number, now));
            self.0.has_due.store(true, Ordering::Release);
        }
        state.liveness.beat_at()
    }

    /// When it has to be asked that way.
    pub fn beat_at(&self) -> Option<Duration> {
        self.lock().liveness.beat_at()
    }

    /// How often whoever sleeps has to look whether the peer asks.
    pub fn look_within(&self) -> Option<Duration> {
        self.lock().liveness.look_within()
    }

    /// Why the peer counts as dead, once it does.
    #[must_use]
    pub fn verdict(&self) -> Option<Verdict> {
        self.lock().liveness.verdict()
    }

    fn probe(&self, state: &LivenessState, number: u64, now: Duration) -> Vec<u8> {
        let supplied = state.data.as_ref().map_or(&[][..], |data| &data.supplied);
        self.0.heartbeat.form().probe(number, now, supplied).into_owned()
    }

    /// Whom to tell when something is due.
    pub(crate) fn wake(&self, sender: &Waker) {
        let mut state = self.lock();
        if !state.sender.will_wake(sender) {
            let before = std::mem::replace(&mut state.sender, sender.clone());
            drop(state);
            drop(before);
        }
    }

    fn tell(&self, state: MutexGuard<'_, LivenessState>) {
        self.0.has_due.store(true, Ordering::Release);
        wake_sender(state);
    }

    /// An exchange is under way that a heartbeat of ours would disturb.
    pub fn hold(&self) {
        self.lock().liveness.hold();
    }

    /// That exchange is over: the peer has its answer time from `now` on.
    pub fn resume(&self, now: Duration) {
        self.lock().liveness.resume(now);
    }

    /// Somebody looks at what comes again.
    pub(crate) fn back(&self, away_at: Duration, now: Duration) {
        self.lock().liveness.back(away_at, now);
    }

    /// Whether there is something for the sending half.
    #[inline]
    pub fn has_due(&self) -> bool {
        self.0.has_due.load(Ordering::Acquire)
    }

    /// The next heartbeat that is to be written.
    pub(crate) fn take_due(&self) -> Option<Beat> {
        let mut state = self.lock();
        let beat = match state.answer.take() {
            Some(payload) => Some(Beat { payload, is_ours: false }),
            None => state.probe.take().map(|payload| Beat { payload, is_ours: true }),
        };
        self.0.has_due.store(state.probe.is_some() || state.answer.is_some(), Ordering::Release);
        beat
    }

    fn lock(&self) -> MutexGuard<'_, LivenessState> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Not locked: whoever is woken may have locks of its own.
fn wake_sender(state: MutexGuard<'_, LivenessState>) {
    let sender = state.sender.clone();
    drop(state);
    sender.wake();
}

/// Times and states only.
impl fmt::Debug for LivenessHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LivenessHandle").field("heartbeat", &self.0.heartbeat).finish_non_exhaustive()
    }
}
