//! Serving a connection as a profile says.

use std::future::poll_fn;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use framelink_codec::{Decode, Encode};

use super::Connection;
use super::alarm::Alarm;
use super::handlers::Handlers;
use crate::connection::{CauseOf, ErrorOf};
use crate::drive::{self, Came, Progress};
use crate::driver::awaited;
use crate::error::{Cause, Error, Operation};
use crate::profile::Profile;
use crate::server::{
    Answer, HandlerResult, ServedMachine, ServedOutcome, end_served, join_method, open_served, serve_in_place,
    serve_in_place_method, serve_many_method, serve_method, served_connection,
};
use crate::session::{Concurrency, Reply, ReplySlot};
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
    pub(super) async fn serve_in_place_to_end<H: HandlerResult>(
        &mut self,
        profile: &Profile,
        handler: impl FnMut(&[u8], &mut Reply<'_>) -> H,
    ) -> ServedOutcome<ErrorOf<C>> {
        let mailbox = self.mailbox.take();
        serve_in_place(self, mailbox, profile, handler).await
    }

    /// Serves the connection, and closes it.
    pub(super) async fn serve_to_end<F: Future<Output: Answer>>(
        &mut self,
        profile: &Profile,
        concurrency: Concurrency,
        mut answer: impl FnMut(Message) -> F,
    ) -> ServedOutcome<ErrorOf<C>> {
        // The preamble is sent even if the client asks nothing.
        let begun = match open_served(self).await {
            Ok(()) => self.flush().await,
            Err(error) => Err(error),
        };
        let (answered, served) = match begun {
            Ok(()) => {
                let mut serving = Serving::new(self, profile, concurrency);
                let served = poll_fn(|context| serving.poll(self, context, &mut answer)).await;
                (serving.machine.requests.replies.answered(), served)
            }
            Err(error) => (0, Err(error)),
        };
        // Boxed, because most connections are not at their end, and need no memory for it.
        Box::pin(end_served(self, profile, answered, served)).await
    }
}

served_connection!(awaited, _limit => flush(), Self::done, Some);

/// The state of a connection that is being served.
struct Serving<C: Decode + Encode, F: Future<Output: Answer>> {
    machine: ServedMachine<C, BytesOf<F>>,
    handlers: Handlers<F>,
    alarm: Alarm,
}

/// A request to handle, with its place, unless nothing else is owed.
type NextRequest = (Option<ReplySlot>, Message);

/// The bytes that the handler with this future replies.
type BytesOf<F> = <<F as Future>::Output as Answer>::Bytes;

impl<C: Decode + Encode, F: Future<Output: Answer>> Serving<C, F> {
    fn new(connection: &mut Connection<C>, profile: &Profile, concurrency: Concurrency) -> Self {
        let (receiving, sending) = (&mut connection.receiver.receiving, &connection.sender.sending);
        let machine = ServedMachine::begin(receiving, sending, connection.mailbox.take(), profile, concurrency);
        Self { machine, handlers: Handlers::new(), alarm: Alarm::unset() }
    }

    /// Makes progress without waiting. Returns `Ready` when there are no more requests and all replies are written.
    fn poll(
        &mut self,
        connection: &mut Connection<C>,
        context: &mut Context<'_>,
        answer: &mut impl FnMut(Message) -> F,
    ) -> Poll<Result<(), ErrorOf<C>>> {
        self.machine.output.wake(context.waker());
        connection.receiver.receiving.wake_when_told(context.waker());
        if let Some(ending) = connection.receiver.receiving.told() {
            // Checked here, because no task may be reading or writing at this moment.
            return Poll::Ready(Err(error(connection, Cause::Ended(ending))));
        }
        let polled = self.poll_on(connection, context, answer);
        self.machine.count_taken(&connection.sender.sending);
        if matches!(&polled, Poll::Ready(Err(error)) if !drive::is_lost(error.cause())) {
            // The replies that were given before a handler failed are sent. What cannot be sent now is sent by the close.
            let _ = self.write(connection, context);
        }
        polled
    }

    fn poll_on(
        &mut self,
        connection: &mut Connection<C>,
        context: &mut Context<'_>,
        answer: &mut impl FnMut(Message) -> F,
    ) -> Poll<Result<(), ErrorOf<C>>> {
        let mut has_turn = true;
        loop {
            self.handle(connection, context)?;
            self.write(connection, context)?;
            if let Some(ended) = self.machine.requests.ended() {
                return Poll::Ready(ended);
            }
            if !has_turn {
                // The task is woken at once, for its next turn.
                return Poll::Pending;
            }
            if let Poll::Ready(request) = self.poll_request(connection, context) {
                if let Some(request) = request? {
                    self.start(connection, request, answer)?;
                    has_turn = self.gather(connection, context, answer)?;
                }
                continue;
            }
            let deadline = self.machine.deadline(&connection.sender.sending);
            // After the deadline, writing is tried once more, and fails if it took too long.
            ready!(self.alarm.poll(context, deadline.map(|at| connection.clock.at(at))));
        }
    }

