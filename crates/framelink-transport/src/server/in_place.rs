//! Serving a connection with a handler that does not wait, and writes each reply directly into the send queue.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use framelink_codec::{Decode, Encode};

use super::answer::{Answer, HandlerResult};
use super::ending::{ServedConnection, ServedOutcome, end_served, open_served};
use super::output::ServedOutput;
use super::served::{Handled, KEPT_FOR, ServedMachine};
use super::service::Service;
use super::step_clock::StepClock;
use crate::connection::{CauseOf, ErrorOf, Open, Parts, Step};
use crate::drive::{self, AT_ONCE, Came, Clock, Input, Port, Progress, Turn, Wants};
use crate::error::{Cause, Error, HandlerError, Operation};
use crate::profile::Profile;
use crate::session::{MessagePlace, Reply, Sending};

/// The bytes of a reply that is not in the send queue. There is none, because handlers write into the queue.
type NoBytes = [u8; 0];

/// Serves a connection to its end.
///
/// ```text
///   write ─► ended? ─► read ─► a request ─► the handler ─► the next in the buffer ─► …
///     ▲                                                                             │
///     └─ no whole request is left in the buffer, or 64 KiB of replies wait ─────────┘
/// ```
pub(crate) fn serve_in_place<S: ServedConnection, H: HandlerResult>(
    connection: &mut S,
    how: impl ServeInPlace<H>,
) -> impl Future<Output = ServedOutcome<ErrorOf<S::Codec>>> {
    let mut served = ServedInPlace { how, answered: 0, machine: None };
    // Not an `async fn`, whose future would hold its arguments twice. What few connections need is boxed.
    async move {
        let ended = 'served: {
            if let Err(error) = connection.check(Operation::Send) {
                break 'served Err(error);
            }
            // Asked here, so that an idle connection needs no memory for it.
            if connection.owes_opening()
                && let Err(error) = Box::pin(open_served(connection)).await
            {
                break 'served Err(error);
            }
            // The preamble is sent even if the client asks nothing.
            if connection.sending().has_output()
                && let Err(error) = Box::pin(connection.flush(served.how.profile().timeouts().write)).await
            {
                break 'served Err(error);
            }
            connection.until_done(|connection, wait| served.step(connection, wait)).await
        };
        // Leaves the registry.
        served.machine = None;
        Box::pin(async move { end_served(connection, served.how.profile(), served.answered, ended).await }).await
    }
}

/// How the requests of a connection are answered. All of it is one value, because the task of an idle connection holds
/// it.
pub(crate) trait ServeInPlace<H> {
    fn profile(&self) -> &Profile;
    fn answer(&mut self, request: &[u8], peer: Option<SocketAddr>, reply: &mut Reply<'_>) -> H;
}

impl<H, A: Fn(&[u8], Option<SocketAddr>, &mut Reply<'_>) -> H> ServeInPlace<H> for &Service<A> {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    #[inline]
    fn answer(&mut self, request: &[u8], peer: Option<SocketAddr>, reply: &mut Reply<'_>) -> H {
        (self.handler)(request, peer, reply)
    }
}

impl<H, A: FnMut(&[u8], &mut Reply<'_>) -> H> ServeInPlace<H> for (&Profile, A) {
    fn profile(&self) -> &Profile {
        self.0
    }

    #[inline]
    fn answer(&mut self, request: &[u8], _: Option<SocketAddr>, reply: &mut Reply<'_>) -> H {
        (self.1)(request, reply)
    }
}

/// A connection that is served, and how.
struct ServedInPlace<C: Decode + Encode, A> {
    how: A,
    /// How many requests are wholly answered.
    answered: u64,
    /// `None` while the connection is idle.
    machine: Option<Box<ServedMachine<C, NoBytes>>>,
}

impl<C: Decode + Encode, A> ServedInPlace<C, A> {
    /// Makes progress until the socket must be waited for, or until the connection has been served.
    fn step<S: ServedConnection<Codec = C>, H: HandlerResult>(
        &mut self,
        connection: &mut S,
        wait: S::Wait<'_>,
    ) -> Step<(), ErrorOf<C>>
    where
        A: ServeInPlace<H>,
    {
        let Self { how, answered, machine: kept } = self;
        let machine = kept.get_or_insert_with(|| {
            let mailbox = connection.mailbox().take();
            let Parts { receiving, sending, .. } = connection.parts();
            let machine = ServedMachine::begin_in_place(receiving, sending, mailbox, how.profile());
            Box::new(machine.count_from(*answered))
        });
        let waker = S::waker(&wait);
        // A task can wait for another time without a system call.
        let is_task = waker.is_some();
        if let Some(waker) = waker {
            machine.output.wake(waker);
        }
        let peer = connection.peer();
        let Open { receiving, sending, mut port, clock } =
            connection.open(wait).map_err(|cause| Error::new(Operation::Serve, peer, cause))?;
        let clock = &StepClock::new(clock, port.input().waits());
        let mut open = Open { receiving, sending, port, clock };
        let handler = &mut |request: &[u8], reply: &mut Reply<'_>| how.answer(request, peer, reply);
        let stepped = machine.serve_in_place(&mut open, peer, handler);
        let before = std::mem::replace(answered, machine.requests.replies.answered());
        let (is_idle, heard_at) = (machine.is_idle(open.sending), open.receiving.heard_at());
        drop(open);
        match stepped {
            Ok(Err(_)) if is_idle && before == *answered => {
                *connection.mailbox() = machine.output.take_mailbox();
                *kept = None;
            }
            Ok(Err(Wants::Read(until))) if is_idle && is_task => {
                let idle_at = heard_at.saturating_add(KEPT_FOR);
                return Ok(Err(Wants::Read(Some(until.map_or(idle_at, |until| until.min(idle_at))))));
            }
            _ => {}
        }
        stepped
    }
}

/// A connection in use during one step.
type StepOf<'o, C, P, K> = Open<'o, C, P, StepClock<'o, K>>;

impl<C: Decode + Encode, R: AsRef<[u8]>> ServedMachine<C, R> {
    /// Answers the requests that have arrived, until the connection has been served, or until the socket must be waited
    /// for. The replies share a write.
    pub(crate) fn serve_in_place<P: Port, K: Clock, H: HandlerResult>(
        &mut self,
        open: &mut StepOf<'_, C, P, K>,
        peer: Option<SocketAddr>,
        handler: &mut impl FnMut(&[u8], &mut Reply<'_>) -> H,
    ) -> Step<(), ErrorOf<C>> {
        let stepped = self.advance_in_place(open, peer, handler);
        self.count_taken(open.sending);
        if !open.port.input().waits() {
            // Counted once, because handlers that do not wait leave no bytes to another task.
            open.receiving.on_idle(false);
        }
        if matches!(&stepped, Err(error) if !drive::is_lost(error.cause())) {
            // The replies that were given before a handler failed are sent. What cannot be sent now is sent by the close.
            let _ = self.write_in_place(open);
        }
        stepped
    }

    fn advance_in_place<P: Port, K: Clock, H: HandlerResult>(
        &mut self,
        open: &mut StepOf<'_, C, P, K>,
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
            match open.inbound(true).receive_place(&mut turn) {
                Ok(Came::Message(place)) => self.gather_in_place(open, place, &mut turn, handler).map_err(failed)?,
                Ok(Came::Closed) => self.requests.on_end(Ok(()))?,
                Ok(Came::Beat) => {}
                Ok(Came::Wait(until)) => return Ok(Err(self.wants(open, written, until))),
                Err(cause) => self.requests.on_end(Err(Error::new(Operation::Receive, peer, cause)))?,
            }
        }
    }

