//! What the callers and the receiver of one connection share.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, SyncSender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use framelink_codec::{Decode, Encode};

use super::port::SLICE;
use super::stream::Closer;
use super::turn::{Held, Turn};
use super::{SendHalf, WriteStream};
use crate::clock::Clock;
use crate::drive::{self, Calls, Clock as _, Taken};
use crate::error::Cause;
use crate::session::{ByteCount, CallId, Matching, NotBegun, Pulse, Sent, Ticket};
use crate::{Error, Incoming, Message};

pub(super) type CauseOf<C> = Cause<<C as Decode>::Error, <C as Encode>::Error>;
/// What a call comes to.
pub(super) type Outcome<C> = Result<Message, CauseOf<C>>;
type CallsOf<C> = Calls<SyncSender<Outcome<C>>, <C as Decode>::Error, <C as Encode>::Error>;

/// A sending half, the calls in flight, and who waits for what.
///
/// Whoever sends has the sending half for so long and writes in its own thread; the calls are locked for moments only, and never
/// across a wait.
pub(super) struct Mux<C: Decode + Encode, W> {
    sender: Turn<SendHalf<C, W>>,
    /// Whether something was left to be written when the sending half was given back last.
    has_rest: AtomicBool,
    state: Mutex<State<C>>,
    /// Told when a call is over, so that there may be room.
    room: Condvar,
    /// Told when a call is over, so that its key may be free.
    keys: Condvar,
    /// What ends the wait of the receiver, and of whoever watches.
    closers: Vec<Closer>,
    written: ByteCount,
    pub(super) peer: Option<SocketAddr>,
    pub(super) clock: Clock,
}

struct State<C: Decode + Encode> {
    calls: CallsOf<C>,
    /// Why nothing more can be sent, from the moment that this was seen until the receiver has taken what had come before.
    failed: Option<CauseOf<C>>,
    /// How often a call was over: whoever waits for that sees whether it has missed one.
    overs: u64,
}

/// The sending half, while it is had.
pub(super) struct Sender<'m, C: Decode + Encode, W> {
    half: Held<'m, SendHalf<C, W>>,
    has_rest: &'m AtomicBool,
}

/// How often the receiver looks, while nothing comes, whether a message whose sending was given up has left a rest: nothing ends its wait
/// then.
pub(super) const LOOK: Duration = Duration::from_millis(250);

/// A call whose request is on its way.
pub(super) struct Begun<C: Decode + Encode> {
    pub(super) call: CallId,
    pub(super) ticket: Ticket,
    pub(super) answer: mpsc::Receiver<Outcome<C>>,
}

impl<C: Decode + Encode, W: WriteStream> Mux<C, W> {
    pub(super) fn new(sender: SendHalf<C, W>, matching: Matching, clock: Clock, closers: Vec<Closer>) -> Arc<Self> {
        let (peer, written) = (sender.peer_addr(), sender.byte_count());
        let state = Mutex::new(State { calls: Calls::new(matching), failed: None, overs: 0 });
        let (sender, room, keys) = (Turn::new(sender, clock), Condvar::new(), Condvar::new());
        let has_rest = AtomicBool::new(false);
        Arc::new(Self { sender, has_rest, state, room, keys, closers, written, peer, clock })
    }

