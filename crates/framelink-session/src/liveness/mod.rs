//! The liveness of a connection: the cell that both halves of a session share.

mod awaited;
mod state;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use framelink_heartbeat::{Due, Form, Heartbeat, Pattern, Role, RoundTrips, Seen, Standing, Verdict};
use framelink_template::{ComposeError, Inputs, NumberRange, NumberSource, Numbers};

use self::awaited::Awaited;
pub(crate) use self::state::Beat;
use self::state::{LivenessState, Rare};
use crate::calls::{KeysInUse, Matching};

/// The liveness of a connection with heartbeats, shared by both halves of its session. Clones share one cell.
///
/// - The receiving half reports received bytes, removes heartbeats from the messages, and asks what is due.
/// - The sending half reports written bytes, and writes due heartbeats between two messages.
/// - An application supplies and reads the data that heartbeats carry, and reads the standing of the peer.
///
/// The cell is locked only for moments, never across a wait.
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
/// // No message was sent for six seconds.
/// assert_eq!(liveness.deadline(), Some(Duration::from_secs(6)));
/// session.receiving.on_time(Duration::from_secs(6))?;
/// # use framelink_template::Inputs;
/// assert!(session.sending.queue_beat(|numbers| Inputs::system(numbers))?);
/// assert_eq!(session.sending.poll(), Transmit::Write(&[0, 0])); // an empty frame
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct LivenessHandle(Arc<Cell>);

struct Cell {
    heartbeat: Arc<Heartbeat>,
    us: Role,
    /// Whether a heartbeat waits for the sending half. Without one, the sending half takes no lock.
    has_due: AtomicBool,
    /// Whether a probe waits for an answer that only a comparison with it tells from a message. Without one, messages are
    /// recognised without a lock.
    compares: AtomicBool,
    state: Mutex<LivenessState>,
}

impl LivenessHandle {
    /// `numbers` is the source of the numbers of a pattern; without one it has its own.
    pub(crate) fn new(
        heartbeat: Arc<Heartbeat>,
        us: Role,
        jitter: u32,
        numbers: Option<&Numbers>,
        now: Duration,
    ) -> Self {
        let liveness = heartbeat.liveness(us, jitter, now);
        let rare = match heartbeat.form() {
            Form::Pattern(pattern) => Rare::of_pattern(pattern, numbers),
            _ => None,
        };
        let state = Mutex::new(LivenessState { liveness, due: None, rare, seen: 0 });
        let (has_due, compares) = (AtomicBool::new(false), AtomicBool::new(false));
        Self(Arc::new(Cell { heartbeat, us, has_due, compares, state }))
    }

    /// Returns how things stand with the peer at this time of the session's clock.
    #[must_use]
    pub fn standing(&self, now: Duration) -> Standing {
        self.lock().liveness.standing(now)
    }

