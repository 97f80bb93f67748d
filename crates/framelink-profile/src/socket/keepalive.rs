//! The system's own probes of an idle connection.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use framelink_codec::notation::{NotationError, ShowDuration, Token};

/// TCP keepalive, as the system does it: after `idle` without traffic it probes every `interval`, and gives the connection up when
/// `probes` of them were not acknowledged; `user_timeout` does the same for data that was sent and is not acknowledged, which
/// keepalive does not see. What is `None` is left to the system.
///
/// It sees that the other *system* is gone. A program that hangs while its system acknowledges it does not see; heartbeats do.
///
/// Written `IDLE/INTERVAL/PROBES` or `IDLE/INTERVAL/PROBES/USER-TIMEOUT`, with `-` for what is left to the system. Without a fourth
/// part the user timeout is what the others come to.
///
/// ```
/// use std::time::Duration;
/// use framelink_profile::Keepalive;
///
/// let keepalive: Keepalive = "60s/10s/6".parse()?;
/// assert_eq!(keepalive.detection_bound(), Some(Duration::from_secs(120)));
/// assert_eq!(keepalive.user_timeout(), Some(Duration::from_secs(120)));
/// // Linux, as it comes: more than two hours.
/// assert_eq!(Keepalive::LINUX.detection_bound(), Some(Duration::from_secs(7200 + 75 * 9)));
/// # Ok::<(), framelink_codec::notation::NotationError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Keepalive {
    idle: Option<Duration>,
    interval: Option<Duration>,
    probes: Option<u32>,
    user_timeout: UserTimeout,
}

/// How long what was sent may be unacknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
enum UserTimeout {
    /// As long as the rest comes to.
    #[default]
    AsTheRest,
    /// Left to the system.
    System,
    After(Duration),
}

impl Keepalive {
    /// What Linux does unless it is told otherwise.
    pub const LINUX: Self = Self::of_seconds(7200, 75, 9);
    /// What BSD and macOS do: 75 s apart, and 10 where the count is not told.
    pub const BSD: Self = Self::of_seconds(7200, 75, 10);
    /// No time is longer (as Linux has it): 32767 s.
    pub const LONGEST: Duration = Duration::from_secs(32_767);
    /// No user timeout is longer: a day.
    pub const LONGEST_USER_TIMEOUT: Duration = Duration::from_secs(86_400);
    /// No more probes (as Linux has it): 127.
    pub const MOST_PROBES: u32 = 127;

    const MOST_USER_TIMEOUT: Duration = Duration::from_secs(i32::MAX as u64 / 1000);

    const fn of_seconds(idle: u64, interval: u64, probes: u32) -> Self {
        Self {
            idle: Some(Duration::from_secs(idle)),
            interval: Some(Duration::from_secs(interval)),
            probes: Some(probes),
            user_timeout: UserTimeout::System,
        }
    }

    /// All of it left to the system.
    #[must_use]
    pub const fn system() -> Self {
        Self { idle: None, interval: None, probes: None, user_timeout: UserTimeout::System }
    }

    /// These, in whole seconds.
    #[cfg(feature = "socket")]
    pub(super) const fn told(idle: Option<Duration>, interval: Option<Duration>, probes: Option<u32>) -> Self {
        Self { idle, interval, probes, user_timeout: UserTimeout::System }
    }

    /// How long nothing may come or go before the first probe.
    #[must_use]
    pub const fn idle(&self) -> Option<Duration> {
        self.idle
    }

    /// The time between probes.
    #[must_use]
    pub const fn interval(&self) -> Option<Duration> {
        self.interval
    }

    /// How many are left unacknowledged.
    #[must_use]
    pub const fn probes(&self) -> Option<u32> {
        self.probes
    }

    /// How long what was sent may be unacknowledged (`TCP_USER_TIMEOUT`; Linux only).
    #[must_use]
    pub fn user_timeout(&self) -> Option<Duration> {
        match self.user_timeout {
            // The system has it in milliseconds of 31 bits.
            UserTimeout::AsTheRest => self.detection_bound().map(|bound| bound.min(Self::MOST_USER_TIMEOUT)),
            UserTimeout::System => None,
            UserTimeout::After(time) => Some(time),
        }
    }

    /// The same with this user timeout.
    #[must_use]
    pub const fn with_user_timeout(mut self, time: Option<Duration>) -> Self {
        self.user_timeout = match time {
            Some(time) => UserTimeout::After(time),
            None => UserTimeout::System,
        };
        self
    }

