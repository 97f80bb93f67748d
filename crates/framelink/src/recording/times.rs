//! Times in messages.

use framelink_transport::session::Place;

use super::clock::{SKEW, TimeText};
use super::exchange::{Exchange, Side};

/// A time at a place of all messages of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TimeField {
    pub(super) start: usize,
    pub(super) len: usize,
    /// The field of a template.
    pub(super) field: String,
}

/// Finds the times in the messages of a group, in order. They agree with the clock in each message, and are no part of a
/// key: `0800` and a trace number look like eight o'clock.
pub(super) fn times_in(group: &[&Exchange], side: Side, keys: &[Place]) -> Vec<TimeField> {
    let Some(first) = group.first() else { return Vec::new() };
    let (mut times, mut at) = (Vec::new(), 0);
    while at < side.of(first).len() {
        let mut texts = first.clock.texts.iter().enumerate();
        let time = texts.find_map(|(index, text)| found(text, group, side, index, at));
        let time = time.or_else(|| unix_time(group, side, at));
        let is_apart = |time: &TimeField| keys.iter().all(|key| key.end() <= at || at + time.len <= key.offset());
        let time = time.filter(is_apart);
        at += time.as_ref().map_or(1, |time| time.len);
        times.extend(time);
    }
    times
}

/// Returns the seconds since 1970, if they stand here.
fn unix_time(group: &[&Exchange], side: Side, start: usize) -> Option<TimeField> {
    const LEN: usize = 10;
    let is_now = |exchange: &&Exchange| {
        let digits = side.of(exchange).get(start..start + LEN)?;
        let seconds: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
        (seconds.abs_diff(exchange.clock.seconds) <= SKEW).then_some(())
    };
    group.iter().try_for_each(is_now)?;
    Some(TimeField { start, len: LEN, field: "{utc:%s}".to_owned() })
}

/// Returns the field, if the time of each exchange stands here in this format. Six digits alone are a time only if they are
/// not the same in all messages, and not all below ten: just after midnight, each counter from one on would be a time.
fn found(time: &TimeText, group: &[&Exchange], side: Side, index: usize, start: usize) -> Option<TimeField> {
    let digits = time.len();
    let all = |len: usize, read: fn(&[u8]) -> Option<Vec<u8>>| {
        group.iter().all(|exchange| {
            let text = side.of(exchange).get(start..start + len).and_then(read);
            text.is_some_and(|text| exchange.clock.texts.get(index).is_some_and(|time| time.holds(&text)))
        })
    };
    let is_below_ten =
        |exchange: &&Exchange| side.of(exchange).get(start..).is_some_and(|text| text.starts_with(b"00000"));
    let is_meant = digits > 6 || !side.is_constant(group, start..start + digits) && !group.iter().all(is_below_ten);
    if is_meant && all(digits, |text| Some(text.to_vec())) {
        return Some(TimeField { start, len: digits, field: format!("{{{}}}", time.field) });
    }
    if digits > 6 && digits.is_multiple_of(2) && time.is_digits() && all(digits / 2, unpacked) {
        return Some(TimeField { start, len: digits / 2, field: format!("{{{},bcd}}", time.field) });
    }
    None
}

/// Returns packed digits as ASCII digits.
fn unpacked(bytes: &[u8]) -> Option<Vec<u8>> {
    let nibbles = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    nibbles.map(|nibble| (nibble < 10).then_some(b'0' + nibble)).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// 2027-01-15 08:00:00 UTC.
    const NOW: Duration = Duration::from_secs(1_800_000_000);

    fn fields(reply: &[u8], local_offset: i32) -> Vec<(usize, String)> {
        let exchange = Exchange::new(b"", reply, NOW, local_offset);
        times_in(&[&exchange], Side::Reply, &[]).into_iter().map(|time| (time.start, time.field)).collect()
    }

    #[test]
    fn times_that_agree_with_the_clock_are_found() {
        for (reply, local_offset, start, field) in [
            (&b"08100000010115080000"[..], 0, 10, "{utc:%m%d%H%M%S}"),
            (b"0115080159", 0, 0, "{utc:%m%d%H%M%S}"),
            (b"at 20270115110001", 10_800, 3, "{local:%Y%m%d%H%M%S}"),
            (b"2027-01-15T07:59:01Z", 0, 0, "{utc:%Y-%m-%dT%H:%M:%S}"),
            (b"t=08:00:00", 0, 2, "{utc:%H:%M:%S}"),
            (b"t=1800000100.", 0, 2, "{utc:%s}"),
            (b"\x08\x10\x01\x15\x08\x00\x00", 0, 2, "{utc:%m%d%H%M%S,bcd}"),
            (b"0800000115", 0, 0, "{utc:%H%M%S%m%d}"),
        ] {
            assert_eq!(fields(reply, local_offset), [(start, field.to_owned())], "{}", String::from_utf8_lossy(reply));
        }
    }

    #[test]
    fn other_digits_are_no_times() {
        for reply in [&b"0115090000"[..], b"0116080000", b"20260115", b"080001x0115", b"000001", b"1800000121", b""] {
            assert_eq!(fields(reply, 0), [], "{}", String::from_utf8_lossy(reply));
        }
    }

    #[test]
    fn six_digits_are_a_time_if_they_differ() {
        let exchange = |reply: &[u8]| Exchange::new(b"", reply, NOW, 0);
        let (one, other) = (exchange(b"080000"), exchange(b"080001"));
        assert_eq!(times_in(&[&one, &other], Side::Reply, &[]).len(), 1);
        assert_eq!(times_in(&[&one, &one], Side::Reply, &[]), []);
    }

    #[test]
    fn a_counter_from_one_on_is_no_time_just_after_midnight() {
        let midnight = Duration::from_secs(1_800_000_000 + 16 * 3600);
        let exchange = |reply: &[u8]| Exchange::new(b"", reply, midnight, 0);
        let (one, other) = (exchange(b"00000001"), exchange(b"00000002"));
        assert_eq!(times_in(&[&one, &other], Side::Reply, &[]), []);
        let (one, other) = (exchange(b"00000109"), exchange(b"00000110"));
        assert_eq!(times_in(&[&one, &other], Side::Reply, &[]).len(), 1);
    }

    #[test]
    fn the_date_may_change_between_the_clocks() {
        let midnight = Duration::from_secs(1_800_000_000 + 16 * 3600);
        let exchange = Exchange::new(b"", b"0115235959", midnight, 0);
        assert_eq!(times_in(&[&exchange], Side::Reply, &[]).len(), 1);
    }

    #[test]
    fn a_time_is_one_in_every_message() {
        let exchange = |reply: &[u8]| Exchange::new(b"", reply, NOW, 0);
        let (one, other) = (exchange(b"0115080000"), exchange(b"0115093000"));
        assert_eq!(times_in(&[&one, &other], Side::Reply, &[]), []);
    }
}
