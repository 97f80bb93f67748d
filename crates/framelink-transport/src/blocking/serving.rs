//! Serving a connection, in one thread or in several.

use std::future;
use std::io;
use std::sync::Arc;
use std::thread::{self, Scope};
use std::time::Duration;

use framelink_codec::{Decode, Encode};

use super::serve_queue::{QueueEnds, ServeQueue};
use super::{Connection, ReadStream, RecvHalf, SendHalf};
use crate::connection::ErrorOf;
use crate::driver::{plain, ready};
use crate::error::Cause;
use crate::net::threads::spawn_scoped;
use crate::profile::Profile;
use crate::server::{
    Answer, HandlerResult, ServeInPlace, ServedOutcome, ServedOutput, ServedRequests, WrittenReply, end_served,
    handled, join_method, open_served, serve_in_place, serve_in_place_method, serve_in_turn, serve_many_method,
    serve_method, served_connection,
};
use crate::session::{Concurrency, Ending};
use framelink_session::Message;

/// Who handles requests while another thread writes.
enum Handling<'h, A, F> {
    /// Threads that are started as needed.
    InThreads(&'h F),
    /// The thread that reads. Each request is answered before the next is read.
    InTurn(&'h mut dyn FnMut(Message) -> A),
}

type QueueOf<C, A> = Arc<ServeQueue<<C as Decode>::Error, <C as Encode>::Error, <A as Answer>::Bytes>>;

impl<C: Decode + Encode> Connection<C> {
    join_method!();

    serve_method! {
        /// ```no_run
        /// # fn example() -> Result<(), Box<dyn std::error::Error>> {
        /// use std::sync::Arc;
        /// use framelink_transport::{Framing, Profile, blocking::Listener};
        ///
        /// let profile = Arc::new(Profile::template("short-sync", "ascii:4".parse::<Framing>()?)?);
        /// let mut listener = Listener::bind_profile("0.0.0.0:7000", &profile)?;
        /// while let Some(connection) = listener.accept()? {
        ///     let profile = Arc::clone(&profile);
        ///     std::thread::spawn(move || connection.serve(&profile, |message| Some(message.to_vec())));
        /// }
        /// # Ok(())
        /// # }
        /// ```
        ready, A: Answer, Self::serve_one_by_one, where C: Send + Sync
    }

    serve_many_method! {
        /// ```no_run
        /// # fn example(connection: framelink_transport::blocking::Connection, profile: framelink_transport::Profile)
        /// # -> Result<(), Box<dyn std::error::Error>> {
        /// use framelink_transport::session::{Concurrency, ReplyOrder};
        ///
        /// let concurrency = Concurrency::new(8).order_by(ReplyOrder::Finished);
        /// connection.serve_many(&profile, concurrency, |request| Some(request.to_vec()))?;
        /// # Ok(())
        /// # }
        /// ```
        ready, A: Answer, (Fn(Message) -> A + Sync) where C: Send + Sync
    }

    serve_in_place_method!(ready, "blocking", "fn", "" where C: Send + Sync);

    /// Serves the connection with a handler that does not wait, and closes it. This thread does all of the work, unless
    /// messages are pushed: then another thread writes.
    pub(super) async fn serve_in_place_to_end<H: HandlerResult>(
        &mut self,
        mut how: impl ServeInPlace<H>,
    ) -> ServedOutcome<ErrorOf<C>>
    where
        C: Send + Sync,
    {
        if self.mailbox.is_none() {
            return serve_in_place(self, how).await;
        }
        let (profile, peer, begun) = (how.profile().clone(), self.peer_addr(), self.begin_served().await);
        let (answered, served) = self.serve_pushed(begun, &profile, &mut |request: Message| {
            WrittenReply::by(&request, |request, reply| how.answer(request, peer, reply))
        });
        end_served(self, &profile, answered, served).await
    }

    /// Serves the connection in this thread, and closes it. If messages are pushed, another thread writes.
    async fn serve_one_by_one<A: Answer>(
        &mut self,
        profile: &Profile,
        mut answer: impl FnMut(Message) -> A,
    ) -> ServedOutcome<ErrorOf<C>>
    where
        C: Send + Sync,
    {
        if self.mailbox.is_none() {
            return serve_in_turn(self, profile, answer).await;
        }
        let begun = self.begin_served().await;
        let (answered, served) = self.serve_pushed(begun, profile, &mut answer);
        end_served(self, profile, answered, served).await
    }

    /// Answers in this thread, beside one that writes.
    fn serve_pushed<A: Answer>(
        &mut self,
        begun: Result<(), ErrorOf<C>>,
        profile: &Profile,
        answer: &mut dyn FnMut(Message) -> A,
    ) -> (u64, Result<(), ErrorOf<C>>)
    where
        C: Send + Sync,
    {
        let handling = Handling::<'_, _, fn(Message) -> A>::InTurn(answer);
        self.serve_beside_writer(begun, profile, Concurrency::default(), handling)
    }

    /// Serves the connection with several threads, and closes it.
    pub(super) async fn serve_to_end<A: Answer>(
        &mut self,
        profile: &Profile,
        concurrency: Concurrency,
        answer: impl Fn(Message) -> A + Sync,
    ) -> ServedOutcome<ErrorOf<C>>
    where
        C: Send + Sync,
    {
        let begun = self.begin_served().await;
        let (answered, served) = self.serve_beside_writer(begun, profile, concurrency, Handling::InThreads(&answer));
        end_served(self, profile, answered, served).await
    }

    /// Finishes what comes before the first request. Sends the preamble even if no request arrives.
    async fn begin_served(&mut self) -> Result<(), ErrorOf<C>> {
        open_served(self).await?;
        self.flush()
    }

    /// Serves the connection, if it has begun well, with a thread that writes. Returns how many requests were answered.
    fn serve_beside_writer<A: Answer>(
        &mut self,
        begun: Result<(), ErrorOf<C>>,
        profile: &Profile,
        concurrency: Concurrency,
        handling: Handling<'_, A, impl Fn(Message) -> A + Sync>,
    ) -> (u64, Result<(), ErrorOf<C>>)
    where
        C: Send + Sync,
    {
        if let Err(error) = begun {
            return (0, Err(error));
        }
        let (clock, peer, within, mailbox) =
            (self.receiver.clock, self.peer_addr(), profile.timeouts().write, self.mailbox.take());
        let (receiver, sender) = (&mut self.receiver, &mut self.sender);
        let ends = QueueEnds {
            closer: receiver.reader.as_ref().and_then(ReadStream::closer),
            pushed: mailbox.as_ref().map(|mailbox| Arc::clone(&mailbox.slot)),
            notice: receiver.receiving.notice().cloned(),
        };
        let mut requests = ServedRequests::begin(&mut receiver.receiving, &sender.sending, profile, concurrency);
        if let Handling::InTurn(_) = handling {
            requests.read_in_turn();
        }
        let output = ServedOutput::new(mailbox, within, &sender.sending);
        let queue: QueueOf<C, A> = ServeQueue::new(requests, ends, clock, peer);
        // Needed because possibly no thread reads or writes at this moment.
        receiver.receiving.wake_when_told(&queue.waker());
        thread::scope(|threads| {
            let queue = &queue;
            if let Err(error) = begin::<C, A>(threads, queue, move || write::<C, A>(queue, sender, output, within)) {
                queue.end(queue.error(Cause::Io(error)));
            }
            match handling {
                Handling::InThreads(answer) => read::<C, A, _>(queue, receiver, |is_wanted| {
                    if is_wanted {
                        begin_handler::<C, A>(threads, queue, answer);
                    }
                }),
                Handling::InTurn(answer) => read::<C, A, _>(queue, receiver, |_| handle_waiting::<C, A>(queue, answer)),
            }
        });
        queue.outcome()
    }
}

served_connection!(plain, _limit => flush(), |connection: &mut Self, step| future::ready(connection.served(step)));

/// Starts a handler thread. If the system has no thread left, the others go on; without any, the connection ends.
fn begin_handler<'s, C: Decode + Encode, A: Answer>(
    threads: &'s Scope<'s, '_>,
    queue: &'s QueueOf<C, A>,
    answer: &'s (impl Fn(Message) -> A + Sync),
) {
    if let Err(error) = begin::<C, A>(threads, queue, move || handle::<C, A>(queue, answer))
        && !queue.goes_on_without()
    {
        queue.end(queue.error(Cause::Io(error)));
    }
}

