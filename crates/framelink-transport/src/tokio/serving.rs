//! Serving a connection as a profile says.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use framelink_codec::{Decode, Encode};

use super::alarm::Alarm;
use super::clock::Clock;
use super::handlers::Handlers;
use super::{Connection, RecvHalf};
use crate::connection::{CauseOf, ErrorOf, SessionParts as _};
use crate::drive::{self, Came, Progress, Turn};
use crate::driver::awaited;
use crate::error::{Cause, Error, Operation};
use crate::profile::Profile;
use crate::server::{
    Answer, Handled, HandlerResult, KEPT_FOR, NextRequest, ServeInPlace, ServedMachine, ServedOutcome, ServedOutput,
    Service, StepClock, end_served, join_method, open_served, serve_in_place, serve_in_place_method, serve_many_method,
    serve_method, served_connection,
};
use crate::session::{Concurrency, MessagePlace};
use framelink_session::Message;

impl<C: Decode + Encode> Connection<C> {
    join_method!();

    serve_method! {
        /// ```no_run
        /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
        /// use std::sync::Arc;
        /// use framelink_transport::{Framing, Profile, tokio::Listener};
        ///
        /// let profile = Arc::new(Profile::template("short-sync", "ascii:4".parse::<Framing>()?)?);
        /// let mut listener = Listener::bind_profile("0.0.0.0:7000", &profile).await?;
        /// loop {
        ///     let (connection, profile) = (listener.accept().await?, Arc::clone(&profile));
        ///     tokio::spawn(async move { connection.serve(&profile, |message| async move { Some(message.to_vec()) }).await });
        /// }
        /// # }
        /// ```
        awaited async, F: Future<Output: Answer>, |connection, profile, answer| {
            Self::serve_to_end(connection, profile, Concurrency::default(), answer)
        }
    }

    serve_many_method! {
        /// ```no_run
        /// # async fn example(connection: framelink_transport::tokio::Connection, profile: framelink_transport::Profile)
        /// # -> Result<(), Box<dyn std::error::Error>> {
        /// use framelink_transport::session::{Concurrency, ReplyOrder};
        ///
        /// let concurrency = Concurrency::new(64).order_by(ReplyOrder::Finished);
        /// connection
        ///     .serve_many(&profile, concurrency, |request| async move {
        ///         tokio::task::spawn_blocking(move || Some(request.to_vec())).await.expect("an answer")
        ///     })
        ///     .await?;
        /// # Ok(())
        /// # }
        /// ```
        awaited async, F: Future<Output: Answer>, (FnMut(Message) -> F)
    }

    serve_in_place_method!(awaited async, "tokio", "async fn", ".await");

    /// Serves the connection with a handler that writes into the send queue, and closes it.
    pub(super) fn serve_in_place_to_end<H: HandlerResult>(
        &mut self,
        how: impl ServeInPlace<H>,
    ) -> impl Future<Output = ServedOutcome<ErrorOf<C>>> {
        serve_in_place(self, how)
    }

    fn serve_to_end<'s, F: Future<Output: Answer>>(
        &'s mut self,
        profile: &'s Profile,
        concurrency: Concurrency,
        answer: impl FnMut(Message) -> F,
    ) -> impl Future<Output = ServedOutcome<ErrorOf<C>>> {
        self.serve_accepted(Answering { profile, concurrency, answer })
    }

    /// Serves the connection, and closes it.
    pub(super) fn serve_accepted<F: Future<Output: Answer>>(
        &mut self,
        how: impl Serve<F>,
    ) -> impl Future<Output = ServedOutcome<ErrorOf<C>>> {
        let mut served = Served { connection: self, how, answered: 0, serving: None };
        // Not an `async fn`, whose future would hold its arguments twice. What few connections need is boxed.
        async move {
            let ended = 'served: {
                if let Err(error) = served.connection.check(Operation::Send) {
                    break 'served Err(error);
                }
                // Asked here, so that an idle connection needs no memory for it.
                if served.connection.owes_opening()
                    && let Err(error) = Box::pin(open_served(served.connection)).await
                {
                    break 'served Err(error);
                }
                // The preamble is sent even if the client asks nothing.
                if served.connection.sender.sending.has_output()
                    && let Err(error) = Box::pin(served.connection.flush()).await
                {
                    break 'served Err(error);
                }
                poll_fn(|context| served.poll(context)).await
            };
            Box::pin(async move { end_served(served.connection, served.how.profile(), served.answered, ended).await })
                .await
        }
    }
}