    /// Answers a request, and those behind it that have arrived whole.
    fn gather_in_place<P: Port, K, H: HandlerResult>(
        &mut self,
        open: &mut StepOf<'_, C, P, K>,
        first: MessagePlace,
        turn: &mut Turn,
        handler: &mut impl FnMut(&[u8], &mut Reply<'_>) -> H,
    ) -> Result<(), CauseOf<C>> {
        if open.port.input().waits() {
            open.receiving.on_idle(true);
        }
        // While replies are gathered, none of them holds the place of the next request.
        let goes_on = self.requests.replies.is_gathering() && !self.requests.is_short();
        let most = if goes_on { turn.frames_left(open.receiving) } else { 0 };
        // A handler that does not wait leaves the queue alone, so its limits are read once.
        let most = most.min(open.sending.messages_left().saturating_sub(1) as u64);
        let most_bytes = ServedOutput::<C>::most_gathered(open.sending);
        let (mut handled, receiving, sending) = (Handled::default(), &mut *open.receiving, &mut *open.sending);
        self.requests.on_begun();
        let may_go_on =
            |handled: &Handled, sending: &Sending<_>| handled.taken <= most && sending.queued_len() < most_bytes;
        // One guard for all handlers, because it costs as much as a short handler.
        let gathered = drive::guarded(|| {
            let mut next = Some(first);
            while let Some(place) = next.take() {
                answer_in_place(&receiving.message_at(place), sending, &mut handled, handler)?;
                if !may_go_on(&handled, sending) {
                    break;
                }
                receiving.take_whole(|request| {
                    answer_in_place(request, sending, &mut handled, handler)?;
                    Ok::<_, CauseOf<C>>(may_go_on(&handled, sending))
                })?;
                if may_go_on(&handled, sending) {
                    next = drive::place_at_hand(receiving);
                }
            }
            Ok(())
        });
        open.clock.renew();
        self.on_handled(&handled);
        gathered.and_then(|gathered| gathered)
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

/// Answers one request. A handler that panics leaves nothing in the queue.
#[inline(always)] // A call with a result in memory takes as long as the rest.
fn answer_in_place<C: Decode + Encode, H: HandlerResult>(
    request: &[u8],
    sending: &mut Sending<Arc<C>>,
    handled: &mut Handled,
    handler: &mut impl FnMut(&[u8], &mut Reply<'_>) -> H,
) -> Result<(), CauseOf<C>> {
    handled.taken += 1;
    let queued = sending.queue_in_place(|reply| {
        let result = handler(request, reply).into_result();
        if result.is_err() {
            reply.skip();
        }
        result
    });
    let (result, reply) = queued.map_err(Cause::Refused)?;
    result.map_err(Cause::HandlerFailed)?;
    match reply {
        Some(_) => handled.replied += 1,
        None => handled.skipped += 1,
    }
    Ok(())
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