    /// Returns when a heartbeat or a verdict is due if no bytes are received or sent before.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        self.lock().liveness.deadline()
    }

    /// Returns how long the answers to probes took.
    #[must_use]
    pub fn round_trips(&self) -> RoundTrips {
        self.lock().liveness.round_trips()
    }

    /// Returns how many heartbeats were sent, not counting answers, and how many were received.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        let state = self.lock();
        (state.liveness.sent(), state.seen)
    }

    /// Sets the data that the probes of this side carry from now on, if their form and the framing have room for it.
    pub fn supply(&self, data: &[u8]) {
        self.lock().rare.get_or_insert_default().supplied = data.into();
    }

    /// Returns the data of the peer's last probe.
    #[must_use]
    pub fn received(&self) -> Vec<u8> {
        self.lock().rare.as_ref().map(|rare| rare.received.to_vec()).unwrap_or_default()
    }

    /// Returns the heartbeat settings.
    #[must_use]
    pub fn heartbeat(&self) -> &Heartbeat {
        &self.0.heartbeat
    }

    /// Returns the heartbeat settings and the role of this side.
    pub(crate) fn setup(&self) -> (Arc<Heartbeat>, Role) {
        (Arc::clone(&self.0.heartbeat), self.0.us)
    }

    /// Records received bytes before they are decoded. If bytes never stop, only this call checks the deadline.
    pub(crate) fn on_heard(&self, now: Duration) {
        let mut state = self.lock();
        state.liveness.on_heard(now);
        if state.liveness.deadline().is_some_and(|at| at <= now) {
            let due = state.liveness.poll_unjudged(now);
            let _ = self.hand_on(state, due, now);
        }
    }

    /// Records written bytes. `with_ours`: the last byte of a heartbeat of this side is among them.
    pub(crate) fn on_sent(&self, now: Duration, with_ours: bool) {
        let mut state = self.lock();
        state.liveness.on_sent(now);
        if with_ours {
            state.liveness.on_written(now);
        }
    }

    /// Records that this side has finished sending: no more heartbeats are sent.
    pub(crate) fn on_finished(&self) {
        let mut state = self.lock();
        state.liveness.finish();
        state.due = None;
        self.0.has_due.store(false, Ordering::Release);
    }

    /// Returns whether a message is a heartbeat, without handling it.
    pub(crate) fn would_take(&self, message: &[u8]) -> bool {
        self.compares_with(message, Awaited::has) || self.0.heartbeat.form().recognise(message).is_some()
    }

    /// Returns whether a message is a heartbeat, and handles it: an answer may become due.
    #[inline]
    pub(crate) fn takes(&self, message: &[u8], now: Duration) -> bool {
        let form = self.0.heartbeat.form();
        if let Form::Pattern(_) = form
            && let Some(number) = self.compares_with(message, Awaited::take)
        {
            self.take(message, Seen::Answer { number: Some(number) }, now);
            return true;
        }
        match form.recognise(message) {
            None => false,
            Some(seen) => {
                self.take(message, seen, now);
                true
            }
        }
    }

    /// Compares a message with our probes that wait for an answer.
    #[inline]
    fn compares_with<T: Default>(&self, message: &[u8], how: impl Fn(&mut Awaited, &Pattern, &[u8]) -> T) -> T {
        if !self.0.compares.load(Ordering::Acquire) {
            return T::default();
        }
        let mut state = self.lock();
        let (Form::Pattern(form), Some(pattern)) = (self.0.heartbeat.form(), state.pattern()) else {
            return T::default();
        };
        let found = how(&mut pattern.awaited, form, message);
        self.0.compares.store(!pattern.awaited.is_empty(), Ordering::Release);
        found
    }

    #[cold]
    fn take(&self, message: &[u8], seen: Seen, now: Duration) {
        let form = self.0.heartbeat.form();
        let mut state = self.lock();
        state.seen += 1;
        // Only a probe carries the peer's data: an answer repeats our own.
        if seen == Seen::Probe {
            let received = form.data(message);
            if !received.is_empty() || state.rare.is_some() {
                state.rare.get_or_insert_default().received = received.into();
            }
        }
        let answer = match (form, seen) {
            // Composed when it is taken.
            (Form::Pattern(_), Seen::Probe) => Some(message.to_vec()),
            (_, Seen::Probe | Seen::Either) => form.answer(message),
            _ => None,
        };
        // A probe without an answer shows that the peer lives. This side has shown nothing in return.
        let seen = if answer.is_none() && seen == Seen::Probe { Seen::Beat } else { seen };
        if state.liveness.on_seen(seen, now)
            && let Some(answer) = answer
        {
            // Of several answers that wait, only the last is sent.
            state.due.get_or_insert_default().answer = Some(answer);
            self.tell(state);
        }
    }

    /// Checks what is due and hands it to the sending half.
    ///
    /// # Errors
    /// Returns the verdict if the peer is dead.
    pub(crate) fn on_time(&self, now: Duration) -> Result<(), Verdict> {
        let mut state = self.lock();
        let due = state.liveness.poll(now);
        self.hand_on(state, due, now)
    }

    fn hand_on(&self, mut state: MutexGuard<'_, LivenessState>, due: Due, now: Duration) -> Result<(), Verdict> {
        match due {
            Due::Wait(_) => Ok(()),
            Due::Dead(verdict) => {
                // A task that has only the sending half learns about the death too.
                wake_sender(state);
                Err(verdict)
            }
            Due::Beat(number) | Due::Probe(number) => {
                let probe = self.probe(&state, number, now);
                state.due.get_or_insert_default().probe = Some((number, probe));
                self.tell(state);
                Ok(())
            }
        }
    }

    /// Checks for a due heartbeat on behalf of a sending half whose receiving half may not be polled. The peer is not
    /// judged, because its messages may be unread. Returns when to call this again.
    pub(crate) fn on_time_unread(&self, now: Duration) -> Option<Duration> {
        let mut state = self.lock();
        if let Some(number) = state.liveness.poll_beat(now) {
            let probe = self.probe(&state, number, now);
            state.due.get_or_insert_default().probe = Some((number, probe));
            self.0.has_due.store(true, Ordering::Release);
        }
        state.liveness.beat_at()
    }

    /// Returns when a sending half without a polled receiving half must check for a due heartbeat.
    pub fn beat_at(&self) -> Option<Duration> {
        self.lock().liveness.beat_at()
    }

    /// Returns how often a sleeping connection must be read to find probes of the peer.
    pub fn look_within(&self) -> Option<Duration> {
        self.lock().liveness.look_within()
    }

    /// Returns why the peer counts as dead, or `None` while it does not.
    #[must_use]
    pub fn verdict(&self) -> Option<Verdict> {
        self.lock().liveness.verdict()
    }

    fn probe(&self, state: &LivenessState, number: u64, now: Duration) -> Vec<u8> {
        if let Form::Pattern(_) = self.0.heartbeat.form() {
            return Vec::new();
        }
        let supplied = state.rare.as_ref().map_or(&[][..], |rare| &rare.supplied);
        self.0.heartbeat.form().probe(number, now, supplied).into_owned()
    }

    /// Sets the waker that is woken when a heartbeat is due.
    pub(crate) fn wake(&self, sender: &Waker) {
        let mut state = self.lock();
        let rare = state.rare.get_or_insert_default();
        if !rare.sender.as_ref().is_some_and(|before| before.will_wake(sender)) {
            let before = rare.sender.replace(sender.clone());
            drop(state);
            drop(before);
        }
    }

    fn tell(&self, state: MutexGuard<'_, LivenessState>) {
        self.0.has_due.store(true, Ordering::Release);
        wake_sender(state);
    }

    /// Holds heartbeats back during an exchange that they would disturb.
    pub fn hold(&self) {
        self.lock().liveness.hold();
    }

    /// Ends the hold: the peer's time to answer begins at `now`.
    pub fn resume(&self, now: Duration) {
        self.lock().liveness.resume(now);
    }

    /// Records that the connection is read again.
    pub(crate) fn back(&self, away_at: Duration, now: Duration) {
        self.lock().liveness.back(away_at, now);
    }

    /// Returns whether a heartbeat waits for the sending half.
    #[inline]
    pub fn has_due(&self) -> bool {
        self.0.has_due.load(Ordering::Acquire)
    }

    /// Takes the next heartbeat to write. `inputs` are what a pattern is composed from, with numbers of the given source.
    ///
    /// # Errors
    /// If a heartbeat of this side cannot be composed. An answer that cannot be composed is not sent.
    pub(crate) fn take_due(
        &self,
        inputs: impl for<'n> FnOnce(&'n dyn NumberSource) -> Inputs<'n>,
    ) -> Result<Option<Beat>, ComposeError> {
        let mut state = self.lock();
        let Some(due) = state.due.as_mut() else { return Ok(None) };
        let answer = due.answer.take();
        let probe = if answer.is_none() { due.probe.take() } else { None };
        // An answer is taken first.
        let has_due = due.probe.is_some();
        if !has_due {
            state.due = None;
        }
        self.0.has_due.store(has_due, Ordering::Release);
        let number = probe.as_ref().map(|(number, _)| *number);
        let is_ours = probe.is_some();
        let Some(payload) = answer.or(probe.map(|(_, payload)| payload)) else { return Ok(None) };
        let Form::Pattern(form) = self.0.heartbeat.form() else { return Ok(Some(Beat { payload, is_ours })) };
        let (numbers, in_use) = match state.pattern() {
            Some(pattern) => (pattern.numbers.clone(), pattern.in_use.clone()),
            None => (Numbers::over(NumberRange::from_1_to(1)), None),
        };
        // Numbers may come from a file.
        drop(state);
        let Some(number) = number else {
            let answer = form.answer(&payload, &inputs(&numbers)).ok().flatten();
            return Ok(answer.map(|payload| Beat { payload, is_ours }));
        };
        let payload = unused_probe(form, &inputs(&numbers), in_use.as_ref())?;
        if form.is_answered()
            && let Some(pattern) = self.lock().pattern()
        {
            pattern.awaited.push(number, &payload, form.compared_len());
            self.0.compares.store(true, Ordering::Release);
        }
        Ok(Some(Beat { payload, is_ours }))
    }

    /// Makes probes with numbers leave out the keys of the calls that are matched in this way.
    pub(crate) fn leave_out_calls(&self, matching: &mut Matching) {
        let Form::Pattern(form) = self.0.heartbeat.form() else { return };
        if form.templates().next().is_some_and(|probe| probe.numbers().next().is_some())
            && let Some(pattern) = self.lock().pattern()
        {
            pattern.in_use = matching.share_keys();
        }
    }

    fn lock(&self) -> MutexGuard<'_, LivenessState> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Composes a probe whose number no call has in use. If calls have all numbers in use, the probe repeats one: a peer that hears
/// nothing would count as dead.
fn unused_probe(form: &Pattern, inputs: &Inputs<'_>, in_use: Option<&KeysInUse>) -> Result<Vec<u8>, ComposeError> {
    let probe = form.probe(inputs)?;
    let Some(in_use) = in_use.filter(|in_use| !in_use.begin_probe(&probe)) else { return Ok(probe) };
    for _ in 0..in_use.len() {
        let probe = form.probe(inputs)?;
        if in_use.begin_probe(&probe) {
            return Ok(probe);
        }
    }
    Ok(probe)
}

/// Releases the lock first, because a woken task may take its own locks.
fn wake_sender(state: MutexGuard<'_, LivenessState>) {
    let sender = state.rare.as_ref().and_then(|rare| rare.sender.clone());
    drop(state);
    if let Some(sender) = sender {
        sender.wake();
    }
}

/// Shows times and states, no payloads.
impl fmt::Debug for LivenessHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LivenessHandle").field("heartbeat", &self.0.heartbeat).finish_non_exhaustive()
    }
}
