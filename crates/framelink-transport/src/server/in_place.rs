//! Serving a connection with a handler that does not wait, and writes each reply directly into the send queue.

use std::net::SocketAddr;
use std::time::Duration;

use framelink_codec::{Decode, Encode};

use super::answer::{Answer, HandlerResult};
use super::ending::{ServedConnection, ServedOutcome, end_served, open_served};
use super::served::ServedMachine;
use crate::connection::{CauseOf, ErrorOf, Open, Parts, Step};
use crate::drive::{self, AT_ONCE, Came, Clock, Input, Port, Progress, Turn, Wants};
use crate::error::{Cause, Error, HandlerError, Operation};
use crate::profile::Profile;
use crate::registry::Mailbox;
use crate::session::{MessagePlace, Reply};

/// The bytes of a reply that is not in the send queue. There is none, because handlers write into the queue.
type NoBytes = [u8; 0];

/// Serves a connection to its end.
///
/// ```text
///   write ─► ended? ─► read ─► a request ─► the handler ─► the next in the buffer ─► …
///     ▲                                                                             │
///     └─ no whole request is left in the buffer, or 64 KiB of replies wait ─────────┘
/// ```
pub(crate) async fn serve_in_place<S: ServedConnection, H: HandlerResult>(
    connection: &mut S,
    mailbox: Option<Box<Mailbox<S::Codec>>>,
    profile: &Profile,
    mut handler: impl FnMut(&[u8], &mut Reply<'_>) -> H,
) -> ServedOutcome<ErrorOf<S::Codec>> {
    // The preamble is sent even if the client asks nothing.
    let begun = match open_served(connection).await {
        Ok(()) => connection.flush(profile.timeouts().write).await,
        Err(error) => Err(error),
    };
    let (answered, served) = match begun {
        Ok(()) => {
            let peer = connection.peer();
            let Parts { receiving, sending, .. } = connection.parts();
            let mut machine = ServedMachine::<_, NoBytes>::begin_in_place(receiving, sending, mailbox, profile);
            let step = |connection: &mut S, wait: S::Wait<'_>| {
                if let Some(waker) = S::waker(&wait) {
                    machine.output.wake(waker);
                }
                let mut open = connection.open(wait).map_err(|cause| Error::new(Operation::Serve, peer, cause))?;
                machine.serve_in_place(&mut open, peer, &mut handler)
            };
            let served = connection.until_done(step).await;
            (machine.requests.replies.answered(), served)
        }
        Err(error) => (0, Err(error)),
    };
    end_served(connection, profile, answered, served).await
}

