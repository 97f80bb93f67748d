//! What a template is composed from.

use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use crate::NumberSource;

/// What a template is composed from: the time, the request that is answered, numbers, random digits and variables.
///
/// ```
/// use core::time::Duration;
/// use framelink_template::{Inputs, NumberSource, NumbersError, Template};
///
/// struct FortyTwo;
/// impl NumberSource for FortyTwo {
///     fn next_of(&self, _name: Option<&str>) -> Result<u64, NumbersError> {
///         Ok(42)
///     }
/// }
///
/// let reply: Template = "text:0810{request:4:6}{utc:%H%M%S}".parse()?;
/// let inputs = Inputs {
///     now: Duration::from_secs(1_800_000_000),
///     local_offset: 0,
///     request: Some(b"0800000007"),
///     numbers: &FortyTwo,
///     random: &|| 0,
///     variable: &|_name| None,
/// };
/// assert_eq!(reply.compose(&inputs)?, b"0810000007080000");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    /// The time since 1970-01-01 00:00:00 UTC.
    pub now: Duration,
    /// How many seconds local time is ahead of UTC, at that time.
    pub local_offset: i32,
    /// The message that is answered.
    pub request: Option<&'a [u8]>,
    /// The numbers.
    pub numbers: &'a dyn NumberSource,
    /// Returns random bits, other ones at each call.
    pub random: &'a dyn Fn() -> u64,
    /// Returns the value of an environment variable; `None` if it is not set.
    pub variable: &'a dyn Fn(&str) -> Option<Vec<u8>>,
}

impl<'a> Inputs<'a> {
    /// Takes the time, its local offset, random bits and environment variables from the system.
    #[cfg(feature = "std")]
    #[must_use]
    pub fn system(numbers: &'a dyn NumberSource) -> Self {
        let now = system::now();
        let (local_offset, random, variable) = (system::local_offset(now), &system::random, &system::variable);
        Self { now, local_offset, request: None, numbers, random, variable }
    }

    /// Sets the message that is answered.
    #[must_use]
    pub fn answering(mut self, request: &'a [u8]) -> Self {
        self.request = Some(request);
        self
    }
}

/// Shows the length of the request, and no variable.
impl fmt::Debug for Inputs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inputs")
            .field("now", &self.now)
            .field("local_offset", &self.local_offset)
            .field("request_len", &self.request.map(<[u8]>::len))
            .finish_non_exhaustive()
    }
}

#[cfg(feature = "std")]
#[expect(clippy::disallowed_types, reason = "a message has the time of day, also if that jumps")]
mod system {
    use alloc::vec::Vec;
    use core::time::Duration;
    use std::env;
    use std::hash::{BuildHasher, RandomState};
    use std::time::{SystemTime, UNIX_EPOCH};

    use chrono::{DateTime, Local};

    use crate::template::time::YEAR_10000;

    /// Zero for a clock before 1970.
    pub(super) fn now() -> Duration {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }

    /// That of the year 9999 for a later time.
    pub(super) fn local_offset(now: Duration) -> i32 {
        let seconds = i64::try_from(now.min(YEAR_10000).as_secs()).ok();
        let date = seconds.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
        date.map_or(0, |date| date.with_timezone(&Local).offset().local_minus_utc())
    }

    /// The standard library's only random bits. Good enough for digits that shall differ, not for keys of ciphers.
    pub(super) fn random() -> u64 {
        RandomState::new().hash_one(())
    }

    pub(super) fn variable(name: &str) -> Option<Vec<u8>> {
        env::var_os(name).map(|value| value.into_encoded_bytes())
    }
}
