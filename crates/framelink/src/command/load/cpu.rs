//! The CPU time that processes have used.

use std::time::Duration;

/// The CPU time of this process and of another one, at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct CpuTimes {
    pub(super) ours: Option<Duration>,
    pub(super) theirs: Option<Duration>,
}

impl CpuTimes {
    pub(super) fn now(pid: Option<u64>) -> Self {
        Self { ours: of_this_process(), theirs: pid.and_then(of_process) }
    }

    /// Returns the time since then. A process that has ended in between has none.
    pub(super) fn since(self, before: Self) -> Self {
        let between = |now: Option<Duration>, before: Option<Duration>| now?.checked_sub(before?);
        Self { ours: between(self.ours, before.ours), theirs: between(self.theirs, before.theirs) }
    }
}

#[cfg(target_os = "linux")]
fn of_this_process() -> Option<Duration> {
    use rustix::time::{ClockId, clock_gettime};

    let time = clock_gettime(ClockId::ProcessCPUTime);
    Some(Duration::new(u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?))
}

#[cfg(not(target_os = "linux"))]
const fn of_this_process() -> Option<Duration> {
    None
}

/// Returns the time in user and kernel mode of all threads of a process, in steps of a hundredth of a second.
#[cfg(target_os = "linux")]
pub(super) fn of_process(pid: u64) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let ticks = ticks_in(&stat)?;
    let nanos = u128::from(ticks) * 1_000_000_000 / u128::from(rustix::param::clock_ticks_per_second());
    u64::try_from(nanos).ok().map(Duration::from_nanos)
}

#[cfg(not(target_os = "linux"))]
pub(super) const fn of_process(_pid: u64) -> Option<Duration> {
    None
}

/// Reads the fields `utime` and `stime` (14 and 15 of proc(5)). The name before them may have blanks and parentheses.
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "only Linux has such a file"))]
fn ticks_in(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_whitespace().skip(11).map(str::parse::<u64>);
    Some(times.next()?.ok()? + times.next()?.ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ticks_of_a_process_are_read_whatever_its_name_is() {
        let rest = "S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0 1 0 100";
        for name in ["framelink", "a b", ") (", "x) S 1"] {
            assert_eq!(ticks_in(&format!("4711 ({name}) {rest}")), Some(300), "{name}");
        }
        assert_eq!(ticks_in("4711 (x) S 1"), None);
    }

    #[test]
    fn a_process_that_is_gone_has_no_time() {
        let (gone, there) =
            (CpuTimes::default(), CpuTimes { ours: Some(Duration::ZERO), theirs: Some(Duration::ZERO) });
        assert_eq!((gone.since(there).theirs, there.since(gone).ours), (None, None));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_has_used_time() {
        let us = std::process::id().into();
        assert!(CpuTimes::now(Some(us)).ours.is_some_and(|time| time > Duration::ZERO));
        assert!(of_process(us).is_some() && of_process(u64::MAX).is_none());
    }
}
