//! A call on a connection that has one at a time.

use std::time::Duration;

use super::{CallErrorOf, CauseOf, Endpoint, Parts, Step};
use crate::Message;
use crate::drive::{Call, Clock as _};
use crate::error::Cause;
use crate::session::Sent;

/// A request that is under way. All of it, to its reply, happens within one deadline.
///
/// Dropped before it has answered it leaves the exchange open: the connection is of no more use then, for the reply may still come.
pub(crate) struct PendingCall<P> {
    call: Call<P>,
    within: Duration,
    deadline: Duration,
}

impl<P: AsRef<[u8]>> PendingCall<P> {
    /// Begins a call; with `half_close` our side ends behind the request.
    #[inline]
    pub(crate) fn begin<E: Endpoint>(
        endpoint: &mut E,
        request: P,
        within: Duration,
        half_close: bool,
    ) -> Result<Self, CallErrorOf<E::Codec>> {
        if endpoint.is_calling() {
            return Err(endpoint.call_error(Sent::Not, Cause::UnderWay));
        }
        let Parts { sending, exchange, .. } = endpoint.parts();
        match Call::begin(exchange, sending, request, half_close) {
            Ok(call) => Ok(Self { call, within, deadline: endpoint.clock().now().saturating_add(within) }),
            Err(cause) => Err(endpoint.call_error(Sent::Not, cause)),
        }
    }

    /// When its time is over.
    pub(crate) const fn deadline(&self) -> Duration {
        self.deadline
    }

    /// Goes as far as the socket lets it. An error has ended the connection. What has come counts, so the clock is looked at after this: see
    /// [`time_out`](Self::time_out).
    #[inline]
    pub(crate) fn advance<E: Endpoint>(
        &mut self,
        endpoint: &mut E,
        wait: E::Wait<'_>,
    ) -> Step<Message, CallErrorOf<E::Codec>> {
        let advanced = endpoint.open(wait).and_then(|mut open| self.call.advance(&mut open));
        let advanced = advanced.map_err(|cause| self.fail(endpoint, cause))?;
        if advanced.is_ok() {
            endpoint.parts().exchange.settle();
        }
        Ok(advanced)
    }

    /// Ends the connection, because the time is over.
    pub(crate) fn time_out<E: Endpoint>(&self, endpoint: &mut E) -> CallErrorOf<E::Codec> {
        let cause = endpoint.timed_out(self.within);
        self.fail(endpoint, cause)
    }

    fn fail<E: Endpoint>(&self, endpoint: &mut E, cause: CauseOf<E::Codec>) -> CallErrorOf<E::Codec> {
        let sent = self.call.sent(endpoint.sending(), &cause);
        endpoint.abandon();
        endpoint.call_error(sent, cause)
    }
}
