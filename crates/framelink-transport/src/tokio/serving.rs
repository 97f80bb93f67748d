//! A connection that is served as a profile says.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use framelink_codec::{Decode, Encode};

use super::Connection;
use super::alarm::Alarm;
use super::handlers::Handlers;
use crate::drive::{self, Ahead, Came, Clock as _, Outcome, Outgoing};
use crate::error::Operation;
use crate::profile::{ExchangeKind, Side};
use crate::session::{Concurrency, Ending, Replies};
use crate::{Answer, Cause, CloseReport, Error, MemberId, Message, Profile, Registry};

type ErrorOf<C> = Error<<C as Decode>::Error, <C as Encode>::Error>;

impl<C: Decode + Encode> Connection<C> {
    /// Joins those that are pushed to by a registry, until it ends: what is pushed goes out while it is
    /// [served](Self::serve_many). One that had joined another registry leaves that.
    ///
    /// See [`Registry`] for an example.
    pub fn join(&mut self, registry: &Registry<C>) -> MemberId {
        let sending = &self.sender.sending;
        let mailbox = registry.join(Arc::clone(sending.framing()), sending.memory());
        self.receiver.receiving.take_heartbeat_for_first();
        self.mailbox.insert(mailbox).id()
    }

    /// Answers the messages of a client, as a profile says, until it ends: each with what `answer` says, or with nothing. A short
    /// connection has one. How many were answered.
    ///
    /// This is [`serve_many`](Self::serve_many), one at a time.
    ///
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
    ///
    /// # Errors
    /// When something came that is no message, when a message began too late or took too long, when an answer could not be
    /// sent in time, when `answer` panicked, when the connection failed, and when its time was over
    /// ([`Cause::Ended`](crate::Cause::Ended): it was closed in good order then).
    pub async fn serve<F: Future<Output: Answer>>(
        self,
        profile: &Profile,
        answer: impl FnMut(Message) -> F,
    ) -> Result<u64, ErrorOf<C>> {
        self.serve_many(profile, Concurrency::default(), answer).await
    }

    /// The same with so many answers at a time. While they are made more messages are read, up to the limit; a reply goes out as
    /// soon as the order of replies lets it. After the peer's half-close, or something that is no message, those under way are
    /// finished and sent.
    ///
    /// The answers are made in the task that awaits this, side by side: one that computes for long, or blocks, spawns that
    /// itself. One that panics ends the connection with [`Cause::HandlerPanicked`](crate::Cause::HandlerPanicked), and nothing else.
    ///
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
    ///
    /// # Errors
    /// As [`serve`](Self::serve), and when it was closed because it is too slow for what is [pushed](Registry) to it.
    pub async fn serve_many<F: Future<Output: Answer>>(
        mut self,
        profile: &Profile,
        concurrency: Concurrency,
        answer: impl FnMut(Message) -> F,
    ) -> Result<u64, ErrorOf<C>> {
        let outcome = self.serve_to_end(profile, concurrency, answer).await;
        outcome.ended.map(|()| outcome.answered)
    }

    /// The same, and what became of it all the same where it failed.
    pub(super) async fn serve_to_end<F: Future<Output: Answer>>(
        &mut self,
        profile: &Profile,
        concurrency: Concurrency,
        answer: impl FnMut(Message) -> F,
    ) -> Outcome<ErrorOf<C>> {
        let (answered, served) = self.serve_requests(profile, concurrency, answer).await;
        self.receiver.receiving.take_requests(false);
        let close = profile.timeouts().close;
        let (ended, discarded) = match served {
            Ok(()) => match self.end_served(profile).await {
                Ok((discarded, closed)) => (closed.map(drop), discarded),
                Err(error) => (Err(error), 0),
            },
            // What was answered before is not to be destroyed by a reset.
            Err(error) if drive::ends_in_order(error.cause()) => (Err(error), self.close_and_count(close).await.0),
            Err(error) if matches!(error.cause(), Cause::Ended(Ending::Cut)) => (Err(error), self.count_unread().await),
            Err(error) => (Err(error), 0),
        };
        Outcome { answered, discarded, ended }
    }

