//! A connection that is served as a profile says.

use std::io;
use std::sync::Arc;
use std::thread::{self, Scope};
use std::time::Duration;

use framelink_codec::{Decode, Encode};

use super::desk::{Desk, Watch};
use super::{Connection, ReadStream, RecvHalf, SendHalf};
use crate::drive::{self, Ahead, Outcome, Outgoing};
use crate::error::Operation;
use crate::profile::{ExchangeKind, Side};
use crate::session::{Concurrency, Replies};
use crate::threads::spawn_scoped;
use crate::{Answer, Cause, CloseReport, Error, MemberId, Message, Profile, Registry};

type ErrorOf<C> = Error<<C as Decode>::Error, <C as Encode>::Error>;
type DeskOf<C> = Arc<Desk<<C as Decode>::Error, <C as Encode>::Error>>;

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
    /// All of it in this thread, one after the other. What is pushed to the connection does not go out: that takes
    /// [`serve_many`](Self::serve_many).
    ///
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
    ///
    /// # Errors
    /// When something came that is no message, when a message began too late or took too long, when an answer could not be
    /// sent in time, when `answer` panicked, when the connection failed, and when its time was over ([`Cause::Ended`]: it was closed
    /// in good order then).
    pub fn serve<A: Answer>(self, profile: &Profile, answer: impl FnMut(Message) -> A) -> Result<u64, ErrorOf<C>> {
        let outcome = self.serve_in_turn(profile, answer);
        outcome.ended.map(|()| outcome.answered)
    }

    /// The same, and what became of it all the same where it failed.
    pub(super) fn serve_in_turn<A: Answer>(
        mut self,
        profile: &Profile,
        answer: impl FnMut(Message) -> A,
    ) -> Outcome<ErrorOf<C>> {
        self.receiver.receiving.take_requests(true);
        let mut answered = 0;
        let served = self.answer_all(profile, answer, &mut answered);
        self.end_outcome(profile, answered, served)
    }

    fn answer_all<A: Answer>(
        &mut self,
        profile: &Profile,
        mut answer: impl FnMut(Message) -> A,
        answered: &mut u64,
    ) -> Result<(), ErrorOf<C>> {
        let peer = self.peer_addr();
        // A preamble goes out though nothing was asked.
        self.flush()?;
        let mut memory = self.sender.sending.memory().another();
        while let Some(message) = self.recv()? {
            memory.set(message.len());
            let reply = drive::answered(|| answer(message));
            let reply = reply.map_err(|cause| Error::new(Operation::Serve, peer, cause))?;
            memory.set(reply.as_ref().map_or(0, Vec::len));
            if let Some(reply) = reply {
                self.send_within(&reply, profile.timeouts().write)?;
            }
            memory.set(0);
            *answered += 1;
            self.sender.sending.on_answered(*answered, drive::Clock::now(&self.clock));
            if profile.connection().short().is_some() {
                break;
            }
        }
        Ok(())
    }

    /// The same with so many answers at a time, each made in a thread of its own. While they are made more messages are read, up to
    /// the limit; a reply goes out as soon as the order of replies lets it. After the peer's half-close, or something that is no
    /// message, those under way are finished and sent.
    ///
    /// This thread reads, another one writes, and those that answer are begun as they are needed and kept until the connection
    /// ends; all of them have ended when this returns. One that panics ends the connection with [`Cause::HandlerPanicked`],
    /// and nothing else.
    ///
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
    ///
    /// # Errors
    /// As [`serve`](Self::serve), and when it was closed because it is too slow for what is [pushed](Registry) to it.
    pub fn serve_many<A: Answer>(
        self,
        profile: &Profile,
        concurrency: Concurrency,
        answer: impl Fn(Message) -> A + Sync,
    ) -> Result<u64, ErrorOf<C>>
    where
        C: Send + Sync,
    {
        let outcome = self.serve_to_end(profile, concurrency, answer);
        outcome.ended.map(|()| outcome.answered)
    }

    /// The same, and what became of it all the same where it failed.
    pub(super) fn serve_to_end<A: Answer>(
        mut self,
        profile: &Profile,
        concurrency: Concurrency,
        answer: impl Fn(Message) -> A + Sync,
    ) -> Outcome<ErrorOf<C>>
    where
        C: Send + Sync,
    {
        // A preamble goes out though nothing was asked.
        if let Err(error) = self.flush() {
            return Outcome { answered: 0, discarded: 0, ended: Err(error) };
        }
        let within = profile.timeouts().write;
        let closer = self.receiver.reader.as_ref().and_then(ReadStream::closer);
        let mailbox = self.mailbox.take();
        let watch = mailbox.as_ref().map(|mailbox| Box::new(mailbox.watch()) as Watch);
        let memory = self.sender.sending.memory();
        let replies = Replies::new(concurrency).count_memory(memory, profile.limits().handled());
        let ahead = Ahead::new(memory);
        let notice = self.receiver.receiving.notice().cloned();
        let desk: DeskOf<C> = Arc::new(Desk::new(replies, ahead, self.clock, closer, self.peer_addr(), watch, notice));
        // It is possible that no thread reads or writes at this moment.
        self.receiver.receiving.wake_when_told(&desk.bell());
        let outgoing = Outgoing::new(mailbox, within, &self.sender.sending);
        if profile.exchange() == ExchangeKind::Sync {
            self.receiver.receiving.take_turns();
        }
        self.receiver.receiving.take_requests(true);
        let (receiver, sender, is_short) =
            (&mut self.receiver, &mut self.sender, profile.connection().short().is_some());
        let read = thread::scope(|threads| {
            let (desk, answer) = (&desk, &answer);
            start(threads, desk, move || write(desk, sender, outgoing, within));
            let read = read(desk, receiver, is_short, || start_handler(threads, desk, answer));
            desk.no_more();
            read
        });
        let (answered, outcome) = desk.outcome();
        self.end_outcome(profile, answered, outcome.and(read))
    }

    /// Closes it, in good order where that is of use to anybody.
    fn end_outcome(mut self, profile: &Profile, answered: u64, served: Result<(), ErrorOf<C>>) -> Outcome<ErrorOf<C>> {
        self.receiver.receiving.take_requests(false);
        let (ended, discarded) = match served {
            Ok(()) => match self.end_served(profile) {
                Ok((discarded, closed)) => (closed.map(drop), discarded),
                Err(error) => (Err(error), 0),
            },
            // What was answered before is not to be destroyed by a reset.
            Err(error) if drive::ends_in_order(error.cause()) => {
                (Err(error), self.close_and_count(profile.timeouts().close).0)
            }
            Err(error) => (Err(error), 0),
        };
        Outcome { answered, discarded, ended }
    }

    /// Whoever closes first does, and the other follows.
    fn end_served(mut self, profile: &Profile) -> Result<Counted<ErrorOf<C>>, ErrorOf<C>> {
        let close = profile.timeouts().close;
        if profile.connection().short().is_some_and(|short| short.closes == Side::Client) {
            // Whatever comes instead of the end is taken by the close.
            match self.recv_within(close) {
                Err(error) if drive::is_lost(error.cause()) => return Err(error),
                _ => {}
            }
        }
        Ok(self.close_and_count(close))
    }
}

