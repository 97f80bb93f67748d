//! Serving a connection as a profile says.

use std::future::poll_fn;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use framelink_codec::{Decode, Encode};

use super::Connection;
use super::alarm::Alarm;
use super::handlers::Handlers;
use crate::connection::{CauseOf, ErrorOf};
use crate::drive::{self, Came};
use crate::driver::awaited;
use crate::error::{Cause, Error, Operation};
use crate::profile::Profile;
use crate::server::{
    Answer, PlacedRequest, ServedMachine, ServedOutcome, end_served, join_method, serve_many_method, serve_method,
    served_connection,
};
use crate::session::Concurrency;
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

    /// Serves the connection in place, and closes it.
    pub(super) async fn serve_to_end<F: Future<Output: Answer>>(
        &mut self,
        profile: &Profile,
        concurrency: Concurrency,
        mut answer: impl FnMut(Message) -> F,
    ) -> ServedOutcome<ErrorOf<C>> {
        // The preamble is sent even if the client asks nothing.
        let (answered, served) = match self.flush().await {
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

served_connection!(awaited, _limit => flush());

/// The state of a connection that is being served.
struct Serving<C: Decode + Encode, F> {
    machine: ServedMachine<C>,
    handlers: Handlers<F>,
    alarm: Alarm,
}

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
        let (peer, clock) = (connection.peer_addr(), connection.clock);
        let failed = |cause| Error::new(Operation::Serve, peer, cause);
        self.machine.output.wake(context.waker());
        connection.receiver.receiving.wake_when_told(context.waker());
        if let Some(ending) = connection.receiver.receiving.told() {
            // Checked here, because no task may be reading or writing at this moment.
            return Poll::Ready(Err(failed(Cause::Ended(ending))));
        }
        loop {
            self.handle(context, &clock).map_err(failed)?;
            let machine = &mut self.machine;
            let written =
                connection.sender.poll_output(context, |sending, port, clock| machine.write(sending, port, clock));
            written.map_err(|error| failed(error.into_cause()))?;
            if let Some(ended) = self.machine.requests.ended() {
                return Poll::Ready(ended);
            }
            if let Poll::Ready(request) = self.poll_request(connection, context) {
                if let Some((place, request)) = request? {
                    self.handlers.push(place, drive::guarded(|| answer(request)).map_err(failed)?);
                }
                continue;
            }
            let deadline = self.machine.deadline(&connection.sender.sending);
            // After the deadline, writing is tried once more, and fails if it took too long.
            ready!(self.alarm.poll(context, deadline.map(|at| clock.at(at))));
        }
    }

    /// Returns the next request to handle, or `None` if a heartbeat is due or reading brought no request.
    fn poll_request(
        &mut self,
        connection: &mut Connection<C>,
        context: &mut Context<'_>,
    ) -> Poll<Result<Option<PlacedRequest>, ErrorOf<C>>> {
        let requests = &mut self.machine.requests;
        if let Some(request) = requests.next() {
            return Poll::Ready(Ok(Some(request)));
        }
        if !requests.may_read() {
            return Poll::Pending;
        }
        let received = match ready!(connection.receiver.poll_came(context)) {
            Ok(Came::Beat | Came::Wait(_)) => return Poll::Ready(Ok(None)),
            Ok(Came::Message(message)) => Ok(Some(message)),
            Ok(Came::Closed) => Ok(None),
            Err(error) => Err(error),
        };
        Poll::Ready(requests.on_received(received))
    }

    /// Polls the handlers, and queues the replies of those that have finished.
    fn handle(&mut self, context: &mut Context<'_>, clock: &impl drive::Clock) -> Result<(), CauseOf<C>> {
        let requests = &mut self.machine.requests;
        self.handlers.poll(context, |place, answer| {
            requests.answer(place, answer.into_reply().map_err(Cause::HandlerFailed)?, clock.now());
            Ok(())
        })
    }
}