served_connection!(awaited, _limit => flush(), Self::done, Some);

/// How the requests of a connection are answered. All of it is one value, because the task of an idle connection holds
/// it.
pub(super) trait Serve<F> {
    fn profile(&self) -> &Profile;
    fn concurrency(&self) -> Concurrency;
    fn answer(&mut self, request: Message, peer: Option<SocketAddr>) -> F;
}

impl<F, H: Fn(Message, Option<SocketAddr>) -> F> Serve<F> for &Service<H> {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn concurrency(&self) -> Concurrency {
        self.concurrency
    }

    fn answer(&mut self, request: Message, peer: Option<SocketAddr>) -> F {
        (self.handler)(request, peer)
    }
}

/// Answers requests with a function.
struct Answering<'p, A> {
    profile: &'p Profile,
    concurrency: Concurrency,
    answer: A,
}

impl<F, A: FnMut(Message) -> F> Serve<F> for Answering<'_, A> {
    fn profile(&self) -> &Profile {
        self.profile
    }

    fn concurrency(&self) -> Concurrency {
        self.concurrency
    }

    fn answer(&mut self, request: Message, _: Option<SocketAddr>) -> F {
        (self.answer)(request)
    }
}

/// A connection that is served, and how.
struct Served<'s, C: Decode + Encode, F: Future<Output: Answer>, H> {
    connection: &'s mut Connection<C>,
    how: H,
    /// How many requests are wholly answered.
    answered: u64,
    /// `None` while the connection is idle.
    serving: Option<Box<Serving<C, F>>>,
}

impl<C: Decode + Encode, F: Future<Output: Answer>, H: Serve<F>> Served<'_, C, F, H> {
    /// Makes progress without waiting, like [`Serving::poll`].
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<(), ErrorOf<C>>> {
        let Self { connection, how, answered, serving } = self;
        let new = || Box::new(Serving::new(connection, how.profile(), how.concurrency(), *answered));
        let busy = serving.get_or_insert_with(new);
        let polled = busy.poll(connection, context, how);
        let before = std::mem::replace(answered, busy.machine.requests.replies.answered());
        if polled.is_ready() {
            *serving = None;
        } else if busy.is_idle(connection) {
            if before == *answered {
                // The task was woken for no request.
                connection.mailbox = busy.machine.output.take_mailbox();
                *serving = None;
            } else {
                busy.wake_when_idle(connection, context);
            }
        }
        polled
    }
}

/// The state of a connection that is being served, while it is not idle.
struct Serving<C: Decode + Encode, F: Future<Output: Answer>> {
    machine: ServedMachine<C, BytesOf<F>>,
    handlers: Handlers<F>,
    alarm: Alarm,
    /// Wakes the task once it has been idle for long, to free this.
    idle_alarm: Alarm,
    /// When the task is woken for that.
    idle_at: Duration,
}

/// The bytes that the handler with this future replies.
type BytesOf<F> = <<F as Future>::Output as Answer>::Bytes;

impl<C: Decode + Encode, F: Future<Output: Answer>> Serving<C, F> {
    fn new(connection: &mut Connection<C>, profile: &Profile, concurrency: Concurrency, answered: u64) -> Self {
        let (receiving, sending) = (&mut connection.receiver.receiving, &connection.sender.sending);
        let machine = ServedMachine::begin(receiving, sending, connection.mailbox.take(), profile, concurrency);
        let machine = machine.count_from(answered);
        let (alarm, idle_alarm) = (Alarm::unset(), Alarm::unset());
        Self { machine, handlers: Handlers::new(), alarm, idle_alarm, idle_at: Duration::ZERO }
    }

    fn is_idle(&self, connection: &Connection<C>) -> bool {
        self.handlers.are_idle() && self.machine.is_idle(&connection.sender.sending)
    }

    /// Wakes the task when the connection has been idle for long. A busy connection sets the timer rarely: a timer that
    /// ends between two requests wakes the task too early once.
    fn wake_when_idle(&mut self, connection: &Connection<C>, context: &mut Context<'_>) {
        let heard_at = connection.receiver.receiving.heard_at();
        if self.idle_at > heard_at {
            return;
        }
        self.idle_at = heard_at.saturating_add(KEPT_FOR);
        if self.idle_alarm.poll(context, Some(connection.receiver.clock.at(self.idle_at))).is_ready() {
            context.waker().wake_by_ref();
        }
    }