/// How many messages came while a connection was closed, and what that came to.
type Counted<E> = (usize, Result<CloseReport, E>);

/// Begins a thread that ends the connection where it fails.
fn start<'s, D, E>(
    threads: &'s Scope<'s, '_>,
    desk: &'s Arc<Desk<D, E>>,
    work: impl FnOnce() -> Result<(), Error<D, E>> + Send + 's,
) where
    D: Send + Sync,
    E: Send + Sync,
{
    if let Err(error) = begin(threads, desk, work) {
        desk.end(desk.error(Cause::Io(error)));
    }
}

/// Begins a thread that answers requests. Where the system has none the others go on, and the connection ends only where there is no
/// other.
fn start_handler<'s, D, E, A: Answer>(
    threads: &'s Scope<'s, '_>,
    desk: &'s Arc<Desk<D, E>>,
    answer: &'s (impl Fn(Message) -> A + Sync),
) where
    D: Send + Sync,
    E: Send + Sync,
{
    if let Err(error) = begin(threads, desk, move || handle(desk, answer))
        && !desk.goes_on_without()
    {
        desk.end(desk.error(Cause::Io(error)));
    }
}

fn begin<'s, D, E>(
    threads: &'s Scope<'s, '_>,
    desk: &'s Arc<Desk<D, E>>,
    work: impl FnOnce() -> Result<(), Error<D, E>> + Send + 's,
) -> io::Result<()>
where
    D: Send + Sync,
    E: Send + Sync,
{
    let run = || {
        if let Err(error) = work() {
            desk.end(error);
        }
    };
    spawn_scoped(threads, run).map(drop)
}

/// Reads requests while there is room for them. An error that others came before is told when those are answered.
fn read<C: Decode + Encode, R: ReadStream>(
    desk: &DeskOf<C>,
    receiver: &mut RecvHalf<C, R>,
    is_short: bool,
    another_handler: impl Fn(),
) -> Result<(), ErrorOf<C>> {
    let reads_ahead = receiver.receiving.pulse().is_some();
    while desk.has_room(reads_ahead) {
        match receiver.recv() {
            Ok(Some(message)) => {
                if desk.take(message, receiver.receiving.held_by_turns()) {
                    another_handler();
                }
                if is_short {
                    break;
                }
            }
            Ok(None) => break,
            Err(error) if drive::is_lost(error.cause()) => {
                desk.end(error);
                break;
            }
            Err(error) => return Err(error),
        }
    }
    // Handlers may take long still.
    receiver.receiving.forget_if_told();
    Ok(())
}

/// Handles one request after the other.
fn handle<D, E, A: Answer>(desk: &Desk<D, E>, answer: &impl Fn(Message) -> A) -> Result<(), Error<D, E>> {
    while let Some((place, message)) = desk.request() {
        let reply = drive::answered(|| answer(message));
        desk.finish(place, reply.map_err(|cause| desk.error(cause))?);
    }
    Ok(())
}

/// Writes what is due until there is no more.
fn write<C: Decode + Encode>(
    desk: &DeskOf<C>,
    sender: &mut SendHalf<C>,
    mut outgoing: Outgoing<C>,
    within: Duration,
) -> Result<(), ErrorOf<C>> {
    let failed = |cause| desk.error(cause);
    while let Some(deadline) = desk.hand_on(&mut outgoing, &mut sender.sending, within).map_err(failed)? {
        sender.sending.memory().settle();
        match sender.flush_until(Some(deadline), within) {
            Err(error) if !matches!(error.cause(), Cause::TimedOut { .. }) => return Err(failed(error.into_cause())),
            // Too long only for replies: what is pushed may wait, and goes on.
            _ => desk.settle(&mut outgoing, &sender.sending).map_err(failed)?,
        }
    }
    Ok(())
}