    /// Until there are no more requests. How many were answered, whatever it has come to.
    async fn serve_requests<F: Future<Output: Answer>>(
        &mut self,
        profile: &Profile,
        concurrency: Concurrency,
        mut answer: impl FnMut(Message) -> F,
    ) -> (u64, Result<(), ErrorOf<C>>) {
        // A preamble goes out though nothing was asked.
        if let Err(error) = self.flush().await {
            return (0, Err(error));
        }
        let mut serving = Serving::new(self, profile, concurrency);
        let served = poll_fn(|context| serving.poll(self, context, &mut answer)).await;
        (serving.replies.answered(), served)
    }

    /// Whoever closes first does, and the other follows.
    async fn end_served(&mut self, profile: &Profile) -> Result<Counted<ErrorOf<C>>, ErrorOf<C>> {
        let close = profile.timeouts().close;
        if profile.connection().short().is_some_and(|short| short.closes == Side::Client) {
            // Whatever comes instead of the end is taken by the close.
            match self.recv_within(close).await {
                Err(error) if drive::is_lost(error.cause()) => return Err(error),
                _ => {}
            }
        }
        Ok(self.close_and_count(close).await)
    }
}

/// How many messages came while a connection was closed, and what that came to.
type Counted<E> = (usize, Result<CloseReport, E>);

/// A connection while it is served.
struct Serving<C: Decode + Encode, F> {
    replies: Replies,
    outgoing: Outgoing<C>,
    handlers: Handlers<F>,
    is_short: bool,
    takes_turns: bool,
    /// What was read before there was room for it, and whether that is all.
    ahead: Ahead<Result<Option<Message>, ErrorOf<C>>>,
    has_read_all: bool,
    /// What reading has come to, once there are no more requests.
    end: Option<Result<(), ErrorOf<C>>>,
    alarm: Alarm,
}

impl<C: Decode + Encode, F: Future<Output: Answer>> Serving<C, F> {
    fn new(connection: &mut Connection<C>, profile: &Profile, concurrency: Concurrency) -> Self {
        if profile.exchange() == ExchangeKind::Sync {
            connection.receiver.receiving.take_turns();
        }
        connection.receiver.receiving.take_requests(true);
        let (mailbox, sending) = (connection.mailbox.take(), &connection.sender.sending);
        Self {
            replies: Replies::new(concurrency).count_memory(sending.memory(), profile.limits().handled()),
            outgoing: Outgoing::new(mailbox, profile.timeouts().write, sending),
            handlers: Handlers::new(),
            is_short: profile.connection().short().is_some(),
            takes_turns: profile.exchange() == ExchangeKind::Sync,
            ahead: Ahead::new(sending.memory()),
            has_read_all: false,
            end: None,
            alarm: Alarm::unset(),
        }
    }

    /// Goes as far as it can. Ready when there are no more requests and all that is owed is written.
    fn poll(
        &mut self,
        connection: &mut Connection<C>,
        context: &mut Context<'_>,
        answer: &mut impl FnMut(Message) -> F,
    ) -> Poll<Result<(), ErrorOf<C>>> {
        let clock = connection.clock;
        self.outgoing.tell(context.waker());
        connection.receiver.receiving.wake_when_told(context.waker());
        if let Some(ending) = connection.receiver.receiving.told() {
            // It is possible that no task reads or writes at this moment.
            return Poll::Ready(Err(Error::new(Operation::Serve, connection.peer_addr(), Cause::Ended(ending))));
        }
        loop {
            self.handle(connection, context)?;
            self.write(connection, context)?;
            if self.end.is_some() && self.replies.is_empty() {
                return Poll::Ready(self.end.take().unwrap_or(Ok(())));
            }
            if let Poll::Ready(received) = self.poll_request(connection, context) {
                if let Some(received) = received {
                    self.take(connection, received, answer)?;
                }
                continue;
            }
            // While nothing is read it is still to be seen that we live.
            let is_reading = self.end.is_none() && self.ahead.has_room();
            let beat_at = if is_reading { None } else { connection.sender.sending.on_time(clock.now()) };
            if connection.sender.sending.owes_beat() {
                self.write(connection, context)?;
            }
            let deadline = [self.outgoing.deadline(&self.replies), beat_at].into_iter().flatten().min();
            let deadline = deadline.map(|at| clock.at(at));
            // Then writing is tried once more, and says that it took too long.
            ready!(self.alarm.poll(context, deadline));
        }
    }