    /// Makes progress without waiting. Returns `Ready` when there are no more requests and all replies are written.
    fn poll(
        &mut self,
        connection: &mut Connection<C>,
        context: &mut Context<'_>,
        how: &mut impl Serve<F>,
    ) -> Poll<Result<(), ErrorOf<C>>> {
        self.machine.output.wake(context.waker());
        connection.receiver.wake_when_told(context.waker());
        if let Some(ending) = connection.receiver.receiving.told() {
            // Checked here, because no task may be reading or writing at this moment.
            return Poll::Ready(Err(error(connection, Cause::Ended(ending))));
        }
        let clock = connection.receiver.clock;
        let clock = &StepClock::new(&clock, false);
        let polled = self.poll_on(connection, context, clock, how);
        self.machine.count_taken(&connection.sender.sending);
        // Counted once, because no other task has run meanwhile.
        connection.receiver.receiving.on_idle(false);
        if matches!(&polled, Poll::Ready(Err(error)) if !drive::is_lost(error.cause())) {
            // The replies that were given before a handler failed are sent. What cannot be sent now is sent by the close.
            let _ = self.write(connection, context, clock);
        }
        polled
    }

    fn poll_on(
        &mut self,
        connection: &mut Connection<C>,
        context: &mut Context<'_>,
        clock: &StepClock<'_, Clock>,
        how: &mut impl Serve<F>,
    ) -> Poll<Result<(), ErrorOf<C>>> {
        let mut has_turn = true;
        loop {
            // Handlers may have run for long, or a deadline has passed.
            clock.renew();
            if !self.handlers.are_idle() {
                self.handle(connection, context)?;
            }
            self.write(connection, context, clock)?;
            if let Some(ended) = self.machine.requests.ended() {
                return Poll::Ready(ended);
            }
            if !has_turn {
                // The task is woken at once, for its next turn.
                return Poll::Pending;
            }
            if let Poll::Ready(request) = self.poll_request(connection, context, clock) {
                if let Some(request) = request? {
                    self.start(connection, request, how)?;
                    has_turn = self.gather(connection, context, how)?;
                }
                continue;
            }
            let deadline = self.machine.deadline(&connection.sender.sending);
            // After the deadline, writing is tried once more, and fails if it took too long.
            ready!(self.alarm.poll(context, deadline.map(|at| connection.receiver.clock.at(at))));
        }
    }

    /// Writes replies and pushed messages, as far as the socket takes them now.
    fn write(
        &mut self,
        connection: &mut Connection<C>,
        context: &mut Context<'_>,
        clock: &StepClock<'_, Clock>,
    ) -> Result<Progress, ErrorOf<C>> {
        let (machine, sender) = (&mut self.machine, &mut connection.sender);
        let written = sender.poll_output_at(context, clock, |sending, port, clock| machine.write(sending, port, clock));
        written.map_err(|failed| error(connection, failed.into_cause()))
    }

    /// Handles the requests that have arrived already, so that their replies share a write. Returns false if other tasks
    /// are to have their turn first.
    fn gather(
        &mut self,
        connection: &mut Connection<C>,
        context: &mut Context<'_>,
        how: &mut impl Serve<F>,
    ) -> Result<bool, ErrorOf<C>> {
        while self.machine.may_gather(&connection.sender.sending) {
            if connection.receiver.poll_turn(context).is_pending() {
                return Ok(false);
            }
            let requests = &mut self.machine.requests;
            let ahead = if requests.may_pass() { None } else { requests.next() };
            let next = match ahead {
                Some(request) => Some(NextRequest::Placed(request)),
                None if !requests.may_read() => break,
                None => {
                    let receiving = &mut connection.receiver.receiving;
                    // Everything but a message is left to the next read.
                    let Some(place) = drive::place_at_hand(receiving) else { break };
                    requests.take(receiving, place)
                }
            };
            if let Some(request) = next {
                self.start(connection, request, how)?;
            }
        }
        Ok(true)
    }