    /// How soon the system notices that an idle peer's is gone: `idle + interval × probes`. On Linux a user timeout of its own counts
    /// instead of the number of probes: the first of them after that time ends the connection. `None` while some of it is left to
    /// the system; see [`or`](Self::or).
    #[must_use]
    pub fn detection_bound(&self) -> Option<Duration> {
        let (idle, interval) = (self.idle?, self.interval?);
        let probes = match self.user_timeout {
            UserTimeout::After(time) if cfg!(target_os = "linux") => {
                let waits = time.saturating_sub(idle).as_nanos().div_ceil(interval.as_nanos().max(1));
                u32::try_from(waits).unwrap_or(u32::MAX).max(1)
            }
            _ => self.probes?,
        };
        Some(idle.saturating_add(interval.saturating_mul(probes)))
    }

    /// With what is left to the system taken from there: from `Keepalive::of_system()`, say.
    #[must_use]
    pub fn or(self, system: Self) -> Self {
        Self {
            idle: self.idle.or(system.idle),
            interval: self.interval.or(system.interval),
            probes: self.probes.or(system.probes),
            user_timeout: self.user_timeout,
        }
    }
}

/// Reads the notation.
///
/// ```
/// use framelink_profile::Keepalive;
///
/// assert_eq!("30s/-/-/-".parse::<Keepalive>()?.to_string(), "30s/-/-/-");
/// let error = "60s/10s".parse::<Keepalive>().unwrap_err();
/// assert_eq!(error.to_string(), "column 1: expected IDLE/INTERVAL/PROBES, such as `60s/10s/6`, found `60s/10s`");
/// let error = "1500ms/10s/6".parse::<Keepalive>().unwrap_err();
/// assert_eq!(error.to_string(), "column 1: expected whole seconds, 1s to 32767s, found `1500ms`");
/// # Ok::<(), framelink_codec::notation::NotationError>(())
/// ```
impl FromStr for Keepalive {
    type Err = NotationError;

    fn from_str(text: &str) -> Result<Self, NotationError> {
        let mut column = 1;
        let parts: Vec<_> = text
            .split('/')
            .map(|part| {
                let token = Token { text: part, column };
                column += part.chars().count() + 1;
                token
            })
            .collect();
        let (idle, interval, probes, user) = match parts[..] {
            [idle, interval, probes] => (idle, interval, probes, None),
            [idle, interval, probes, user] => (idle, interval, probes, Some(user)),
            _ => return Err(Token { text, column: 1 }.mismatch("IDLE/INTERVAL/PROBES, such as `60s/10s/6`")),
        };
        let probes = match probes.text {
            "-" => None,
            _ => Some(probes.number(1..=Self::MOST_PROBES as usize, "probes")?),
        };
        Ok(Self {
            idle: seconds(idle)?,
            interval: seconds(interval)?,
            probes: probes.and_then(|probes| u32::try_from(probes).ok()),
            user_timeout: match user {
                None => UserTimeout::AsTheRest,
                Some(user) if user.text == "-" => UserTimeout::System,
                Some(user) => match user.duration()? {
                    time if time <= Self::LONGEST_USER_TIMEOUT => UserTimeout::After(time),
                    _ => return Err(user.mismatch("a time of up to a day")),
                },
            },
        })
    }
}

/// The system counts in seconds.
fn seconds(token: Token<'_>) -> Result<Option<Duration>, NotationError> {
    if token.text == "-" {
        return Ok(None);
    }
    let time = token.duration()?;
    if time.subsec_nanos() != 0 || time > Keepalive::LONGEST {
        return Err(token.mismatch("whole seconds, 1s to 32767s"));
    }
    Ok(Some(time))
}

impl fmt::Display for Keepalive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |f: &mut fmt::Formatter<'_>, time: Option<Duration>| match time {
            Some(time) => write!(f, "{}", ShowDuration(time)),
            None => f.write_str("-"),
        };
        part(f, self.idle)?;
        f.write_str("/")?;
        part(f, self.interval)?;
        match self.probes {
            Some(probes) => write!(f, "/{probes}")?,
            None => f.write_str("/-")?,
        }
        match self.user_timeout {
            UserTimeout::AsTheRest => Ok(()),
            UserTimeout::System => f.write_str("/-"),
            UserTimeout::After(time) => write!(f, "/{}", ShowDuration(time)),
        }
    }
}
