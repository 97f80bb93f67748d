//! TCP keepalive: the system's probes of an idle connection.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use framelink_codec::notation::{NotationError, ShowDuration, Token};

/// TCP keepalive. A value of `None` is left to the system.
///
/// - After `idle` without traffic, the system probes the peer every `interval`.
/// - After `probes` unacknowledged probes, it ends the connection.
/// - After `user_timeout`, it ends a connection whose sent data is not acknowledged, which keepalive does not detect.
///
/// Keepalive detects that the peer's *system* is gone. Only heartbeats detect a program that hangs.
///
/// The notation is `IDLE/INTERVAL/PROBES` or `IDLE/INTERVAL/PROBES/USER-TIMEOUT`, with `-` for a value that is left to
/// the system. Without a fourth part, the user timeout is the detection bound of the others.
///
/// ```
/// use std::time::Duration;
/// use framelink_profile::Keepalive;
///
/// let keepalive: Keepalive = "60s/10s/6".parse()?;
/// assert_eq!(keepalive.detection_bound(), Some(Duration::from_secs(120)));
/// assert_eq!(keepalive.user_timeout(), Some(Duration::from_secs(120)));
/// // The default of Linux: more than two hours.
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

/// How long sent data may be unacknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
enum UserTimeout {
    /// As long as the detection bound.
    #[default]
    AsTheRest,
    /// Left to the system.
    System,
    After(Duration),
}

impl Keepalive {
    /// The defaults of Linux.
    pub const LINUX: Self = Self::of_seconds(7200, 75, 9);
    /// The defaults of BSD and macOS: 75 s apart, and 10 probes.
    pub const BSD: Self = Self::of_seconds(7200, 75, 10);
    /// The longest time, as on Linux: 32767 s.
    pub const LONGEST: Duration = Duration::from_secs(32_767);
    /// The longest user timeout: a day.
    pub const LONGEST_USER_TIMEOUT: Duration = Duration::from_secs(86_400);
    /// The most probes, as on Linux: 127.
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

    /// Leaves all values to the system.
    #[must_use]
    pub const fn system() -> Self {
        Self { idle: None, interval: None, probes: None, user_timeout: UserTimeout::System }
    }

    /// Sets these values, in whole seconds.
    #[cfg(feature = "socket")]
    pub(super) const fn told(idle: Option<Duration>, interval: Option<Duration>, probes: Option<u32>) -> Self {
        Self { idle, interval, probes, user_timeout: UserTimeout::System }
    }

    /// Returns the time without traffic before the first probe.
    #[must_use]
    pub const fn idle(&self) -> Option<Duration> {
        self.idle
    }

    /// Returns the time between probes.
    #[must_use]
    pub const fn interval(&self) -> Option<Duration> {
        self.interval
    }

    /// Returns how many unacknowledged probes end the connection.
    #[must_use]
    pub const fn probes(&self) -> Option<u32> {
        self.probes
    }

    /// Returns how long sent data may be unacknowledged (`TCP_USER_TIMEOUT`, Linux only).
    #[must_use]
    pub fn user_timeout(&self) -> Option<Duration> {
        match self.user_timeout {
            // The system takes milliseconds in 31 bits.
            UserTimeout::AsTheRest => self.detection_bound().map(|bound| bound.min(Self::MOST_USER_TIMEOUT)),
            UserTimeout::System => None,
            UserTimeout::After(time) => Some(time),
        }
    }

    /// Sets the user timeout.
    #[must_use]
    pub const fn with_user_timeout(mut self, time: Option<Duration>) -> Self {
        self.user_timeout = match time {
            Some(time) => UserTimeout::After(time),
            None => UserTimeout::System,
        };
        self
    }

    /// Returns how soon the system detects that the system of an idle peer is gone: `idle + interval × probes`. On
    /// Linux, a user timeout replaces the number of probes: the first probe after that time ends the connection. `None`
    /// if a value is left to the system; see [`or`](Self::or).
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

    /// Takes values that are left to the system from `system`, for example `Keepalive::of_system()`.
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

/// Parses the notation.
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