    /// Starts the handler of a request. A reply that is ready at once is queued.
    fn start(
        &mut self,
        connection: &mut Connection<C>,
        next: NextRequest,
        how: &mut impl Serve<F>,
    ) -> Result<(), ErrorOf<C>> {
        let (slot, request) = match next {
            NextRequest::Placed(request) => request,
            NextRequest::Passing(place) => return self.pass(connection, place, how),
        };
        let (machine, sending, clock) = (&mut self.machine, &mut connection.sender.sending, &connection.receiver.clock);
        let peer = connection.receiver.peer.get();
        let started = drive::guarded(|| self.handlers.start(|| how.answer(request, peer)));
        let finished = started.and_then(|started| match started {
            Ok(done) => machine.finish(slot, done, sending, clock).map(drop),
            Err(number) => {
                self.handlers.keep(number, Some(slot));
                Ok(())
            }
        });
        finished.map_err(|cause| error(connection, cause))
    }

    /// Handles a request without a place, because nothing else is owed, and those behind it that have arrived whole, as
    /// long as their handlers are ready at once.
    fn pass(
        &mut self,
        connection: &mut Connection<C>,
        first: MessagePlace,
        how: &mut impl Serve<F>,
    ) -> Result<(), ErrorOf<C>> {
        let (receiver, sending) = (&mut connection.receiver, &mut connection.sender.sending);
        let (peer, mut handled) = (receiver.peer.get(), Handled::default());
        let Self { machine, handlers, .. } = self;
        machine.requests.on_begun();
        let goes_on = !machine.requests.is_short();
        // One guard for all handlers, because it costs as much as a short handler.
        let passed = drive::guarded(|| {
            let mut place = first;
            loop {
                handled.taken += 1;
                match handlers.start(|| how.answer(receiver.receiving.take_at(place), peer)) {
                    Ok(done) => handled.queue(done, sending)?,
                    Err(number) => return Ok(Some((number, place.payload_len()))),
                }
                if !goes_on || !ServedOutput::<C>::may_gather(sending) {
                    return Ok(None);
                }
                let Some(next) = receiver.ready_place() else { return Ok(None) };
                place = next;
            }
        });
        machine.on_handled(&handled);
        let suspended = passed.and_then(|passed| passed).map_err(|cause| error(connection, cause))?;
        if let Some((number, len)) = suspended {
            handlers.keep(number, machine.requests.replies.take_request(len));
        }
        Ok(())
    }

    /// Returns the next request to handle, or `None` if a heartbeat is due or reading brought no request.
    fn poll_request(
        &mut self,
        connection: &mut Connection<C>,
        context: &mut Context<'_>,
        clock: &StepClock<'_, Clock>,
    ) -> Poll<Result<Option<NextRequest>, ErrorOf<C>>> {
        let requests = &mut self.machine.requests;
        if let Some(request) = requests.next() {
            return Poll::Ready(Ok(Some(NextRequest::Placed(request))));
        }
        if !requests.may_read() {
            return Poll::Pending;
        }
        let ended = match ready!(poll_came(&mut connection.receiver, context, clock)) {
            Ok(Came::Beat | Came::Wait(_)) => return Poll::Ready(Ok(None)),
            Ok(Came::Message(place)) => {
                return Poll::Ready(Ok(requests.take(&mut connection.receiver.receiving, place)));
            }
            Ok(Came::Closed) => Ok(()),
            Err(error) => Err(error),
        };
        Poll::Ready(requests.on_end(ended).map(|()| None))
    }

    /// Polls the handlers that were woken, and queues the replies of those that have finished.
    fn handle(&mut self, connection: &mut Connection<C>, context: &mut Context<'_>) -> Result<(), ErrorOf<C>> {
        let (machine, sending, clock) = (&mut self.machine, &mut connection.sender.sending, &connection.receiver.clock);
        let handled = self.handlers.poll(context, |place, done| machine.finish(place, done, sending, clock).map(drop));
        handled.map_err(|cause| error(connection, cause))
    }
}

/// Receives, or reports that a heartbeat is due. Never returns [`Came::Wait`].
fn poll_came<C: Decode + Encode>(
    receiver: &mut RecvHalf<C>,
    context: &mut Context<'_>,
    clock: &StepClock<'_, Clock>,
) -> Poll<Result<Came<MessagePlace>, ErrorOf<C>>> {
    ready!(receiver.poll_turn(context));
    loop {
        match receiver.poll_input_at(context, clock, |mut inbound| inbound.receive_place(&mut Turn::default()))? {
            Came::Wait(until) => ready!(receiver.poll_alarm(context, until)),
            came => return Poll::Ready(Ok(came)),
        }
        clock.renew();
    }
}

fn error<C: Decode + Encode>(connection: &Connection<C>, cause: CauseOf<C>) -> ErrorOf<C> {
    Error::new(Operation::Serve, connection.receiver.peer.get(), cause)
}
