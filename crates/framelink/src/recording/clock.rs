//! The time of an exchange in the formats that messages use.

use std::time::Duration;

use framelink_transport::session::{Inputs, Numbers, Template};

/// How far the clock of the peer may be from ours, in seconds.
pub(super) const SKEW: u64 = 120;
const DAY: u64 = 86_400;

/// Formats: what stands before the time of the day, the time of the day, and what stands behind it. Longer ones are first.
const FORMATS: [(&str, &str, &str); 12] = [
    ("%Y-%m-%dT", "%H:%M:%S", ""),
    ("%Y-%m-%d ", "%H:%M:%S", ""),
    ("%Y%m%d", "%H%M%S", ""),
    ("%d%m%Y", "%H%M%S", ""),
    ("%y%m%d", "%H%M%S", ""),
    ("%d%m%y", "%H%M%S", ""),
    ("%m%d", "%H%M%S", ""),
    ("", "%H%M%S", "%m%d"),
    ("%Y-%m-%d", "", ""),
    ("", "%H:%M:%S", ""),
    ("%Y%m%d", "", ""),
    ("", "%H%M%S", ""),
];

/// A time in each format.
pub(super) struct Clock {
    /// Since 1970.
    pub(super) seconds: u64,
    pub(super) texts: Vec<TimeText>,
}

/// A time in one format and one zone.
pub(super) struct TimeText {
    /// The field of a template without its braces.
    pub(super) field: String,
    /// What may stand before and behind the time of the day: the date may have changed meanwhile.
    dates: [(Vec<u8>, Vec<u8>); 3],
    /// The time of the day has colons or not; `None`: it is not part of the format.
    has_colons: Option<bool>,
    second_of_day: u64,
}

impl Clock {
    pub(super) fn at(now: Duration, local_offset: i32) -> Self {
        let (seconds, mut texts) = (now.as_secs(), Vec::new());
        for (before, time, behind) in FORMATS {
            for (zone, offset) in [("utc", 0), ("local", local_offset)] {
                if zone == "local" && offset == 0 {
                    continue;
                }
                let date = |format: &str, seconds| date(zone, format, Duration::from_secs(seconds), local_offset);
                texts.push(TimeText {
                    field: format!("{zone}:{before}{time}{behind}"),
                    dates: [seconds, seconds.saturating_sub(SKEW), seconds + SKEW]
                        .map(|seconds| (date(before, seconds), date(behind, seconds))),
                    has_colons: (!time.is_empty()).then(|| time.contains(':')),
                    second_of_day: seconds.saturating_add_signed(offset.into()) % DAY,
                });
            }
        }
        Self { seconds, texts }
    }
}

/// Returns a date in this format; nothing in an empty one.
fn date(zone: &str, format: &str, now: Duration, local_offset: i32) -> Vec<u8> {
    let template = format!("text:{{{zone}:{format}}}").parse::<Template>();
    let (Ok(template), Some(numbers)) = (template, Numbers::new(1..=1)) else { return Vec::new() };
    template.compose(&Inputs { now, local_offset, ..Inputs::system(&numbers) }).unwrap_or_default()
}

impl TimeText {
    fn time_len(&self) -> usize {
        self.has_colons.map_or(0, |has_colons| if has_colons { 8 } else { 6 })
    }

    pub(super) fn len(&self) -> usize {
        let [(before, behind), ..] = &self.dates;
        before.len() + self.time_len() + behind.len()
    }

    pub(super) fn is_digits(&self) -> bool {
        let [(before, behind), ..] = &self.dates;
        self.has_colons != Some(true) && before.iter().chain(behind).all(u8::is_ascii_digit)
    }

    /// Returns whether a text is the time, give or take two minutes.
    pub(super) fn holds(&self, text: &[u8]) -> bool {
        self.dates.iter().any(|(before, behind)| {
            let rest = text.strip_prefix(&**before).and_then(|rest| rest.strip_suffix(&**behind));
            rest.is_some_and(|time| self.is_time(time))
        })
    }

    fn is_time(&self, time: &[u8]) -> bool {
        let two = |tens: u8, ones: u8| {
            (tens.is_ascii_digit() && ones.is_ascii_digit())
                .then(|| u64::from(tens - b'0') * 10 + u64::from(ones - b'0'))
        };
        let parts = match (self.has_colons, time) {
            (None, []) => return true,
            (Some(false), &[a, b, c, d, e, f]) | (Some(true), &[a, b, b':', c, d, b':', e, f]) => {
                (two(a, b), two(c, d), two(e, f))
            }
            _ => return false,
        };
        let (Some(hours @ 0..24), Some(minutes @ 0..60), Some(seconds @ 0..60)) = parts else { return false };
        let away = (hours * 3600 + minutes * 60 + seconds).abs_diff(self.second_of_day);
        away.min(DAY - away) <= SKEW
    }
}
