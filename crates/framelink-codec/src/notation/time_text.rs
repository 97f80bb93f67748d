//! Times in errors and log lines.

use core::fmt;
use core::time::Duration;

/// Prints a time for errors and log lines in whole seconds or milliseconds, as the notation writes it: `1500ms`, while
/// `Debug` prints `1.5s`. A finer time is printed as by `Debug`.
///
/// ```
/// use core::time::Duration;
/// use framelink_codec::notation::TimeText;
///
/// assert_eq!(TimeText(Duration::from_millis(1500)).to_string(), "1500ms");
/// assert_eq!(TimeText(Duration::from_secs(90)).to_string(), "90s");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct TimeText(pub Duration);

impl fmt::Display for TimeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (millis, nanos) = (self.0.as_millis(), self.0.subsec_nanos());
        match nanos % 1_000_000 {
            0 if nanos == 0 && millis > 0 => write!(f, "{}s", self.0.as_secs()),
            0 => write!(f, "{millis}ms"),
            _ => write!(f, "{:?}", self.0),
        }
    }
}
