//! Limits lines of the log about peers that exchanged no message or were refused, and about errors of the system. A
//! flood of such lines must not fill a disk, and must not hide other lines.

use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use framelink_transport::Refusal;
use tokio::runtime::Handle;

use crate::threads::lock;

/// The kind of a line. Each kind has its own limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A peer has connected.
    Connected,
    /// A peer has closed its connection without a message.
    Closed,
    /// A connection ended with an error before a whole message.
    Ended,
    /// A client was turned away because its host could not be reached.
    Unserved,
    /// The system lacks a resource, such as file descriptors, or has it again.
    System,
    /// A connection was refused: the access rules exclude its client.
    RefusedByAccess,
    /// A connection was refused: the limit of all connections was reached.
    RefusedByTotal,
    /// A connection was refused: the limit of connections of its client was reached.
    RefusedByClient,
    /// A peer has closed or reset its connection before its first byte. One line is written. The count of the others is
    /// written only when the program ends, because health checks arrive as long as the program runs.
    Probe,
    /// A message got no reply from the rules of a profile.
    Unruled,
}

impl From<Refusal> for Kind {
    fn from(reason: Refusal) -> Self {
        match reason {
            Refusal::Access => Self::RefusedByAccess,
            Refusal::Total => Self::RefusedByTotal,
            Refusal::Client => Self::RefusedByClient,
        }
    }
}

/// Writes a line, or counts it if there were too many of its kind. The count is written ten seconds after the first
/// line that was left out, and at the end of the program.
pub(crate) fn line(kind: Kind, write: impl FnOnce()) {
    let now = LIMITS.now();
    let mut limits = lock(&LIMITS.state);
    if limits.limiter.admits(kind, now) {
        drop(limits);
        return write();
    }
    if kind.is_timed()
        && !limits.is_timed
        && let Ok(runtime) = Handle::try_current()
    {
        limits.is_timed = true;
        runtime.spawn(tell_in_time());
    }
}

/// Writes all counts that are not written yet.
pub(crate) fn tell_all() {
    let counts = lock(&LIMITS.state).limiter.take(None);
    counts.into_iter().for_each(|count| count.tell(LIMITS.now()));
}

async fn tell_in_time() {
    loop {
        let now = LIMITS.now();
        let (counts, next_at) = {
            let mut limits = lock(&LIMITS.state);
            let counts = limits.limiter.take(Some(now));
            let next_at = limits.limiter.due();
            limits.is_timed = next_at.is_some();
            (counts, next_at)
        };
        counts.into_iter().for_each(|count| count.tell(now));
        let Some(next_at) = next_at else { return };
        tokio::time::sleep(next_at.saturating_sub(now)).await;
    }
}

/// The limits of the log. The program has one log.
static LIMITS: Limits =
    Limits { began: OnceLock::new(), state: Mutex::new(StrangerState { limiter: Limiter::new(), is_timed: false }) };

struct Limits {
    began: OnceLock<Instant>,
    state: Mutex<StrangerState>,
}

struct StrangerState {
    limiter: Limiter,
    /// Whether a task waits to write counts.
    is_timed: bool,
}

impl Limits {
    fn now(&self) -> Duration {
        self.began.get_or_init(Instant::now).elapsed()
    }
}

/// How many lines of a kind are written at once, and the time after which each further line is allowed.
const BURST: u32 = 20;
const GAP: Duration = Duration::from_secs(1);
/// How long lines are counted before the count is written.
const WINDOW: Duration = Duration::from_secs(10);
const KINDS: [Kind; 10] = [
    Kind::Connected,
    Kind::Closed,
    Kind::Ended,
    Kind::Unserved,
    Kind::System,
    Kind::RefusedByAccess,
    Kind::RefusedByTotal,
    Kind::RefusedByClient,
    Kind::Probe,
    Kind::Unruled,
];

impl Kind {
    /// Returns how many lines are written at once, and the time after which each further line is allowed.
    const fn allowance(self) -> (u32, Duration) {
        match self {
            Self::RefusedByAccess | Self::RefusedByTotal | Self::RefusedByClient => (1, WINDOW),
            Self::Probe => (1, Duration::MAX),
            Self::Connected | Self::Closed | Self::Ended | Self::Unserved | Self::System | Self::Unruled => {
                (BURST, GAP)
            }
        }
    }

