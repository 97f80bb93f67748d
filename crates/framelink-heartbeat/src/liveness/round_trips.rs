//! The time that answers take.

use core::time::Duration;

/// The times between probes and their answers.
///
/// ```
/// use core::time::Duration;
/// use framelink_heartbeat::RoundTrips;
///
/// let mut round_trips = RoundTrips::default();
/// for millis in [100, 20, 60] {
///     round_trips.add(Duration::from_millis(millis));
/// }
/// assert_eq!(round_trips.count, 3);
/// assert_eq!((round_trips.shortest, round_trips.longest), (Duration::from_millis(20), Duration::from_millis(100)));
/// assert_eq!(round_trips.last, Duration::from_millis(60));
/// assert_eq!(round_trips.smoothed, Duration::from_micros(86_250), "7/8 of what it was and 1/8 of the new one: RFC 6298");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RoundTrips {
    /// The number of answers.
    pub count: u64,
    /// The time of the last answer.
    pub last: Duration,
    /// The shortest time.
    pub shortest: Duration,
    /// The longest time.
    pub longest: Duration,
    /// The smoothed time, as in RFC 6298: 7/8 of the value before and 1/8 of the last time.
    pub smoothed: Duration,
}

impl RoundTrips {
    /// Adds the time of one answer.
    pub fn add(&mut self, time: Duration) {
        let is_first = self.count == 0;
        self.shortest = if is_first { time } else { self.shortest.min(time) };
        self.smoothed = if is_first { time } else { (self.smoothed * 7 + time) / 8 };
        self.longest = self.longest.max(time);
        self.last = time;
        self.count += 1;
    }
}
