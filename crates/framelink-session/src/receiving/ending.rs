//! What ends a connection besides its peer.

use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use framelink_codec::Decode;

use super::Receiving;
use crate::lifetime::{Ending, Notice, Stage, Standing, Tenure};

impl<D: Decode> Receiving<D> {
    pub(crate) fn set_tenure(&mut self, tenure: Tenure) {
        self.tenure = Some(Box::new(tenure));
    }

    /// Whether anything ends the connection but its peer.
    #[must_use]
    pub const fn has_tenure(&self) -> bool {
        self.tenure.is_some()
    }

    /// Whether the connection is to end, though its peer has not ended it. To be asked where no whole message is there, and again when
    /// a read found nothing more: `is_dry` says that it did.
    pub fn ending(&mut self, now: Duration, is_dry: bool) -> Option<Ending> {
        let (is_inside_message, frames) = (self.is_inside_message(), self.frames);
        self.tenure.as_mut()?.ending(Standing { now, is_dry, is_inside_message, frames })
    }

    /// When that has to be asked though nothing comes.
    #[must_use]
    pub fn ends_at(&self, now: Duration) -> Option<Duration> {
        self.tenure.as_ref()?.ends_at(now, self.is_inside_message())
    }

    /// Whether the connection is to end at its next quiet moment.
    #[must_use]
    pub fn is_draining(&self, now: Duration) -> bool {
        self.tenure.as_ref().is_some_and(|tenure| tenure.is_draining(now))
    }

    /// Whether nobody has told it to end.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.tenure.as_ref().and_then(|tenure| tenure.notice()).is_none_or(|notice| notice.stage() == Stage::Open)
    }

    /// Whether it was told to end at once, whatever is in flight.
    #[must_use]
    pub fn told(&self) -> Option<Ending> {
        self.tenure.as_ref()?.told()
    }

    /// What tells it to end.
    pub fn notice(&self) -> Option<&Arc<Notice>> {
        self.tenure.as_ref()?.notice()
    }

    /// Whom to wake when it is told to end.
    pub fn wake_when_told(&self, waker: &Waker) {
        if let Some(notice) = self.tenure.as_ref().and_then(|tenure| tenure.notice()) {
            notice.wake_receiver(waker);
        }
    }
}