    /// Returns whether a count is written while the program runs.
    const fn is_timed(self) -> bool {
        !matches!(self, Self::Probe)
    }
}

/// Decides which lines are written, and counts the others. Time is an argument.
#[derive(Debug)]
struct Limiter([Lines; KINDS.len()]);

/// The state of one kind.
#[derive(Clone, Copy, Debug)]
struct Lines {
    /// When the whole burst is available again.
    paid_at: Duration,
    left_out: u64,
    /// When the first of the lines that are left out was left out.
    since: Duration,
}

/// How many lines of a kind were left out, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Count {
    kind: Kind,
    left_out: u64,
    since: Duration,
}

impl Limiter {
    const fn new() -> Self {
        Self([Lines { paid_at: Duration::ZERO, left_out: 0, since: Duration::ZERO }; KINDS.len()])
    }

    /// Returns whether a line is written. Otherwise the line is counted.
    fn admits(&mut self, kind: Kind, now: Duration) -> bool {
        let (burst, gap) = kind.allowance();
        let lines = &mut self.0[kind as usize];
        let is_written = lines.paid_at.saturating_sub(now) <= gap * (burst - 1);
        if is_written {
            lines.paid_at = now.max(lines.paid_at).saturating_add(gap);
        } else {
            if lines.left_out == 0 {
                lines.since = now;
            }
            lines.left_out += 1;
        }
        is_written
    }

    /// Returns when the next count must be written.
    fn due(&self) -> Option<Duration> {
        let counted = KINDS.iter().zip(&self.0).filter(|(kind, lines)| lines.left_out > 0 && kind.is_timed());
        counted.map(|(_, lines)| lines.since.saturating_add(WINDOW)).min()
    }

    /// Takes the counts that are due at `until`, or all counts if it is `None`. Counting starts again from 0.
    fn take(&mut self, until: Option<Duration>) -> Vec<Count> {
        let is_due = |kind: Kind, since: Duration| {
            until.is_none_or(|now| kind.is_timed() && since.saturating_add(WINDOW) <= now)
        };
        let counted =
            KINDS.iter().zip(&mut self.0).filter(|(kind, lines)| lines.left_out > 0 && is_due(**kind, lines.since));
        counted
            .map(|(&kind, lines)| Count { kind, left_out: std::mem::take(&mut lines.left_out), since: lines.since })
            .collect()
    }
}

impl Count {
    fn tell(self, now: Duration) {
        let text = self.text(now);
        match self.kind {
            Kind::Connected | Kind::Closed | Kind::Probe => tracing::info!("{text}"),
            Kind::Ended
            | Kind::System
            | Kind::Unruled
            | Kind::RefusedByAccess
            | Kind::RefusedByTotal
            | Kind::RefusedByClient => {
                tracing::warn!("{text}")
            }
            Kind::Unserved => tracing::error!("{text}"),
        }
    }

