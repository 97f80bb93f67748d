//! The report of a run, as text and as JSON.

use std::time::Duration;

use serde::Serialize;

use super::failures::Kind;
use super::plan::Plan;
use super::run::Outcome;
use super::tally::{INTERVAL, Tally};
use crate::output::Count;
use crate::output::bytes_text::Line;

/// The percentiles of a report.
pub(super) const PERCENTILES: [(&str, f64); 6] =
    [("p50", 50.0), ("p90", 90.0), ("p99", 99.0), ("p99.9", 99.9), ("p99.99", 99.99), ("max", 100.0)];
/// The plotted curve has this many points for each halving of the distance to 100 %.
const POINTS_A_HALVING: u32 = 4;

/// What a run has measured. The field names are those of the JSON report.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Report {
    pub(super) name: String,
    pub(super) connection: &'static str,
    pub(super) connections: usize,
    pub(super) depth: usize,
    #[serde(rename = "loop")]
    pub(super) of_loop: &'static str,
    pub(super) asked_rate: Option<u64>,
    pub(super) connected: u64,
    pub(super) connecting_ms: f64,
    pub(super) elapsed_s: f64,
    pub(super) sent: u64,
    pub(super) replied: u64,
    pub(super) failed: u64,
    pub(super) unsent: u64,
    pub(super) reconnects: u64,
    pub(super) failures: Vec<FailureKind>,
    pub(super) rate: f64,
    pub(super) sent_bytes: u64,
    pub(super) received_bytes: u64,
    /// `None` without a reply.
    pub(super) latency_us: Option<Latency>,
    pub(super) cpu: Cpu,
    pub(super) interrupted: bool,
    /// What may be wrong if no reply arrived. People read it, not programs.
    #[serde(skip)]
    pub(super) hint: Option<String>,
    /// For plots: percent of the replies, and the latency in microseconds that they do not exceed.
    pub(super) percentiles: Vec<(f64, f64)>,
    /// For plots: seconds since the start, and messages a second.
    pub(super) rates: Vec<(f64, f64)>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct FailureKind {
    pub(super) kind: &'static str,
    pub(super) count: u64,
    pub(super) first: String,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Latency {
    pub(super) min: f64,
    pub(super) mean: f64,
    pub(super) p50: f64,
    pub(super) p90: f64,
    pub(super) p99: f64,
    #[serde(rename = "p99.9")]
    pub(super) p99_9: f64,
    #[serde(rename = "p99.99")]
    pub(super) p99_99: f64,
    pub(super) max: f64,
}

/// CPU time; each is `None` if it is not available.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Cpu {
    pub(super) load_us_per_message: Option<f64>,
    pub(super) load_cores: Option<f64>,
    pub(super) server_pid: Option<u64>,
    pub(super) server_us_per_message: Option<f64>,
    pub(super) server_cores: Option<f64>,
    /// The threads of the load were busy nearly all the time: a faster server would not show.
    pub(super) load_was_busy: bool,
}

impl Report {
    pub(super) fn of(plan: &Plan, outcome: &Outcome) -> Self {
        let tally = &outcome.tally;
        let elapsed = outcome.took.as_secs_f64();
        let kinds = tally.failures.iter();
        Self {
            name: plan.name.clone(),
            connection: plan.kind.name(),
            connections: plan.connections,
            depth: plan.depth,
            of_loop: if plan.workload.rate.is_some() { "open" } else { "closed" },
            asked_rate: plan.workload.rate,
            connected: outcome.connected,
            connecting_ms: rounded(outcome.connecting_took.as_secs_f64() * 1e3),
            elapsed_s: rounded(elapsed),
            sent: tally.sent,
            replied: tally.replied,
            failed: tally.sent.saturating_sub(tally.replied),
            unsent: if outcome.is_interrupted { 0 } else { tally.unsent },
            reconnects: tally.reconnects,
            failures: kinds
                .map(|(kind, failed)| FailureKind {
                    kind: kind.name(),
                    count: failed.count,
                    first: failed.first.clone(),
                })
                .collect(),
            rate: if elapsed > 0.0 { rounded(as_f64(tally.replied) / elapsed) } else { 0.0 },
            sent_bytes: tally.sent_bytes,
            received_bytes: tally.received_bytes,
            latency_us: (tally.replied > 0).then(|| Latency::of(tally)),
            cpu: Cpu::of(plan, outcome),
            interrupted: outcome.is_interrupted,
            hint: hint(plan, tally),
            percentiles: curve(tally),
            rates: rates(tally),
        }
    }

