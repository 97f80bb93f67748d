//! The heartbeats of one kind of peer, as data.

use core::time::Duration;

use crate::error::{self, HeartbeatError};
use crate::form::Form;
use crate::liveness::Liveness;
use crate::moment::nanos;
use crate::rules::{By, Life, Role, Rules};

/// Describes the heartbeats of one kind of peer: their form, which side sends them, and when a silent peer counts as
/// dead. A [`Liveness`] applies the description to one connection.
///
/// The sides in `by` send a heartbeat after `interval` without a *sent* byte, so that the peer sees that they live. If
/// the form is answered, they also send one after `interval` without a *received* byte. A peer that leaves `tries`
/// probes unanswered, each for `timeout`, is dead. A side that sends no heartbeats expects those of the peer:
///
/// | form | we send | the peer sends | a dead peer is noticed within |
/// | --- | --- | --- | --- |
/// | answered | yes | either way | `interval + timeout × tries` |
/// | answered | no | yes | `interval + timeout × tries`: the peer has given up by then |
/// | not answered | yes or no | yes | `interval + timeout × tries` |
/// | not answered | yes | no | never: no message shows it |
///
/// If both sides send answered heartbeats, the server waits longer by half of `timeout` or of `interval`, whichever is
/// less, so that the probes of the two sides do not cross.
///
/// ```
/// use core::time::Duration;
/// use framelink_heartbeat::{Heartbeat, Role};
///
/// // "An empty frame every 30 s, drop after 40 s."
/// let heartbeat: Heartbeat = "empty,interval=30s,timeout=10s".parse()?;
/// assert_eq!(heartbeat, Heartbeat::relaxed(framelink_heartbeat::Form::empty()));
/// assert_eq!(heartbeat.detection_bound(Role::Client), Some(Duration::from_secs(40)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Heartbeat {
    pub(crate) form: Form,
    pub(crate) by: By,
    pub(crate) interval: Duration,
    pub(crate) timeout: Duration,
    pub(crate) tries: u32,
    pub(crate) life: Life,
}

impl Heartbeat {
    /// The default interval: 30 s.
    pub const INTERVAL: Duration = Duration::from_secs(30);
    /// The default timeout: 10 s.
    pub const TIMEOUT: Duration = Duration::from_secs(10);
    /// The longest interval or timeout: a day.
    pub const LONGEST: Duration = error::LONGEST;
    /// The most tries: 100.
    pub const MOST_TRIES: u32 = error::MOST_TRIES;
    /// The size of the largest heartbeat: 1 KiB.
    pub const MOST_BYTES: usize = 1024;

    /// Returns heartbeats with an interval of 30 s and a timeout of 10 s: a dead peer is noticed within 40 s.
    #[must_use]
    pub fn relaxed(form: Form) -> Self {
        let by = if form.is_answered() { By::Client } else { By::Both };
        Self { form, by, interval: Self::INTERVAL, timeout: Self::TIMEOUT, tries: 1, life: Life::Bytes }
    }

    /// Returns heartbeats with an interval of 6 s and a timeout of 3 s: a dead peer is noticed within 9 s.
    #[must_use]
    pub fn strict(form: Form) -> Self {
        Self { interval: Duration::from_secs(6), timeout: Duration::from_secs(3), ..Self::relaxed(form) }
    }

    /// Sets which sides send heartbeats. The default is the client if the form is answered, and both sides if it is
    /// not.
    #[must_use]
    pub const fn by(mut self, by: By) -> Self {
        self.by = by;
        self
    }

    /// Sets after how long without sent or received bytes a heartbeat is sent: 1 ms to a day. The default is 30 s.
    ///
    /// # Errors
    /// [`HeartbeatError::Time`] if the time is out of these bounds.
    pub fn interval(mut self, interval: Duration) -> Result<Self, HeartbeatError> {
        self.interval = in_bounds("interval", interval)?;
        Ok(self)
    }

    /// Sets how long an answer may take: 1 ms to a day. The default is 10 s.
    ///
    /// # Errors
    /// [`HeartbeatError::Time`] if the time is out of these bounds.
    pub fn timeout(mut self, timeout: Duration) -> Result<Self, HeartbeatError> {
        self.timeout = in_bounds("timeout", timeout)?;
        Ok(self)
    }

    /// Sets how many probes in a row may stay unanswered before the peer counts as dead: 1 to 100. The default is 1.
    ///
    /// # Errors
    /// [`HeartbeatError::Tries`] if the number is out of these bounds.
    pub fn tries(mut self, tries: u32) -> Result<Self, HeartbeatError> {
        if !(1..=Self::MOST_TRIES).contains(&tries) {
            return Err(HeartbeatError::Tries { tries });
        }
        self.tries = tries;
        Ok(self)
    }

    /// Sets what shows that the peer lives. The default is any bytes.
    #[must_use]
    pub const fn counting(mut self, life: Life) -> Self {
        self.life = life;
        self
    }

    /// Returns the form of the heartbeats.
    #[must_use]
    pub const fn form(&self) -> &Form {
        &self.form
    }

    /// Returns which sides send heartbeats.
    #[must_use]
    pub const fn sent_by(&self) -> By {
        self.by
    }

    /// Returns what shows that the peer lives.
    #[must_use]
    pub const fn life(&self) -> Life {
        self.life
    }

    /// Returns the interval, the timeout and the number of tries.
    #[must_use]
    pub const fn times(&self) -> (Duration, Duration, u32) {
        (self.interval, self.timeout, self.tries)
    }

    /// Returns the longest time from the last sign of life of a dead peer until this side notices its death; `None` if
    /// this side never notices it. The bound holds while the program runs and reads what arrives.
    #[must_use]
    pub fn detection_bound(&self, us: Role) -> Option<Duration> {
        let rules = self.rules(us);
        let asked = rules.ask_after().map(|time| time + rules.timeout * u64::from(rules.tries));
        asked.or(rules.silence()).map(Duration::from_nanos)
    }

    /// Creates the liveness of one connection. `jitter` is any number, and should differ between connections: it
    /// spreads the first heartbeats of connections that begin together over the second half of the first interval.
    #[must_use]
    pub fn liveness(&self, us: Role, jitter: u32, now: Duration) -> Liveness {
        Liveness::new(self.rules(us), jitter, now)
    }

    pub(crate) fn rules(&self, us: Role) -> Rules {
        Rules {
            interval: nanos(self.interval),
            timeout: nanos(self.timeout),
            tries: u8::try_from(self.tries).unwrap_or(u8::MAX),
            number_bits: u8::try_from(self.form.number_bits()).unwrap_or(u8::MAX),
            role: us,
            life: self.life,
            sends: self.by.is(us),
            peer_sends: self.by.is(us.other()),
            is_answered: self.form.is_answered(),
            is_symmetric: self.form.is_symmetric(),
            has_ended: false,
        }
    }
}

fn in_bounds(what: &'static str, time: Duration) -> Result<Duration, HeartbeatError> {
    if (Duration::from_millis(1)..=Heartbeat::LONGEST).contains(&time) {
        Ok(time)
    } else {
        Err(HeartbeatError::Time { what, time })
    }
}
