//! A timer with a deadline that may change or be absent.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::time::{Instant, Sleep};

/// A timer that is kept between polls. Polling with an unchanged or a later deadline costs nothing: after the old
/// deadline the timer is set again.
#[derive(Debug)]
pub(super) struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    pub(super) const fn unset() -> Self {
        Self(None)
    }

    /// Like [`poll`](Self::poll), by the task that has polled the timer last.
    pub(super) fn poll_again(&mut self, context: &mut Context<'_>, at: Option<Instant>) -> Poll<()> {
        match (&self.0, at) {
            (Some(sleep), Some(at)) if sleep.deadline() <= at && !sleep.is_elapsed() => Poll::Pending,
            _ => self.poll(context, at),
        }
    }

    /// Returns `Ready` once `at` has passed. Never ready if `at` is `None`.
    pub(super) fn poll(&mut self, context: &mut Context<'_>, at: Option<Instant>) -> Poll<()> {
        let Some(at) = at else {
            self.0 = None;
            return Poll::Pending;
        };
        let sleep = self.0.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at)));
        if sleep.deadline() > at {
            sleep.as_mut().reset(at);
        }
        loop {
            ready!(sleep.as_mut().poll(context));
            if sleep.deadline() >= at {
                self.0 = None;
                return Poll::Ready(());
            }
            sleep.as_mut().reset(at);
        }
    }
}