    /// Returns whether the run was asked for this rate.
    pub(super) fn is_at(&self, rate: Option<u64>) -> bool {
        self.asked_rate == rate
    }

    /// Returns what is to be said at the end if not every message had the right reply.
    pub(super) fn fault(&self) -> Option<String> {
        let others: u64 = self.failures.iter().map(|failure| failure.count).sum();
        match (self.failed, others) {
            (0, 0) if self.unsent > 0 => {
                Some(format!("{} messages were due and could not be sent before the end", self.unsent))
            }
            (0, 0) => None,
            (0, others) => {
                let unsent = if self.unsent > 0 {
                    format!(", and {} messages were not sent", self.unsent)
                } else {
                    String::new()
                };
                Some(format!(
                    "every message that was sent has its reply, but there were {} beside{unsent}",
                    Count(others, "failure")
                ))
            }
            (failed, _) => Some(format!("{failed} of {} messages failed", self.sent)),
        }
    }
}

impl Latency {
    fn of(tally: &Tally) -> Self {
        let at = |percent| micros(tally.percentile(percent));
        Self {
            min: micros(Duration::from_nanos(tally.latency.min())),
            mean: rounded(tally.latency.mean() / 1000.0),
            p50: at(50.0),
            p90: at(90.0),
            p99: at(99.0),
            p99_9: at(99.9),
            p99_99: at(99.99),
            max: at(100.0),
        }
    }
}

impl Cpu {
    fn of(plan: &Plan, outcome: &Outcome) -> Self {
        let wall = outcome.cpu_took.as_secs_f64();
        let per_message = |time: Option<Duration>| {
            let time = time.filter(|_| outcome.tally.replied > 0)?;
            Some(rounded(time.as_secs_f64() * 1e6 / as_f64(outcome.tally.replied)))
        };
        let cores = |time: Option<Duration>| time.filter(|_| wall > 0.0).map(|time| time.as_secs_f64() / wall);
        let threads = as_f64(plan.threads as u64);
        Self {
            load_us_per_message: per_message(outcome.cpu.ours),
            load_cores: cores(outcome.cpu.ours).map(rounded),
            server_pid: plan.pid,
            server_us_per_message: per_message(outcome.cpu.theirs),
            server_cores: cores(outcome.cpu.theirs).map(rounded),
            // Of a run that is too short, nothing can be said.
            load_was_busy: wall >= 0.5 && cores(outcome.cpu.ours).is_some_and(|cores| cores > 0.95 * threads),
        }
    }
}

/// Returns what may be wrong if connections were made and no message had a reply: a server whose framing is another one
/// closes them, or waits for the rest of a message.
fn hint(plan: &Plan, tally: &Tally) -> Option<String> {
    let is_typical = |(kind, _)| matches!(kind, Kind::NoReply | Kind::Closed | Kind::Lost | Kind::Malformed);
    if tally.sent == 0 || tally.replied > 0 || !tally.failures.iter().any(is_typical) {
        return None;
    }
    let (requests, replies) = (plan.framing.send, plan.framing.receive);
    let framings = if requests == replies { requests.to_string() } else { format!("{requests}, or replies {replies}") };
    let address = plan.addresses.first().map(String::as_str).unwrap_or_default();
    Some(format!(
        "no reply arrived; the server may not frame messages as {framings}. `framelink send {} --framing {requests}` \
         shows how it answers one message, and `framelink inspect --framing {replies} FILE` names framings that fit \
         recorded bytes",
        Line(address.as_bytes()),
    ))
}