    fn text(self, now: Duration) -> String {
        let (more, seconds) = (self.left_out, now.saturating_sub(self.since).as_secs().max(1));
        let what = match self.kind {
            Kind::Connected => "connections were accepted",
            Kind::Closed => "connections closed without a message",
            Kind::Ended => "connections ended before a whole message",
            Kind::Unserved => "clients were turned away, because their host could not be reached",
            Kind::System => "lines about what the system refused",
            Kind::RefusedByAccess => "connections were refused, because their client may not connect",
            Kind::RefusedByTotal => "connections were refused, because limits.connections was reached",
            Kind::RefusedByClient => {
                "connections were refused, because their client had reached limits.connections-per-client"
            }
            Kind::Unruled => "messages got no reply from the rules",
            Kind::Probe => "connections closed before their first byte (such as health checks)",
        };
        format!("and {more} more {what} in the last {seconds}s; their lines are left out")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    /// Returns how many of `lines` lines are written at that time.
    fn written(limiter: &mut Limiter, kind: Kind, lines: u64, now: Duration) -> u64 {
        (0..lines).map(|_| u64::from(limiter.admits(kind, now))).sum()
    }

    #[test]
    fn a_burst_is_written_and_then_a_line_a_second_of_each_kind() {
        let mut limiter = Limiter::new();
        assert_eq!(written(&mut limiter, Kind::Ended, 1000, at(0)), 20);
        assert_eq!(written(&mut limiter, Kind::Connected, 7, at(0)), 7, "another kind has a limit of its own");
        assert_eq!(written(&mut limiter, Kind::Ended, 1000, at(999)), 0);
        assert_eq!(written(&mut limiter, Kind::Ended, 1000, at(1000)), 1);
        assert_eq!(written(&mut limiter, Kind::Ended, 1000, at(5500)), 4);
        assert_eq!(written(&mut limiter, Kind::Ended, 1000, at(3_600_000)), 20, "a quiet hour is no more than a burst");
    }

    #[test]
    fn of_refusals_the_first_is_written_and_the_others_are_counted_by_reason() {
        let mut limiter = Limiter::new();
        for reason in [Refusal::Access, Refusal::Total, Refusal::Client] {
            let kind = Kind::from(reason);
            assert_eq!(written(&mut limiter, kind, 1000, at(0)), 1, "{reason:?}");
            assert_eq!(written(&mut limiter, kind, 1000, at(9999)), 0, "{reason:?}");
        }
        let counts = limiter.take(None);
        assert_eq!(counts.iter().map(|count| count.left_out).collect::<Vec<_>>(), [1999; 3]);
        assert_eq!(
            counts[0].text(at(10_000)),
            "and 1999 more connections were refused, because their client may not connect in the last 10s; their lines are left out"
        );
        assert_eq!(written(&mut limiter, Kind::RefusedByTotal, 7, at(10_000)), 1, "after a while the first again");
    }

    #[test]
    fn what_is_left_out_is_counted_until_ten_seconds_are_over() {
        let mut limiter = Limiter::new();
        assert_eq!(limiter.due(), None);
        written(&mut limiter, Kind::Ended, 120, at(3000));
        written(&mut limiter, Kind::Closed, 25, at(5000));
        assert_eq!(limiter.due(), Some(at(13_000)));
        assert_eq!(limiter.take(Some(at(12_999))), []);
        let count = Count { kind: Kind::Ended, left_out: 100, since: at(3000) };
        assert_eq!(limiter.take(Some(at(13_000))), [count]);
        assert_eq!(
            count.text(at(13_000)),
            "and 100 more connections ended before a whole message in the last 10s; their lines are left out"
        );
        assert_eq!(limiter.due(), Some(at(15_000)));
        assert_eq!(limiter.take(None), [Count { kind: Kind::Closed, left_out: 5, since: at(5000) }], "at the end");
        assert_eq!((limiter.take(None), limiter.due()), (vec![], None));
    }

    #[test]
    fn one_line_is_written_of_probes_and_their_count_at_the_end() {
        let mut limiter = Limiter::new();
        let written: u64 = (0..1000).map(|second| written(&mut limiter, Kind::Probe, 1, at(second * 2000))).sum();
        assert_eq!((written, limiter.due(), limiter.take(Some(at(2_000_000)))), (1, None, vec![]));
        assert_eq!(limiter.take(None), [Count { kind: Kind::Probe, left_out: 999, since: at(2000) }]);
    }

    /// With lines at random times, each line is written or counted, and few are written.
    #[test]
    fn no_line_is_lost_and_the_log_has_a_bound() {
        let (mut limiter, mut now, mut came, mut told) = (Limiter::new(), at(0), 0, 0);
        let (mut seed, mut lines) = (12_345_u64, 0);
        while now < at(600_000) {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let kind = KINDS[usize::try_from(seed >> 33).unwrap() % KINDS.len()];
            let burst = (seed >> 40) % 200;
            came += burst;
            let fresh = written(&mut limiter, kind, burst, now);
            let counts = limiter.take(Some(now));
            lines += fresh + counts.len() as u64;
            told += fresh + counts.iter().map(|count| count.left_out).sum::<u64>();
            now += at((seed >> 50) % 500);
        }
        told += limiter.take(None).iter().map(|count| count.left_out).sum::<u64>();
        assert_eq!(told, came);
        // For each kind a burst, a line a second, and a count in ten seconds.
        assert!(lines <= KINDS.len() as u64 * (20 + 600 + 60) && came > 50 * lines, "{lines} of {came}");
    }
}