    /// Waits for the sending half; `None` if it is not free before the deadline.
    pub(super) fn sender(&self, deadline: Option<Duration>) -> Option<Sender<'_, C, W>> {
        let half = self.sender.take(deadline)?;
        Some(Sender { half, has_rest: &self.has_rest })
    }

    /// Writes a heartbeat that is due, and what is left of a message whose sending was given up, if no other thread is sending: one that is
    /// takes it along. True if it is to be tried again.
    pub(super) fn tend(&self, pulse: Option<&Pulse>) -> bool {
        let has_due = || pulse.is_some_and(Pulse::has_due);
        if pulse.is_none() && !self.has_rest.load(Ordering::Relaxed) {
            return false;
        }
        let Some(mut sender) = self.sender(Some(Duration::ZERO)) else { return has_due() };
        // A call that has ended the connection says what the peer may have seen: nothing is written after that.
        if sender.sending.has_output() && self.over().is_some_and(|cause| !matches!(cause, Cause::NoReply)) {
            return false;
        }
        if sender.sending.has_output()
            && let Err(error) = sender.flush_until(Some(self.clock.within(SLICE)), SLICE)
            && !matches!(error.cause(), Cause::TimedOut { .. })
        {
            drop(sender);
            self.fail(error.cause());
            return false;
        }
        sender.sending.has_output()
    }

    /// Begins a call as soon as there is room for it, and writes its request, until the deadline at most.
    pub(super) fn begin(&self, request: &[u8], deadline: Duration) -> Result<Begun<C>, (Sent, CauseOf<C>)> {
        let not_sent = |cause| (Sent::Not, cause);
        loop {
            let no_room = || not_sent(Cause::NoRoom { after: Duration::ZERO, queued_bytes: 0 });
            // Held from here to the write, so that requests go out in the order in which their calls began.
            let mut sender = self.sender(Some(deadline)).ok_or_else(no_room)?;
            let (waiter, answer) = mpsc::sync_channel(1);
            let mut request = Cow::Borrowed(request);
            let mut state = self.state();
            match state.calls.begin(&mut request, waiter, self.clock.now(), deadline) {
                Ok(call) => {
                    drop(state);
                    let ticket = self.write(&mut sender, call, &request, deadline)?;
                    return Ok(Begun { call, ticket, answer });
                }
                Err(Cause::NotBegun(why)) if drive::may_wait(why, state.calls.in_flight().matching()) => {
                    drop(sender);
                    if why == NotBegun::DuplicateKey {
                        // The room that we were told of is another's.
                        self.room.notify_one();
                    }
                    self.wait(state, why, deadline).map_err(not_sent)?;
                }
                Err(refused) => {
                    let must_end = state.calls.must_end();
                    drop(state);
                    self.room.notify_one();
                    return Err(not_sent(must_end.inspect(|cause| self.end(cause)).unwrap_or(refused)));
                }
            }
        }
    }

    /// Why a call did not come to anything, and what the peer may have seen of it; `None` if it has been answered.
    pub(super) fn give_up(&self, call: CallId, ticket: Ticket, after: Duration) -> Option<(Sent, CauseOf<C>)> {
        let written = self.written.get();
        let unwritten_bytes = ticket.unwritten(written);
        let cause = Cause::TimedOut { after, unwritten_bytes, unfinished: None };
        let mut state = self.state();
        let was_waited_for = state.calls.in_flight_mut().give_up(call);
        let must_end = state.calls.must_end();
        let goes_on = must_end.is_none();
        drop(state);
        self.is_over();
        if let Some(cause) = must_end {
            self.end(&cause);
        }
        was_waited_for.then(|| (self.sent_if(ticket, &cause, goes_on), cause))
    }

    /// What the peer may have seen of a request on a link that has ended.
    pub(super) fn sent(&self, ticket: Ticket, cause: &CauseOf<C>) -> Sent {
        // Where only the peer's side has ended, what is queued leaves still.
        self.sent_if(ticket, cause, matches!(cause, Cause::NoReply))
    }

    /// The same. While somebody writes it may be more than is known.
    fn sent_if(&self, ticket: Ticket, cause: &CauseOf<C>, goes_on: bool) -> Sent {
        let nobody_writes = self.sender(Some(Duration::ZERO)).is_some();
        drive::sent_of_given_up(ticket, self.written.get(), cause, goes_on || !nobody_writes)
    }

    /// A message for the receiver, unless it was the reply to a call.
    pub(super) fn take(&self, message: Message) -> Option<Incoming> {
        let now = self.clock.now();
        let taken = self.state().calls.take(message, now);
        let incoming = match taken {
            Taken::Incoming(Incoming::Message(message)) => return Some(Incoming::Message(message)),
            Taken::Incoming(late) => Some(late),
            Taken::Untold => {
                let must_end = self.state().calls.must_end();
                if let Some(cause) = must_end {
                    self.end(&cause);
                }
                None
            }
            Taken::Reply(waiter, reply) => {
                // There is room for one outcome, and this is the only one.
                let _ = waiter.send(Ok(reply.into_message()));
                None
            }
        };
        self.is_over();
        incoming
    }

    /// Why there can be no more calls, if so.
    pub(super) fn over(&self) -> Option<CauseOf<C>> {
        self.state().calls.over().map(Cause::again)
    }

    pub(super) fn in_flight(&self) -> usize {
        self.state().calls.in_flight().len()
    }

    pub(super) fn unanswered(&self) -> usize {
        self.state().calls.in_flight().unanswered()
    }

    /// The connection is given up.
    pub(super) fn end(&self, cause: &CauseOf<C>) {
        self.end_calls(cause);
        self.closers.iter().for_each(|close| close());
    }

    /// Nothing more can be sent. The receiver has the last word: what had come before that counts.
    pub(super) fn fail(&self, cause: &CauseOf<C>) {
        self.state().failed.get_or_insert_with(|| cause.again());
        self.closers.iter().for_each(|close| close());
    }

    /// Why nothing more can be sent, if so.
    pub(super) fn failed(&self) -> Option<CauseOf<C>> {
        self.state().failed.as_ref().map(Cause::again)
    }

    /// No reply comes any more.
    pub(super) fn end_calls(&self, cause: &CauseOf<C>) {
        let waiters = self.state().calls.end(cause);
        for waiter in waiters {
            let _ = waiter.send(Err(cause.again()));
        }
        self.is_over();
        self.room.notify_all();
    }

    fn write(
        &self,
        sender: &mut SendHalf<C, W>,
        call: CallId,
        request: &[u8],
        deadline: Duration,
    ) -> Result<Ticket, (Sent, CauseOf<C>)> {
        let forget = |sent, cause| {
            self.state().calls.forget(call);
            self.is_over();
            if !matches!(cause, Cause::Refused(_) | Cause::NoRoom { .. }) {
                self.fail(&cause);
            }
            (sent, cause)
        };
        let ticket = match sender.put(request, Some(deadline)).map_err(Error::into_cause) {
            Ok(Some(ticket)) => ticket,
            Ok(None) => {
                let no_room = Cause::NoRoom { after: Duration::ZERO, queued_bytes: sender.unwritten_bytes() };
                return Err(forget(Sent::Not, no_room));
            }
            Err(cause) => return Err(forget(Sent::Not, cause)),
        };
        match sender.flush_until(Some(deadline), Duration::ZERO).map_err(Error::into_cause) {
            // What is not written in time leaves before anything else; the reply does not come in time.
            Ok(()) | Err(Cause::TimedOut { .. }) => Ok(ticket),
            Err(cause) => Err(forget(drive::sent_of(ticket, self.written.get(), &cause), cause)),
        }
    }

    /// Waits until some call is over. What is waited for is the error when that is not before the deadline.
    fn wait(&self, mut state: MutexGuard<'_, State<C>>, why: NotBegun, deadline: Duration) -> Result<(), CauseOf<C>> {
        let told = if why == NotBegun::DuplicateKey { &self.keys } else { &self.room };
        let overs = state.overs;
        loop {
            let left = deadline.saturating_sub(self.clock.now());
            if state.overs != overs && !left.is_zero() {
                return Ok(());
            }
            if left.is_zero() {
                // Whoever told us may have meant another.
                told.notify_one();
                return Err(Cause::NotBegun(why));
            }
            state = told.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn is_over(&self) {
        self.state().overs += 1;
        self.room.notify_one();
        self.keys.notify_all();
    }

    /// Whoever panicked while holding it was in the middle of nothing that others could not go on from.
    fn state(&self) -> MutexGuard<'_, State<C>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C: Decode + Encode, W> Deref for Sender<'_, C, W> {
    type Target = SendHalf<C, W>;

    fn deref(&self) -> &Self::Target {
        &self.half
    }
}

impl<C: Decode + Encode, W> DerefMut for Sender<'_, C, W> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.half
    }
}

/// Before another thread can have it.
impl<C: Decode + Encode, W> Drop for Sender<'_, C, W> {
    fn drop(&mut self) {
        self.has_rest.store(self.half.sending.has_output(), Ordering::Relaxed);
    }
}
