//! Waiting until a time, to the microsecond where the system can.
//!
//! The runtime's timers have a resolution of a millisecond. In an open loop that would delay messages, and the delay would
//! count as latency of the server. On Linux a timer of the system that wakes the task to the microsecond takes their place.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use tokio::time::{Sleep, sleep};

/// A timer that is set again and again.
pub(super) struct Timer {
    set_to: Option<Instant>,
    sleep: Pin<Box<Sleep>>,
    /// `None` until it is polled first: connections need descriptors more.
    #[cfg(target_os = "linux")]
    precise: Option<precise::Precise>,
    #[cfg(target_os = "linux")]
    is_precise: bool,
}

impl Timer {
    /// With `precise`, it is as precise as the system can.
    pub(super) fn new(precise: bool) -> Self {
        #[cfg(not(target_os = "linux"))]
        let _ = precise;
        Self {
            set_to: None,
            sleep: Box::pin(sleep(Duration::ZERO)),
            #[cfg(target_os = "linux")]
            precise: None,
            #[cfg(target_os = "linux")]
            is_precise: precise,
        }
    }

    /// Is ready at this time. Setting it to a time at which it is set already costs nothing.
    pub(super) fn poll(&mut self, context: &mut Context<'_>, at: Instant) -> Poll<()> {
        let is_new = self.set_to != Some(at);
        self.set_to = Some(at);
        ready!(self.poll_set(context, is_new, at));
        self.set_to = None;
        Poll::Ready(())
    }

    #[cfg(target_os = "linux")]
    fn poll_set(&mut self, context: &mut Context<'_>, is_new: bool, at: Instant) -> Poll<()> {
        if self.is_precise && self.precise.is_none() {
            self.precise = precise::Precise::new().ok();
        }
        let polled = self.precise.as_ref().map(|precise| {
            let is_set = if is_new { precise.set(at) } else { Ok(()) };
            is_set.and_then(|()| precise.poll(context))
        });
        match polled {
            Some(Ok(poll)) => poll,
            // If the system has no descriptor left, the runtime's timer has to do.
            None | Some(Err(_)) => {
                let was_precise = std::mem::replace(&mut self.is_precise, false);
                self.precise = None;
                self.poll_sleep(context, is_new || was_precise, at)
            }
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn poll_set(&mut self, context: &mut Context<'_>, is_new: bool, at: Instant) -> Poll<()> {
        self.poll_sleep(context, is_new, at)
    }

    fn poll_sleep(&mut self, context: &mut Context<'_>, is_new: bool, at: Instant) -> Poll<()> {
        if is_new {
            self.sleep.as_mut().reset(at.into());
        }
        self.sleep.as_mut().poll(context)
    }

    /// Waits until this time.
    pub(super) async fn until(&mut self, at: Instant) {
        std::future::poll_fn(|context| self.poll(context, at)).await;
    }
}

#[cfg(target_os = "linux")]
mod precise {
    use std::io;
    use std::os::fd::OwnedFd;
    use std::task::{Context, Poll};
    use std::time::{Duration, Instant};

    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
    };
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    /// A timer of the system.
    pub(super) struct Precise(AsyncFd<OwnedFd>);

    impl Precise {
        pub(super) fn new() -> io::Result<Self> {
            let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
            // What is unsound are descriptors that can change or be closed meanwhile, which an `OwnedFd` cannot. The newer function is
            // `unsafe`, and older runtimes do not have it.
            #[allow(deprecated, reason = "an OwnedFd is sound here, and its replacement is unsafe")]
            AsyncFd::with_interest(timer, Interest::READABLE).map(Self)
        }

        pub(super) fn set(&self, at: Instant) -> io::Result<()> {
            // Zero would stop it.
            let left = at.saturating_duration_since(Instant::now()).max(Duration::from_nanos(1));
            let it_value = Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: left.subsec_nanos().into(),
            };
            let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value };
            timerfd_settime(self.0.get_ref(), TimerfdTimerFlags::empty(), &once)?;
            Ok(())
        }

        pub(super) fn poll(&self, context: &mut Context<'_>) -> io::Result<Poll<()>> {
            loop {
                let Poll::Ready(guard) = self.0.poll_read_ready(context) else { return Ok(Poll::Pending) };
                let read = guard?.try_io(|timer| Ok(rustix::io::read(timer.get_ref(), &mut [0; 8])?));
                match read {
                    Ok(read) => return read.map(|_| Poll::Ready(())),
                    Err(_would_block) => {}
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_is_never_early_and_can_be_set_again() {
        for precise in [false, true] {
            let mut timer = Timer::new(precise);
            for _ in 0..3 {
                let at = Instant::now() + Duration::from_micros(1500);
                // Set to a later time first, then to an earlier one.
                let later = at + Duration::from_secs(3600);
                let polled = std::future::poll_fn(|context| Poll::Ready(timer.poll(context, later))).await;
                assert!(polled.is_pending());
                timer.until(at).await;
                assert!(Instant::now() >= at);
            }
        }
    }
}
