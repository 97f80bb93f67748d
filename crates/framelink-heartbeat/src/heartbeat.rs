//! Heartbeats of one kind of peer, as data.

use core::time::Duration;

use crate::error::{self, HeartbeatError};
use crate::form::Form;
use crate::liveness::Liveness;
use crate::rules::{By, Life, Role, Rules};

/// Heartbeats of one kind of peer: what they look like, who sends them, and when a silent peer counts as dead. It is data; what it
/// says is done by a [`Liveness`] for each connection.
///
/// Whoever sends them (`by`) does so when nothing was *sent* for `interval`, so that the other side sees that we live; where they are
/// answered, also when nothing was *received* for so long, so that we see the other side. What is not answered within `timeout`, and
/// that `tries` times, ends the connection. Who sends none expects to hear something all the same:
///
/// | form | we send | the peer sends | dead is noticed within |
/// | --- | --- | --- | --- |
/// | answered | yes | either way | `interval + timeout × tries` |
/// | answered | no | yes | `interval + timeout × tries`, for then the peer has given up |
/// | not answered | either way | yes | `interval + timeout × tries` |
/// | not answered | yes | no | never: nobody tells us |
///
/// Where both sides send what is answered, the server waits longer by half a `timeout`, or half an `interval` if that is less, so that the
/// two do not cross.
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
    /// The interval unless told otherwise: 30 s.
    pub const INTERVAL: Duration = Duration::from_secs(30);
    /// The timeout unless told otherwise: 10 s.
    pub const TIMEOUT: Duration = Duration::from_secs(10);
    /// No interval or timeout is longer: a day.
    pub const LONGEST: Duration = error::LONGEST;
    /// No more tries: 100.
    pub const MOST_TRIES: u32 = error::MOST_TRIES;
    /// No heartbeat is larger: 1 KiB.
    pub const MOST_BYTES: usize = 1024;

    /// Every 30 s, and 10 s for the answer: dead within 40 s.
    #[must_use]
    pub fn relaxed(form: Form) -> Self {
        let by = if form.is_answered() { By::Client } else { By::Both };
        Self { form, by, interval: Self::INTERVAL, timeout: Self::TIMEOUT, tries: 1, life: Life::Bytes }
    }

    /// Every 6 s, and 3 s for the answer: dead within 9 s.
    #[must_use]
    pub fn strict(form: Form) -> Self {
        Self { interval: Duration::from_secs(6), timeout: Duration::from_secs(3), ..Self::relaxed(form) }
    }

    /// Who sends them. Defaults to the client where they are answered, and to both sides where they are not.
    #[must_use]
    pub const fn by(mut self, by: By) -> Self {
        self.by = by;
        self
    }

    /// How long nothing may go, or come, before one is sent; 1 ms to a day. Defaults to 30 s.
    ///
    /// # Errors
    /// When it is none of these.
    pub fn interval(mut self, interval: Duration) -> Result<Self, HeartbeatError> {
        self.interval = in_bounds("interval", interval)?;
        Ok(self)
    }

    /// How long an answer may take; 1 ms to a day. Defaults to 10 s.
    ///
    /// # Errors
    /// When it is none of these.
    pub fn timeout(mut self, timeout: Duration) -> Result<Self, HeartbeatError> {
        self.timeout = in_bounds("timeout", timeout)?;
        Ok(self)
    }

    /// How many probes are left unanswered before the peer counts as dead, 1 to 100. Defaults to 1.
    ///
    /// # Errors
    /// When it is none of these.
    pub fn tries(mut self, tries: u32) -> Result<Self, HeartbeatError> {
        if !(1..=Self::MOST_TRIES).contains(&tries) {
            return Err(HeartbeatError::Tries { tries });
        }
        self.tries = tries;
        Ok(self)
    }

    /// What shows that the peer lives. Defaults to any bytes.
    #[must_use]
    pub const fn counting(mut self, life: Life) -> Self {
        self.life = life;
        self
    }

    /// What heartbeats look like.
    #[must_use]
    pub const fn form(&self) -> &Form {
        &self.form
    }

    /// Who sends them.
    #[must_use]
    pub const fn sent_by(&self) -> By {
        self.by
    }

    /// What shows that the peer lives.
    #[must_use]
    pub const fn life(&self) -> Life {
        self.life
    }

    /// The interval, the timeout and the tries.
    #[must_use]
    pub const fn times(&self) -> (Duration, Duration, u32) {
        (self.interval, self.timeout, self.tries)
    }

    /// How soon this side notices a dead peer at the latest, from the last that came of it, while the program runs and takes what
    /// comes; `None` if never.
    #[must_use]
    pub fn detection_bound(&self, us: Role) -> Option<Duration> {
        let rules = self.rules(us);
        let silence = self.silence();
        match (rules.ask_after, rules.silence) {
            (Some(ask_after), _) => Some(ask_after + self.timeout * self.tries),
            (None, Some(_)) => Some(silence),
            (None, None) => None,
        }
    }

    /// What this side does on one connection. `jitter` spreads the first heartbeats of many connections that begin at once, over
    /// the second half of the first interval: any number, another one for each connection.
    #[must_use]
    pub fn liveness(&self, us: Role, jitter: u32, now: Duration) -> Liveness {
        Liveness::new(self.rules(us), jitter, now)
    }

    pub(crate) fn rules(&self, us: Role) -> Rules {
        let (we_send, peer_sends) = (self.by.is(us), self.by.is(us.other()));
        let is_answered = self.form.is_answered();
        let asks = we_send && is_answered;
        let gives_way = asks && peer_sends && us == Role::Server;
        let after = if gives_way { self.interval + self.timeout.min(self.interval) / 2 } else { self.interval };
        Rules {
            beat_after: we_send.then_some(after),
            ask_after: asks.then_some(after),
            interval: self.interval,
            timeout: self.timeout,
            tries: self.tries,
            silence: (peer_sends && !asks).then(|| self.silence()),
            peer_silence: peer_sends.then(|| {
                // The peer may be the one that gives way.
                let waits =
                    if asks && us == Role::Client { self.timeout.min(self.interval) / 2 } else { Duration::ZERO };
                self.silence() + waits
            }),
            answers: is_answered,
            is_symmetric: self.form.is_symmetric(),
            number_bits: self.form.number_bits(),
            life: self.life,
        }
    }

    fn silence(&self) -> Duration {
        self.interval + self.timeout * self.tries
    }
}

fn in_bounds(what: &'static str, time: Duration) -> Result<Duration, HeartbeatError> {
    if (Duration::from_millis(1)..=Heartbeat::LONGEST).contains(&time) {
        Ok(time)
    } else {
        Err(HeartbeatError::Time { what, time })
    }
}
