//! Printed times and sizes parse to equal values.

use std::time::Duration;

use framelink_codec::notation::{ShowDuration, ShowSize, TimeText, Token};
use proptest::prelude::*;

fn read_time(text: &str) -> Option<Duration> {
    Token { text, column: 1 }.duration().ok()
}

fn read_size(text: &str) -> Option<usize> {
    Token { text, column: 1 }.size().ok()
}

/// Numbers of every magnitude, and those that fill a unit.
fn numbers() -> impl Strategy<Value = u64> {
    let scaled = prop::sample::select(&[1_u64, 1000, 60_000, 3_600_000, 86_400_000, 1024, 1024 * 1024][..]);
    let whole = (0..2000_u64, scaled).prop_map(|(count, unit)| count * unit);
    prop_oneof![whole, (any::<u64>(), 0..64_u32).prop_map(|(number, bits)| number >> bits)]
}

proptest! {
    /// A printed time parses to an equal time.
    #[test]
    fn a_time_is_read_back_as_it_was_printed(millis in numbers()) {
        let time = Duration::from_millis(millis);
        let expected = (millis > 0).then_some(time);
        prop_assert_eq!(read_time(&ShowDuration(time).to_string()), expected);
    }

    /// A printed size parses to an equal size.
    #[test]
    fn a_size_is_read_back_as_it_was_printed(size in numbers()) {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        prop_assert_eq!(read_size(&ShowSize(size).to_string()), Some(size));
    }
}

#[test]
fn a_time_is_printed_in_the_largest_exact_unit() {
    for text in ["1ms", "999ms", "1s", "59s", "90s", "1m", "59m", "90m", "1h", "23h", "36h", "1d", "30d"] {
        assert_eq!(read_time(text).map(|time| ShowDuration(time).to_string()).as_deref(), Some(text));
    }
    assert_eq!(ShowDuration(Duration::ZERO).to_string(), "0ms");
}

#[test]
fn a_time_that_overflows_is_refused() {
    for text in ["213503982335d", "5124095576031h", "18446744073709551616ms", "1w", "1H", "h", "01h"] {
        assert_eq!(read_time(text), None, "{text}");
    }
}

#[test]
fn a_time_in_an_error_parses_to_an_equal_time() {
    let times = (1..4000).chain([60_000, 90_000, 90_500, 3_600_000, u64::MAX]);
    for time in times.map(Duration::from_millis) {
        let text = TimeText(time).to_string();
        assert_eq!(Token { text: &text, column: 1 }.duration(), Ok(time), "{text}");
    }
    assert_eq!(TimeText(Duration::from_micros(1500)).to_string(), "1.5ms");
    assert_eq!(TimeText(Duration::ZERO).to_string(), "0ms");
}
