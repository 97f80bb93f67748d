//! The rounds of a run: how long it lasts, and when a side is started again.

use std::env;
use std::time::{Duration, Instant};

/// Each run lasts so long, if the environment says nothing.
const SECONDS: u64 = 2;
const RESTARTS: u32 = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Round {
    /// All requests of this round are answered.
    Plain,
    /// A side is killed during the requests of this round, and started again. Restarts are counted from 0.
    Restart(u32),
}

/// The rounds of one run. Restarts are spread evenly. A plain round comes before and after each of them, and shows that
/// requests are answered again.
pub(crate) struct Rounds {
    began: Instant,
    length: Duration,
    restarts: u32,
    done: u32,
    plain_is_due: bool,
}

impl Rounds {
    /// Begins a run of `FRAMELINK_PEERS_SECONDS` with `FRAMELINK_PEERS_RESTARTS`.
    pub(crate) fn begin() -> Self {
        let length = Duration::from_secs(number("FRAMELINK_PEERS_SECONDS").unwrap_or(SECONDS));
        let restarts = number("FRAMELINK_PEERS_RESTARTS").unwrap_or(RESTARTS);
        Self { began: Instant::now(), length, restarts, done: 0, plain_is_due: true }
    }
}

impl Iterator for Rounds {
    type Item = Round;

    fn next(&mut self) -> Option<Round> {
        let due = self.length * (self.done + 1) / (self.restarts + 1);
        if std::mem::take(&mut self.plain_is_due) || self.began.elapsed() < due {
            return Some(Round::Plain);
        }
        if self.done == self.restarts {
            return None;
        }
        self.plain_is_due = true;
        self.done += 1;
        Some(Round::Restart(self.done - 1))
    }
}

fn number<N: std::str::FromStr>(variable: &str) -> Option<N> {
    let value = env::var(variable).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{variable} is {value}, expected a whole number")))
}