    /// Writes replies and pushed messages, as far as the socket takes them now.
    fn write(&mut self, connection: &mut Connection<C>, context: &mut Context<'_>) -> Result<Progress, ErrorOf<C>> {
        let machine = &mut self.machine;
        let written =
            connection.sender.poll_output(context, |sending, port, clock| machine.write(sending, port, clock));
        written.map_err(|failed| error(connection, failed.into_cause()))
    }

    /// Handles the requests that have arrived already, so that their replies share a write. Returns false if other tasks
    /// are to have their turn first.
    fn gather(
        &mut self,
        connection: &mut Connection<C>,
        context: &mut Context<'_>,
        answer: &mut impl FnMut(Message) -> F,
    ) -> Result<bool, ErrorOf<C>> {
        while self.machine.may_gather(&connection.sender.sending) {
            if connection.receiver.poll_turn(context).is_pending() {
                return Ok(false);
            }
            let requests = &mut self.machine.requests;
            let request = match requests.next() {
                None if !requests.may_read() => break,
                // Everything but a message is left to the next read.
                None => match drive::at_hand(&mut connection.receiver.receiving, false) {
                    Some(message) => self.take(message)?,
                    None => break,
                },
                Some((place, request)) => Some((Some(place), request)),
            };
            if let Some(request) = request {
                self.start(connection, request, answer)?;
            }
        }
        Ok(true)
    }

    /// Takes a request that was received. Returns it if it is to be handled now.
    #[inline]
    fn take(&mut self, request: Message) -> Result<Option<NextRequest>, ErrorOf<C>> {
        let requests = &mut self.machine.requests;
        if requests.may_pass() {
            requests.on_taken();
            return Ok(Some((None, request)));
        }
        Ok(requests.on_received(Ok(Some(request)))?.map(|(place, request)| (Some(place), request)))
    }

    /// Starts the handler of a request. A reply that is ready at once is queued.
    #[inline]
    fn start(
        &mut self,
        connection: &mut Connection<C>,
        (place, request): NextRequest,
        answer: &mut impl FnMut(Message) -> F,
    ) -> Result<(), ErrorOf<C>> {
        let (machine, sending, clock) = (&mut self.machine, &mut connection.sender.sending, &connection.clock);
        let len = request.len();
        let started = self.handlers.start(|| answer(request));
        let finished = started.and_then(|started| match (started, place) {
            (Ok(done), None) => machine.pass(done, sending),
            (Ok(done), Some(place)) => machine.finish(place, done, sending, clock),
            (Err(number), place) => {
                self.handlers.keep(number, place.or_else(|| machine.requests.replies.take_request(len)));
                Ok(())
            }
        });
        finished.map_err(|cause| error(connection, cause))
    }

    /// Returns the next request to handle, or `None` if a heartbeat is due or reading brought no request.
    fn poll_request(
        &mut self,
        connection: &mut Connection<C>,
        context: &mut Context<'_>,
    ) -> Poll<Result<Option<NextRequest>, ErrorOf<C>>> {
        let requests = &mut self.machine.requests;
        if let Some((place, request)) = requests.next() {
            return Poll::Ready(Ok(Some((Some(place), request))));
        }
        if !requests.may_read() {
            return Poll::Pending;
        }
        let ended = match ready!(connection.receiver.poll_came(context)) {
            Ok(Came::Beat | Came::Wait(_)) => return Poll::Ready(Ok(None)),
            Ok(Came::Message(message)) => return Poll::Ready(self.take(message)),
            Ok(Came::Closed) => Ok(()),
            Err(error) => Err(error),
        };
        Poll::Ready(requests.on_end(ended).map(|()| None))
    }

    /// Polls the handlers that were woken, and queues the replies of those that have finished.
    fn handle(&mut self, connection: &mut Connection<C>, context: &mut Context<'_>) -> Result<(), ErrorOf<C>> {
        let (machine, sending, clock) = (&mut self.machine, &mut connection.sender.sending, &connection.clock);
        let handled = self.handlers.poll(context, |place, done| machine.finish(place, done, sending, clock));
        handled.map_err(|cause| error(connection, cause))
    }
}

fn error<C: Decode + Encode>(connection: &Connection<C>, cause: CauseOf<C>) -> ErrorOf<C> {
    Error::new(Operation::Serve, connection.receiver.peer.get(), cause)
}
