//! The progress bar, on stderr if that is a terminal.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::cell::Cell;
use std::io::IsTerminal;

use super::phases::Live;
use super::schedule::Workload;

pub(super) struct Progress {
    /// `None` if stderr is not a terminal.
    bar: Option<ProgressBar>,
    /// The time and the replies of the last tick, from which the live rate is worked out.
    last: Cell<(Duration, u64)>,
}

impl Progress {
    pub(super) fn start() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(Some(1000), ProgressDrawTarget::stderr());
            bar.set_style(style());
            bar
        });
        Self { bar, last: Cell::default() }
    }

    /// Says what the next run is.
    pub(super) fn begin(&self, what: &str) {
        self.last.set((Duration::ZERO, 0));
        if let Some(bar) = &self.bar {
            bar.set_position(0);
            bar.set_prefix(what.to_owned());
        }
    }

    pub(super) fn on_connected(&self, connected: u64, of: u64) {
        // One in so many: drawing takes longer than connecting.
        if let Some(bar) = self.bar.as_ref().filter(|_| connected == of || connected.is_multiple_of(64)) {
            bar.set_message(format!("connecting, {connected} of {of}"));
        }
    }

    pub(super) fn on_tick(&self, lives: &[Arc<Live>], now: Duration, load: &Workload) {
        let Some(bar) = &self.bar else { return };
        let sum = |count: fn(&Live) -> u64| lives.iter().map(|live| count(live)).sum::<u64>();
        let replied = sum(|live| live.replied.load(Ordering::Relaxed));
        let failed = sum(|live| live.failed.load(Ordering::Relaxed));
        let (then, before) = self.last.replace((now, replied));
        bar.set_position(permille(now, replied, load));
        bar.set_message(line(now.saturating_sub(then), replied.saturating_sub(before), replied, failed));
    }

    /// Removes the bar from the screen.
    pub(super) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn style() -> ProgressStyle {
    let style = ProgressStyle::with_template("{prefix} {bar:20} {msg}");
    style.unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Returns how much of a run is done, in thousandths.
fn permille(now: Duration, replied: u64, load: &Workload) -> u64 {
    let of_time = now.as_millis() * 1000 / load.until.as_millis().max(1);
    let of_count = u128::from(replied) * 1000 / u128::from(load.count.max(1));
    u64::try_from(of_time.max(of_count).min(1000)).unwrap_or(1000)
}

fn line(within: Duration, replied: u64, all: u64, failed: u64) -> String {
    let rate = u128::from(replied) * 1000 / within.as_millis().max(1);
    match failed {
        0 => format!("{rate} messages/s, {all} replies"),
        failed => format!("{rate} messages/s, {all} replies, {failed} failed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_follows_time_or_count_whichever_is_further() {
        let load =
            |count, secs| Workload { rate: None, count, warm_up: Duration::ZERO, until: Duration::from_secs(secs) };
        let second = Duration::from_secs(1);
        assert_eq!(permille(second, 0, &load(u64::MAX, 10)), 100);
        assert_eq!(permille(second, 50, &load(100, 10)), 500);
        assert_eq!(permille(second * 20, 50, &load(100, 10)), 1000);
        assert_eq!(
            permille(second, 50, &Workload { rate: None, count: 100, warm_up: Duration::ZERO, until: Duration::MAX }),
            500
        );
    }

    #[test]
    fn the_line_has_the_live_rate() {
        let within = Duration::from_millis(200);
        assert_eq!(line(within, 1000, 5000, 0), "5000 messages/s, 5000 replies");
        assert_eq!(line(within, 0, 5000, 2), "0 messages/s, 5000 replies, 2 failed");
    }
}