/// A run of a search.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Trial {
    /// The latency that the search is about; `None` without a reply.
    pub(super) searched_latency_us: Option<f64>,
    pub(super) holds: bool,
    #[serde(flatten)]
    pub(super) report: Report,
}

impl Trial {
    pub(super) fn of(plan: &Plan, outcome: &Outcome, percentile: f64, holds: bool) -> Self {
        let tally = &outcome.tally;
        let latency = (tally.replied > 0).then(|| micros(tally.percentile(percentile)));
        Self { searched_latency_us: latency, holds, report: Report::of(plan, outcome) }
    }
}

/// Returns the curve of percentiles: the points lie closer the nearer they are to 100 %.
fn curve(tally: &Tally) -> Vec<(f64, f64)> {
    if tally.replied == 0 {
        return Vec::new();
    }
    let mut points = vec![(0.0, micros(Duration::from_nanos(tally.latency.min())))];
    // Beyond one message of all, every percentile is the longest latency.
    let is_told = |percent: &f64| (100.0 - percent) / 100.0 * as_f64(tally.replied) >= 1.0;
    let step = |point: u32| 100.0 * (1.0 - 0.5_f64.powf(f64::from(point) / f64::from(POINTS_A_HALVING)));
    let named = PERCENTILES.into_iter().map(|(_, percent)| percent);
    let mut percents: Vec<f64> = (1..)
        .map(step)
        .take_while(is_told)
        .chain(named.filter(|percent| *percent >= 100.0 || is_told(percent)))
        .collect();
    percents.sort_by(f64::total_cmp);
    points.extend(percents.into_iter().map(|percent| (percent, micros(tally.percentile(percent)))));
    points
}

/// Returns the rate over time, in at most about 200 steps. The last step is left out unless it is the only one: it is not whole.
fn rates(tally: &Tally) -> Vec<(f64, f64)> {
    let step = tally.intervals.len().div_ceil(200).max(1);
    let steps = tally.intervals.chunks(step);
    let whole = steps.len().saturating_sub(1).max(1);
    let secs = INTERVAL.as_secs_f64() * as_f64(step as u64);
    let rate = |(number, replies): (usize, &[u64])| {
        (rounded(as_f64(number as u64) * secs), rounded(as_f64(replies.iter().sum()) / secs))
    };
    steps.take(whole).enumerate().map(rate).collect()
}

fn micros(time: Duration) -> f64 {
    rounded(time.as_secs_f64() * 1e6)
}

/// To three decimals: more say nothing.
fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

#[expect(clippy::cast_precision_loss, reason = "numbers for people have fewer digits")]
pub(super) const fn as_f64(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tally of so many replies, which took 1 ms, 2 ms and so on.
    fn tally(replies: u64) -> Tally {
        let mut tally = Tally::new(Duration::ZERO);
        for millis in 1..=replies {
            tally.on_reply(Duration::ZERO, Duration::from_millis(millis), 1);
            tally.on_replies_at(1, Duration::from_millis(millis));
        }
        tally
    }

    #[test]
    fn the_curve_rises_to_the_longest_latency_and_says_no_more_than_is_known() {
        let curve = curve(&tally(1000));
        assert!(curve.is_sorted(), "{curve:?}");
        let (percent, micros) = *curve.last().unwrap();
        assert!((percent - 100.0).abs() < 1e-9 && (micros - 1e6).abs() < 2e3, "{curve:?}");
        let last = curve[curve.len() - 2].0;
        assert!((99.8..=99.9).contains(&last), "{curve:?}");
        assert_eq!(super::curve(&tally(0)), []);
    }

    #[test]
    fn rates_are_those_of_whole_intervals() {
        let mut tally = tally(0);
        tally.intervals = vec![100, 200, 7];
        assert_eq!(rates(&tally), [(0.0, 1000.0), (0.1, 2000.0)]);
        tally.intervals = vec![3];
        assert_eq!(rates(&tally), [(0.0, 30.0)]);
        tally.intervals = vec![1; 36_000];
        let rates = rates(&tally);
        assert!(rates.len() <= 200 && rates.iter().all(|(_, rate)| (rate - 10.0).abs() < 1e-9), "{rates:?}");
    }
}