impl<C: Decode + Encode, R: AsRef<[u8]>> ServedMachine<C, R> {
    /// Answers the requests that have arrived, until the connection has been served, or until the socket must be waited
    /// for. The replies share a write.
    pub(crate) fn serve_in_place<P: Port, K: Clock, H: HandlerResult>(
        &mut self,
        open: &mut Open<'_, C, P, K>,
        peer: Option<SocketAddr>,
        handler: &mut impl FnMut(&[u8], &mut Reply<'_>) -> H,
    ) -> Step<(), ErrorOf<C>> {
        let stepped = self.advance_in_place(open, peer, handler);
        self.count_taken(open.sending);
        if matches!(&stepped, Err(error) if !drive::is_lost(error.cause())) {
            // The replies that were given before a handler failed are sent. What cannot be sent now is sent by the close.
            let _ = self.write_in_place(open);
        }
        stepped
    }

    fn advance_in_place<P: Port, K: Clock, H: HandlerResult>(
        &mut self,
        open: &mut Open<'_, C, P, K>,
        peer: Option<SocketAddr>,
        handler: &mut impl FnMut(&[u8], &mut Reply<'_>) -> H,
    ) -> Step<(), ErrorOf<C>> {
        let failed = |cause| Error::new(Operation::Serve, peer, cause);
        let mut turn = Turn::default();
        loop {
            let written = self.write_in_place(open).map_err(failed)?;
            if let Some(ended) = self.requests.ended() {
                return ended.map(Ok);
            }
            if !self.requests.may_read() || !open.sending.has_room() {
                return Ok(Err(self.deadline(open.sending).map_or(Wants::Write, Wants::WriteUntil)));
            }
            if turn.is_long(open.receiving) {
                if !open.port.input().waits() {
                    return Ok(Err(self.wants(open, written, AT_ONCE)));
                }
                turn = Turn::default();
            }
            match open.inbound(true).receive_in(&mut turn) {
                Ok(Came::Message(place)) => self.gather_in_place(open, place, &mut turn, handler).map_err(failed)?,
                Ok(Came::Closed) => self.requests.on_end(Ok(()))?,
                Ok(Came::Beat) => {}
                Ok(Came::Wait(until)) => return Ok(Err(self.wants(open, written, until))),
                Err(cause) => self.requests.on_end(Err(Error::new(Operation::Receive, peer, cause)))?,
            }
        }
    }

    /// Answers a request, and those behind it that have arrived whole.
    #[inline]
    fn gather_in_place<P: Port, K, H: HandlerResult>(
        &mut self,
        open: &mut Open<'_, C, P, K>,
        first: MessagePlace,
        turn: &mut Turn,
        handler: &mut impl FnMut(&[u8], &mut Reply<'_>) -> H,
    ) -> Result<(), CauseOf<C>> {
        let waits = open.port.input().waits();
        let mut next = Some(first);
        while let Some(place) = next {
            self.answer_in_place(open, place, handler)?;
            let may_go_on = self.may_gather(open.sending) && self.requests.may_read() && !turn.is_long(open.receiving);
            next = if may_go_on { drive::at_hand(open.receiving, waits) } else { None };
        }
        Ok(())
    }

    #[inline]
    fn answer_in_place<P, K, H: HandlerResult>(
        &mut self,
        open: &mut Open<'_, C, P, K>,
        place: MessagePlace,
        handler: &mut impl FnMut(&[u8], &mut Reply<'_>) -> H,
    ) -> Result<(), CauseOf<C>> {
        self.requests.on_taken();
        let request = open.receiving.message_at(place);
        // Beside the result of the queue, because moving a cause costs more than the rest.
        let mut failure = None;
        let queued = open.sending.queue_in_place(|reply| {
            failure = match drive::guarded(|| handler(&request, reply).into_result()) {
                Ok(Ok(())) => return,
                Ok(Err(error)) => Some(Cause::HandlerFailed(error)),
                Err(panicked) => Some(panicked),
            };
            reply.skip();
        });
        let ((), reply) = queued.map_err(Cause::Refused)?;
        if let Some(cause) = failure {
            return Err(cause);
        }
        self.requests.replies.pass(reply.is_some());
        if reply.is_some() {
            self.output.on_queued();
        }
        Ok(())
    }

    fn write_in_place<P: Port, K: Clock>(&mut self, open: &mut Open<'_, C, P, K>) -> Result<Progress, CauseOf<C>> {
        self.write(open.sending, open.port.output(), open.clock)
    }

    /// Returns what to wait for after a read that would have to wait.
    fn wants<P, K>(&self, open: &Open<'_, C, P, K>, written: Progress, until: Option<Duration>) -> Wants {
        let until = [until, self.deadline(open.sending)].into_iter().flatten().min();
        match written {
            Progress::Done => Wants::Read(until),
            Progress::Blocked => Wants::Both(until),
        }
    }
}

/// The answer of a handler that writes its reply, where the reply cannot be written into the send queue.
pub(crate) struct WrittenReply(Result<Option<Vec<u8>>, HandlerError>);

impl WrittenReply {
    pub(crate) fn by<H: HandlerResult>(request: &[u8], handler: impl FnOnce(&[u8], &mut Reply<'_>) -> H) -> Self {
        let mut bytes = Vec::new();
        let mut reply = Reply::new(&mut bytes);
        let handled = handler(request, &mut reply).into_result();
        let is_skipped = reply.is_skipped();
        Self(handled.map(|()| (!is_skipped).then_some(bytes)))
    }
}

impl Answer for WrittenReply {
    type Bytes = Vec<u8>;

    fn into_reply(self) -> Result<Option<Vec<u8>>, HandlerError> {
        self.0
    }
}
