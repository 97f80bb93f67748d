//! A connection in use: its session, its socket, and its clock.

use std::io;
use std::time::Duration;

use framelink_codec::{Decode, Encode};

use super::{AT_ONCE, Clock, Input, Port, Progress, flush};
use crate::error::Cause;
use crate::session::{Receiving, Sending};

/// Both directions of a connection in use.
pub(crate) struct Open<'o, D: Decode, E: Encode, P, K> {
    pub(crate) receiving: &'o mut Receiving<D>,
    pub(crate) sending: &'o mut Sending<E>,
    pub(crate) port: P,
    pub(crate) clock: &'o K,
}

/// The receiving direction of a connection in use.
pub(crate) struct Inbound<'i, D: Decode, I, K> {
    pub(crate) receiving: &'i mut Receiving<D>,
    pub(crate) input: &'i mut I,
    pub(crate) clock: &'i K,
    /// Whether a blocking read may wait. If not, it reads only what is available, because something else is waited for.
    pub(crate) may_wait: bool,
}

impl<D: Decode, E: Encode, P: Port, K: Clock> Open<'_, D, E, P, K> {
    #[inline]
    pub(crate) fn inbound(&mut self, may_wait: bool) -> Inbound<'_, D, impl Input, K> {
        Inbound { receiving: self.receiving, input: self.port.input(), clock: self.clock, may_wait }
    }

    #[inline]
    pub(super) fn flush(&mut self) -> Result<Progress, Cause<D::Error, E::Error>> {
        flush(self.sending, self.port.output(), self.clock)
    }
}

impl<D: Decode, I: Input, K: Clock> Inbound<'_, D, I, K> {
    /// Returns whether a read waits.
    #[inline]
    pub(super) fn waits(&self) -> bool {
        self.may_wait && self.input.waits()
    }

    #[inline]
    pub(super) fn read(&mut self, until: Option<Duration>) -> io::Result<usize> {
        // With a deadline that has passed, a blocking read does not wait; other drivers wake the task later.
        self.input.read(self.receiving.space(), if self.may_wait { until } else { AT_ONCE })
    }
}
