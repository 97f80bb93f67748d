//! A call in flight.

use std::sync::atomic::Ordering;
use std::time::Duration;

use framelink_codec::{Decode, Encode};

use super::mux::{Mux, SendSide};
use super::{CauseOf, Outcome};
use crate::session::{CallId, LateReply, Message, Sent, Ticket};

/// How long an overdue call still accepts a reply that has arrived. A program that was suspended finds the deadline
/// passed and the reply present when it resumes. A call may end this much later than asked.
pub(crate) const GRACE: Duration = Duration::from_millis(10);

/// A call whose request was accepted.
pub(crate) struct Begun<A> {
    pub(crate) call: CallId,
    pub(crate) ticket: Ticket,
    pub(crate) answer: A,
}

/// A call in flight. If it is dropped before its end, the call is cancelled.
pub(crate) struct PendingCall<'m, C: Decode + Encode, S: SendSide<C>> {
    mux: &'m Mux<C, S::Slot, S>,
    pub(crate) begun: Begun<S::Answer>,
    is_over: bool,
}

impl<'m, C: Decode + Encode, S: SendSide<C>> PendingCall<'m, C, S> {
    pub(crate) fn new(mux: &'m Mux<C, S::Slot, S>, begun: Begun<S::Answer>) -> Self {
        mux.pending.fetch_add(1, Ordering::Relaxed);
        Self { mux, begun, is_over: false }
    }

    /// Returns the reply, or why there is none and what the peer may have seen of the request. `None` for `answered`
    /// means that the time limit `within` is over.
    pub(crate) fn end(mut self, answered: Option<Outcome<C>>, within: Duration) -> Result<Message, (Sent, CauseOf<C>)> {
        self.is_over = true;
        let Begun { call, ticket, answer } = &mut self.begun;
        let outcome = match answered {
            Some(outcome) => outcome,
            None => match self.mux.give_up(*call, *ticket, Some(within)) {
                Some(failed) => return Err(failed),
                None => self.mux.last_outcome(answer, *ticket, within),
            },
        };
        outcome.map(LateReply::into_message).map_err(|cause| (self.mux.sent(*ticket, &cause), cause))
    }

    /// Ends the call if sending has failed before the first byte of its request. Then nothing needs to be waited for.
    pub(crate) fn check_sent(&mut self) -> Result<(), (Sent, CauseOf<C>)> {
        let Begun { call, ticket, .. } = self.begun;
        if ticket.sent(self.mux.send.written()) != Sent::Not {
            return Ok(());
        }
        let Some(cause) = self.mux.failed() else { return Ok(()) };
        self.is_over = self.mux.forget(call);
        if self.is_over { Err((Sent::Not, cause)) } else { Ok(()) }
    }
}

impl<C: Decode + Encode, S: SendSide<C>> Drop for PendingCall<'_, C, S> {
    fn drop(&mut self) {
        self.mux.pending.fetch_sub(1, Ordering::Relaxed);
        let Begun { call, ticket, answer } = &mut self.begun;
        if !self.is_over && self.mux.give_up(*call, *ticket, None).is_none() {
            self.mux.reclaim(answer);
        }
    }
}