    /// The next request, if there is room for it. Where heartbeats are expected some are read ahead: the peer must not seem dead, nor we,
    /// while all handlers are busy. `None` when a heartbeat is due, or one was read ahead.
    fn poll_request(
        &mut self,
        connection: &mut Connection<C>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Option<Message>, ErrorOf<C>>>> {
        let has_room = self.replies.room() > 0;
        if has_room && let Some(ahead) = self.ahead.pop() {
            if self.takes_turns {
                connection.receiver.receiving.hold_pulse();
            }
            return Poll::Ready(Some(ahead));
        }
        let may_be_ahead = connection.pulse().is_some() && self.ahead.has_room();
        if self.end.is_some() || self.has_read_all || !(has_room || may_be_ahead) {
            return Poll::Pending;
        }
        let received = match ready!(connection.receiver.poll_came(context)) {
            Ok(Came::Beat | Came::Wait(_)) => return Poll::Ready(None),
            Ok(Came::Message(message)) => Ok(Some(message)),
            Ok(Came::Closed) => Ok(None),
            Err(error) => Err(error),
        };
        if has_room {
            return Poll::Ready(Some(received));
        }
        self.has_read_all = !matches!(received, Ok(Some(_)));
        let len = received.as_ref().map_or(0, |message| message.as_ref().map_or(0, |message| message.len()));
        self.ahead.push(received, len);
        Poll::Ready(None)
    }

    /// Goes on with the handlers that can.
    fn handle(&mut self, connection: &Connection<C>, context: &mut Context<'_>) -> Result<(), ErrorOf<C>> {
        let (replies, clock) = (&mut self.replies, connection.clock);
        let mut failed = None;
        let polled = self.handlers.poll(context, |place, answer| match answer.into_reply() {
            Ok(reply) => drop(replies.answer(place, reply, clock.now())),
            Err(error) => failed = Some(error),
        });
        let polled = polled.and_then(|()| failed.map_or(Ok(()), |error| Err(Cause::HandlerFailed(error))));
        polled.map_err(|cause| Error::new(Operation::Serve, connection.peer_addr(), cause))
    }

    /// Writes what is due, as far as the socket takes it now.
    fn write(&mut self, connection: &mut Connection<C>, context: &mut Context<'_>) -> Result<(), ErrorOf<C>> {
        let (outgoing, replies, peer) = (&mut self.outgoing, &mut self.replies, connection.peer_addr());
        let sender = &mut connection.sender;
        let written = sender.poll_output(context, |sending, port, clock| outgoing.write(replies, sending, port, clock));
        written.map(drop).map_err(|error| Error::new(Operation::Serve, peer, error.into_cause()))
    }

    /// What reading has come to. What came whole before an error is answered before it is told; but not where there is nobody left
    /// to answer.
    fn take(
        &mut self,
        connection: &Connection<C>,
        received: Result<Option<Message>, ErrorOf<C>>,
        answer: &mut impl FnMut(Message) -> F,
    ) -> Result<(), ErrorOf<C>> {
        match received {
            Ok(Some(message)) => {
                let failed = |cause| Error::new(Operation::Serve, connection.peer_addr(), cause);
                if let Some(place) = self.replies.take_request(message.len()) {
                    self.handlers.push(place, drive::guarded(|| answer(message)).map_err(failed)?);
                }
                if self.is_short {
                    self.end = Some(Ok(()));
                }
            }
            Ok(None) => self.end = Some(Ok(())),
            Err(error) if drive::is_lost(error.cause()) => return Err(error),
            Err(error) => self.end = Some(Err(error)),
        }
        Ok(())
    }
}
