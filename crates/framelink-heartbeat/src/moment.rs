//! Moments that take half the memory of a `Duration`.

use core::fmt;
use core::num::NonZeroU64;
use core::time::Duration;

/// A moment, as the time since a start that the caller chose. A moment after more than 584 years counts as 584 years.
///
/// A connection holds many of them. A moment has 8 bytes, also as an `Option`; a [`Duration`] has 16.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(
    /// The nanoseconds, plus one, so that an `Option` needs no more memory.
    NonZeroU64,
);

impl Moment {
    /// The start.
    pub const START: Self = Self(NonZeroU64::MIN);

    /// The moment at this time after the start.
    #[inline]
    #[must_use]
    pub const fn at(time: Duration) -> Self {
        Self::START.after(nanos(time))
    }

    /// Returns the time since the start.
    #[inline]
    #[must_use]
    pub const fn time(self) -> Duration {
        Duration::from_nanos(self.0.get() - 1)
    }

    /// The moment that is this many nanoseconds later.
    #[inline]
    #[must_use]
    pub const fn after(self, nanos: u64) -> Self {
        Self(self.0.saturating_add(nanos))
    }

    /// The moment that is this many nanoseconds earlier, not before the start.
    #[inline]
    #[must_use]
    pub const fn before(self, nanos: u64) -> Self {
        Self::START.after((self.0.get() - 1).saturating_sub(nanos))
    }

    /// Returns the nanoseconds since `earlier`, or 0 if that is later.
    #[inline]
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.get().saturating_sub(earlier.0.get())
    }
}

/// Returns a time in nanoseconds. A time of more than 584 years becomes 584 years.
#[inline]
#[must_use]
pub const fn nanos(time: Duration) -> u64 {
    time.as_secs().saturating_mul(1_000_000_000).saturating_add(time.subsec_nanos() as u64)
}

impl fmt::Debug for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.time().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_the_time_that_it_was_made_of() {
        for time in [Duration::ZERO, Duration::from_nanos(1), Duration::from_millis(2500), Duration::from_secs(1 << 33)]
        {
            assert_eq!(Moment::at(time).time(), time);
        }
        assert_eq!(Moment::at(Duration::MAX), Moment::START.after(u64::MAX));
        assert_eq!(size_of::<Option<Moment>>(), 8);
    }

    #[test]
    fn sums_and_differences_end_at_the_limits() {
        let at = |nanos| Moment::START.after(nanos);
        assert_eq!((at(7).after(5), at(7).before(5), at(7).before(9)), (at(12), at(2), at(0)));
        assert_eq!((at(7).since(at(5)), at(5).since(at(7))), (2, 0));
        assert_eq!(at(u64::MAX).after(u64::MAX), at(u64::MAX));
    }
}