/// Starts a thread whose failure ends the connection.
fn begin<'s, C: Decode + Encode, A: Answer>(
    threads: &'s Scope<'s, '_>,
    queue: &'s QueueOf<C, A>,
    work: impl FnOnce() -> Result<(), ErrorOf<C>> + Send + 's,
) -> io::Result<()> {
    spawn_scoped(threads, || work().unwrap_or_else(|error| queue.end(error))).map(drop)
}

/// Reads requests. Calls `handle` after each, with whether another handler thread is wanted.
fn read<C: Decode + Encode, A: Answer, R: ReadStream>(
    queue: &QueueOf<C, A>,
    receiver: &mut RecvHalf<C, R>,
    mut handle: impl FnMut(bool),
) {
    while queue.may_read() {
        handle(queue.on_received(receiver.recv()));
    }
    // Handlers may run for long. If the connection was cut, what arrived is still counted.
    if receiver.receiving.told() != Some(Ending::Cut) {
        receiver.receiving.forget_if_told();
    }
}

fn handle<C: Decode + Encode, A: Answer>(
    queue: &QueueOf<C, A>,
    answer: &impl Fn(Message) -> A,
) -> Result<(), ErrorOf<C>> {
    while let Some((place, request)) = queue.next() {
        let reply = handled(|| answer(request));
        queue.answer(place, reply.map_err(|cause| queue.error(cause))?);
    }
    Ok(())
}

/// Handles the requests that wait, in this thread.
fn handle_waiting<C: Decode + Encode, A: Answer>(queue: &QueueOf<C, A>, answer: &mut dyn FnMut(Message) -> A) {
    while let Some((place, request)) = queue.try_next() {
        match handled(|| answer(request)) {
            Ok(reply) => queue.answer(place, reply),
            Err(cause) => queue.end(queue.error(cause)),
        }
    }
}

fn write<C: Decode + Encode, A: Answer>(
    queue: &QueueOf<C, A>,
    sender: &mut SendHalf<C>,
    mut output: ServedOutput<C>,
    within: Duration,
) -> Result<(), ErrorOf<C>> {
    let failed = |cause| queue.error(cause);
    while let Some(deadline) = queue.fill(&mut output, &mut sender.sending, within).map_err(failed)? {
        sender.sending.memory().settle();
        match sender.flush_until(Some(deadline), within) {
            Err(error) if !matches!(error.cause(), Cause::TimedOut { .. }) => return Err(failed(error.into_cause())),
            // Only a reply can take too long to write; a pushed message may wait.
            _ => queue.settle(&mut output, &sender.sending).map_err(failed)?,
        }
    }
    Ok(())
}
