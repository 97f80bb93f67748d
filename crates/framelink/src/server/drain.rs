//! The drain: it begins with Ctrl-C, SIGTERM or SIGHUP, and ends with its deadline or a second signal.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::failure::Failure;

/// A time that no process reaches.
const NEVER: Duration = Duration::from_secs(100 * 365 * 86400);

/// Tells tasks that the program must end, and the deadline for messages in flight, which a second signal ends.
#[derive(Clone, Debug)]
pub(crate) struct Drain {
    deadline: watch::Receiver<Option<Deadline>>,
    within: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Deadline {
    half_over: Instant,
    at: Instant,
    forced: bool,
}

/// The stage of a drain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DrainStage {
    /// No drain: no signal has arrived.
    Open,
    /// No connection is accepted any more. Each connection ends at its next quiet moment.
    Draining,
    /// Half of the time is over: no connection takes new messages. The other half is for messages already taken.
    Closing,
}

impl Drain {
    /// Listens for Ctrl-C, SIGTERM and SIGHUP from now on.
    pub(crate) fn on_signals(within: Duration) -> Result<Self, Failure> {
        let mut signals =
            Signals::listen().map_err(|error| Failure::fault(format!("listening for signals: {error}")))?;
        let (sender, deadline) = watch::channel(None);
        tokio::spawn(async move {
            signals.next().await;
            tracing::info!("draining, for at most {within:?}");
            let now = Instant::now();
            // If the clock cannot represent the deadline, only a second signal ends the drain.
            let at = now.checked_add(within).unwrap_or_else(|| now + NEVER);
            let half_over = now + at.duration_since(now) / 2;
            let _ = sender.send(Some(Deadline { half_over, at, forced: false }));
            tokio::select! {
                () = signals.next_that_cuts() => {
                    tracing::warn!("second signal: cutting messages in flight");
                    let now = Instant::now();
                    let _ = sender.send(Some(Deadline { half_over: now, at: now, forced: true }));
                }
                () = sender.closed() => {}
            }
        });
        Ok(Self { deadline, within })
    }

    /// Returns a drain that never begins, for work that ends without one.
    pub(crate) fn never() -> Self {
        Self { deadline: watch::channel(None).1, within: NEVER }
    }

    /// Returns the time that messages in flight have.
    pub(crate) const fn within(&self) -> Duration {
        self.within
    }

    /// Returns the stage of the drain.
    pub(crate) fn stage(&self) -> DrainStage {
        match *self.deadline.borrow() {
            None => DrainStage::Open,
            Some(deadline) if Instant::now() < deadline.half_over => DrainStage::Draining,
            Some(_) => DrainStage::Closing,
        }
    }

    /// Returns whether a second signal cut the messages in flight. The command then fails.
    pub(crate) fn was_forced(&self) -> bool {
        self.deadline.borrow().is_some_and(|deadline| deadline.forced)
    }

    /// Waits until the drain begins.
    pub(crate) async fn begun(&mut self) {
        self.deadline().await;
    }

    /// Waits until half of the drain's time is over.
    pub(crate) async fn half_over(&mut self) {
        let deadline = self.deadline().await;
        tokio::time::sleep_until(deadline.half_over).await;
    }

    /// Waits until the drain's time is over.
    pub(crate) async fn over(&mut self) {
        loop {
            let deadline = self.deadline().await;
            tokio::select! {
                () = tokio::time::sleep_until(deadline.at) => return,
                Ok(()) = self.deadline.changed() => {}
            }
        }
    }

    /// Waits until a second signal cuts the messages in flight.
    pub(crate) async fn forced(&mut self) {
        if self.deadline.wait_for(|deadline| deadline.is_some_and(|deadline| deadline.forced)).await.is_err() {
            std::future::pending().await
        }
    }

    async fn deadline(&mut self) -> Deadline {
        match self.deadline.wait_for(Option::is_some).await.map(|deadline| *deadline) {
            Ok(Some(deadline)) => deadline,
            // The sender is gone, so no drain will ever begin.
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }
}

/// Waits for Ctrl-C, SIGTERM and SIGHUP.
#[cfg(unix)]
pub(crate) struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    /// `None` if the program was started with SIGHUP ignored, as `nohup` does: the signal stays ignored.
    hang_up: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Signals {
    pub(crate) fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let hang_up = if ignores_hang_up() { None } else { Some(signal(SignalKind::hangup())?) };
        let (interrupt, terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        Ok(Self { interrupt, terminate, hang_up })
    }

    pub(crate) async fn next(&mut self) {
        let Self { interrupt, terminate, hang_up } = self;
        let hung_up = async {
            match hang_up {
                Some(hang_up) => drop(hang_up.recv().await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            () = hung_up => {}
        }
    }

    /// Waits for Ctrl-C or SIGTERM. SIGHUP must not cut: a terminal that closes sends it twice, from the shell and from
    /// the kernel.
    pub(crate) async fn next_that_cuts(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Returns whether SIGHUP was ignored when the program started. Only Linux tells this without an `unsafe` call.
#[cfg(target_os = "linux")]
fn ignores_hang_up() -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| is_hang_up_in(&status))
}

#[cfg(all(unix, not(target_os = "linux")))]
const fn ignores_hang_up() -> bool {
    false
}

/// Reads the line `SigIgn:`, a hex number with a bit for each ignored signal. SIGHUP is the lowest bit.
#[cfg(target_os = "linux")]
fn is_hang_up_in(status: &str) -> bool {
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 != 0)
}

/// Waits for Ctrl-C.
#[cfg(not(unix))]
pub(crate) struct Signals;

#[cfg(not(unix))]
impl Signals {
    #[expect(clippy::unnecessary_wraps, reason = "the same signature as on Unix")]
    pub(crate) fn listen() -> std::io::Result<Self> {
        Ok(Self)
    }

    pub(crate) async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }

    pub(crate) async fn next_that_cuts(&mut self) {
        self.next().await;
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn an_ignored_hang_up_is_read_from_the_status_of_the_process() {
        for (status, is_ignored) in [
            ("Name:\tx\nSigIgn:\t0000000000000001\nSigCgt:\t0000000000000000\n", true),
            ("SigIgn:\t0000000000001001\n", true),
            ("SigIgn:\t0000000000001000\nSigCgt:\t0000000000000001\n", false),
            ("SigIgn:\tnonsense\n", false),
            ("", false),
        ] {
            assert_eq!(is_hang_up_in(status), is_ignored, "{status}");
        }
    }
}
