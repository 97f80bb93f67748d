//! What the callers and the receiver of one connection share.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use framelink_codec::{Decode, Encode};
use tokio::io::AsyncWrite;
use tokio::sync::futures::Notified;
use tokio::sync::{Notify, oneshot};

use super::SendHalf;
use super::clock::Clock;
use crate::drive::{self, Calls, Clock as _, Taken};
use crate::error::Cause;
use crate::session::{CallId, Matching, NotBegun, Sending, Sent, Ticket, Transmit};
use crate::{Incoming, LateReply, Message};

pub(super) type CauseOf<C> = Cause<<C as Decode>::Error, <C as Encode>::Error>;
/// What a call comes to. A call that is dropped before it has taken its reply hands the reply back as a late one.
pub(super) type Outcome<C> = Result<LateReply, CauseOf<C>>;
pub(super) type TakenOf<C> = Taken<oneshot::Sender<Outcome<C>>>;
type CallsOf<C> = Calls<oneshot::Sender<Outcome<C>>, <C as Decode>::Error, <C as Encode>::Error>;

/// A sending half, the calls in flight, and who waits for what.
///
/// No lock is held across a wait. A task that sends writes as much as the socket takes at once. When the socket takes more it wakes the
/// task that polls the receiver and all tasks that wait for their message to be written: any of them writes the rest.
pub(super) struct Mux<C: Decode + Encode, W> {
    state: Mutex<State<C, W>>,
    /// Where calls wait one behind the other until there is room.
    pub(super) turn: tokio::sync::Mutex<()>,
    /// Told when a call is over, so that there may be room.
    pub(super) room: Notify,
    /// Told when a call is over, so that its key may be free.
    pub(super) keys: Notify,
    writable: Arc<Writable>,
    pub(super) peer: Option<SocketAddr>,
    clock: Clock,
}

struct State<C: Decode + Encode, W> {
    sender: SendHalf<C, W>,
    calls: CallsOf<C>,
    /// Why nothing more can be sent, from the moment that this was seen until the receiver has taken what had come before.
    failed: Option<CauseOf<C>>,
    /// Replies that calls had and did not take before they were dropped: for the receiver. At most one for each call in flight.
    late: VecDeque<LateReply>,
    /// Whoever polls the receiver.
    waker: Waker,
    writable: Arc<Writable>,
}

/// What the socket wakes when it takes more. It is the only waker that writes are polled with: a waker of one task would take the place
/// of that of another, and would be of no use when its task is cancelled.
struct Writable {
    /// That of the task that polls the receiver.
    receiver: Mutex<Waker>,
    /// Told also when some of what was queued is written.
    drained: Notify,
}

/// A call whose request is on its way.
pub(super) struct Begun<C: Decode + Encode> {
    pub(super) call: CallId,
    pub(super) ticket: Ticket,
    pub(super) answer: oneshot::Receiver<Outcome<C>>,
}

/// What sending came to.
pub(super) enum Offer<T> {
    Taken(T),
    /// Too much is queued.
    NoRoom,
}

impl<C: Decode + Encode, W: AsyncWrite + Unpin> Mux<C, W> {
    pub(super) fn new(sender: SendHalf<C, W>, matching: Matching, clock: Clock) -> Arc<Self> {
        let peer = sender.peer_addr();
        let (calls, waker) = (Calls::new(matching), Waker::noop().clone());
        let writable = Arc::new(Writable { receiver: Mutex::new(waker.clone()), drained: Notify::new() });
        let (late, of_state) = (VecDeque::new(), Arc::clone(&writable));
        let state = Mutex::new(State { sender, calls, failed: None, late, waker, writable: of_state });
        let (turn, room, keys) = Default::default();
        Arc::new(Self { state, turn, room, keys, writable, peer, clock })
    }

    /// Begins a call, if there is room for it, and sends its request.
    pub(super) fn begin(&self, request: &[u8], within: Duration) -> Result<Offer<Begun<C>>, CauseOf<C>> {
        let mut state = self.lock();
        if let Some(cause) = &state.failed {
            return Err(cause.again());
        }
        let (waiter, answer) = oneshot::channel();
        let mut request = Cow::Borrowed(request);
        let now = self.clock.now();
        let call = match state.calls.begin(&mut request, waiter, now, now.saturating_add(within)) {
            Ok(call) => call,
            Err(refused) => {
                let must_end = state.calls.must_end();
                drop(state);
                return Err(must_end.inspect(|cause| self.end(cause)).unwrap_or(refused));
            }
        };
        match state.offer(&request) {
            Ok(Some(ticket)) => {
                drop(state);
                self.writable.drained.notify_waiters();
                Ok(Offer::Taken(Begun { call, ticket, answer }))
            }
            Ok(None) => {
                state.calls.forget(call);
                Ok(Offer::NoRoom)
            }
            Err(cause) => {
                state.calls.forget(call);
                Err(cause)
            }
        }
    }

    /// Sends a message that is no request.
    pub(super) fn send(&self, message: &[u8]) -> Result<Offer<Ticket>, CauseOf<C>> {
        let mut state = self.lock();
        match &state.failed {
            Some(cause) => Err(cause.again()),
            None => match state.offer(message)? {
                Some(ticket) => {
                    drop(state);
                    self.writable.drained.notify_waiters();
                    Ok(Offer::Taken(ticket))
                }
                None => Ok(Offer::NoRoom),
            },
        }
    }

    /// Ends our side, when what is queued is written.
    pub(super) fn finish(&self) {
        let mut state = self.lock();
        state.sender.sending.finish();
        state.push();
        drop(state);
        self.writable.drained.notify_waiters();
    }

    /// Told when some of what was queued may have been written, or can be. To be had before looking whether it is, so that nothing is
    /// missed.
    pub(super) fn drained(&self) -> Notified<'_> {
        self.writable.drained.notified()
    }

    /// Writes what the socket takes now. Whether a message was written whole; an error if it never will be.
    pub(super) fn is_written(&self, ticket: Ticket) -> Result<bool, CauseOf<C>> {
        self.written_on(|sending| sending.is_out(ticket))
    }

    /// Writes what the socket takes now. Whether all that was queued is written, and our side ended if it was to; an error if it never
    /// will be.
    pub(super) fn is_flushed(&self) -> Result<bool, CauseOf<C>> {
        self.written_on(|sending| sending.is_finished() || sending.poll() == Transmit::Idle)
    }

    fn written_on(&self, is_done: impl Fn(&Sending<Arc<C>>) -> bool) -> Result<bool, CauseOf<C>> {
        let mut state = self.lock();
        let has_news = !is_done(&state.sender.sending) && state.push_rest();
        let done = match (is_done(&state.sender.sending), &state.failed) {
            (false, Some(cause)) => Err(cause.again()),
            (is_done, _) => Ok(is_done),
        };
        drop(state);
        if has_news {
            self.writable.drained.notify_waiters();
        }
        done
    }

    pub(super) fn unwritten_bytes(&self) -> usize {
        self.lock().sender.unwritten_bytes()
    }

    pub(super) fn in_flight(&self) -> usize {
        self.lock().calls.in_flight().len()
    }

    pub(super) fn unanswered(&self) -> usize {
        self.lock().calls.in_flight().unanswered()
    }

    /// Whether a call that was refused may be tried again when another one is over.
    pub(super) fn may_wait(&self, why: NotBegun) -> bool {
        drive::may_wait(why, self.lock().calls.in_flight().matching())
    }

    /// Nobody waits for the call any more, because its time is over or not. Why it failed, and what the peer may have seen of it;
    /// `None` if it has been answered, or the connection has ended.
    pub(super) fn give_up(&self, call: CallId, ticket: Ticket, after: Option<Duration>) -> Option<(Sent, CauseOf<C>)> {
        let mut state = self.lock();
        let was_waited_for = match after {
            Some(_) => state.calls.in_flight_mut().give_up(call),
            None => state.calls.in_flight_mut().cancel(call),
        };
        let cause = state.timed_out(ticket, after.unwrap_or_default());
        let must_end = state.calls.must_end();
        if must_end.is_some() {
            state.sender.give_up();
        }
        let written = state.sender.byte_count().get();
        let sent = drive::sent_of_given_up(ticket, written, &cause, must_end.is_none());
        drop(state);
        self.is_over();
        if let Some(cause) = must_end {
            self.end(&cause);
        }
        was_waited_for.then_some((sent, cause))
    }

    /// Why a message was not written in that time.
    pub(super) fn not_written(&self, is_accepted: bool, after: Duration) -> CauseOf<C> {
        let unwritten = self.unwritten_bytes();
        if is_accepted {
            Cause::TimedOut { after, unwritten_bytes: unwritten, unfinished: None }
        } else {
            Cause::NoRoom { after, queued_bytes: unwritten }
        }
    }

    /// What the peer may have seen of a request.
    pub(super) fn sent(&self, ticket: Ticket, cause: &CauseOf<C>) -> Sent {
        self.lock().sent(ticket, cause)
    }

    /// Whoever polls the receiver does what is left to be done for the senders.
    pub(super) fn poll_sender(&self, context: &mut Context<'_>) {
        let mut state = self.lock();
        if !state.waker.will_wake(context.waker()) {
            state.waker = context.waker().clone();
            state.writable.set_receiver(context.waker());
        }
        let has_news = state.push_rest();
        drop(state);
        if has_news {
            self.writable.drained.notify_waiters();
        }
    }

    /// A message for the receiver, unless it was the reply to a call.
    pub(super) fn take(&self, message: Message) -> Option<Incoming> {
        let taken = self.whose(message);
        self.hand_over(taken)
    }

    /// Whose a message is.
    pub(super) fn whose(&self, message: Message) -> TakenOf<C> {
        let now = self.clock.now();
        self.lock().calls.take(message, now)
    }

    /// Gives a reply to its call. No lock is held, because that wakes a task, and waking may drop one.
    pub(super) fn hand_over(&self, taken: TakenOf<C>) -> Option<Incoming> {
        let incoming = match taken {
            Taken::Incoming(Incoming::Message(message)) => return Some(Incoming::Message(message)),
            Taken::Incoming(late) => Some(late),
            Taken::Untold => {
                let must_end = self.lock().calls.must_end();
                if let Some(cause) = must_end {
                    self.end(&cause);
                }
                None
            }
            // The call may have been given up since the reply was found to be its own.
            Taken::Reply(waiter, reply) => waiter.send(Ok(reply)).err().and_then(Result::ok).map(Incoming::Late),
        };
        self.is_over();
        incoming
    }

    /// What has become of a call whose time is over, when it was not waited for any more: its outcome, if that is there. Otherwise
    /// it is about to be told why the connection has ended; or its reply has come at this moment, and is late.
    pub(super) fn last_outcome(
        &self,
        answer: &mut oneshot::Receiver<Outcome<C>>,
        ticket: Ticket,
        within: Duration,
    ) -> Outcome<C> {
        // What is sent from now on goes back to the receiver.
        answer.close();
        if let Ok(outcome) = answer.try_recv() {
            return outcome;
        }
        let state = self.lock();
        Err(state.calls.over().map_or_else(|| state.timed_out(ticket, within), Cause::again))
    }

    /// A call was dropped that was not waited for any more: a reply that it has not taken is for the receiver.
    pub(super) fn reclaim(&self, answer: &mut oneshot::Receiver<Outcome<C>>) {
        answer.close();
        let Ok(Ok(reply)) = answer.try_recv() else { return };
        let mut state = self.lock();
        state.late.push_back(reply);
        let waker = state.waker.clone();
        drop(state);
        waker.wake();
    }

    /// A late reply that a call has handed back.
    pub(super) fn reclaimed(&self) -> Option<LateReply> {
        self.lock().late.pop_front()
    }

    /// Why nothing more can be sent, if so.
    pub(super) fn failed(&self) -> Option<CauseOf<C>> {
        self.lock().failed.as_ref().map(Cause::again)
    }

    /// Why there can be no more calls, if so.
    pub(super) fn over(&self) -> Option<CauseOf<C>> {
        self.lock().calls.over().map(Cause::again)
    }

    /// The connection is given up.
    pub(super) fn end(&self, cause: &CauseOf<C>) {
        let mut state = self.lock();
        state.fail(cause);
        state.sender.give_up();
        let waiters = state.calls.end(cause);
        drop(state);
        self.tell(waiters, cause);
    }

    /// No reply comes any more.
    pub(super) fn end_calls(&self, cause: &CauseOf<C>) {
        let waiters = self.lock().calls.end(cause);
        self.tell(waiters, cause);
    }

    fn tell(&self, waiters: Vec<oneshot::Sender<Outcome<C>>>, cause: &CauseOf<C>) {
        for waiter in waiters {
            let _ = waiter.send(Err(cause.again()));
        }
        self.is_over();
        self.writable.drained.notify_waiters();
    }

    fn is_over(&self) {
        self.room.notify_one();
        self.keys.notify_waiters();
    }

    /// Whoever panicked while holding it was in the middle of nothing that others could not go on from.
    fn lock(&self) -> MutexGuard<'_, State<C, W>> {
        #[cfg(test)]
        crate::fuzz::simulated::turn();
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writable {
    fn waker(self: &Arc<Self>) -> Waker {
        Arc::clone(self).into()
    }

    fn set_receiver(&self, waker: &Waker) {
        let mut receiver = self.receiver.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *receiver, waker.clone());
        drop(receiver);
        drop(before);
    }
}

impl Wake for Writable {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.drained.notify_waiters();
        let receiver = self.receiver.lock().unwrap_or_else(PoisonError::into_inner).clone();
        receiver.wake();
    }
}

impl<C: Decode + Encode, W: AsyncWrite + Unpin> State<C, W> {
    /// Accepts a message if there is room for it, and writes as much as the socket takes.
    fn offer(&mut self, message: &[u8]) -> Result<Option<Ticket>, CauseOf<C>> {
        let waker = self.writable.waker();
        let put = self.sender.poll_put(&mut Context::from_waker(&waker), message);
        match put.map_err(crate::Error::into_cause) {
            Ok(Some(ticket)) => {
                self.push();
                Ok(Some(ticket))
            }
            Ok(None) => Ok(None),
            Err(cause) => {
                if !matches!(cause, Cause::Refused(_)) {
                    self.fail(&cause);
                }
                Err(cause)
            }
        }
    }

    /// Writes what is queued, as far as the socket takes it.
    fn push(&mut self) {
        let waker = self.writable.waker();
        if let Err(error) = self.sender.poll_flush(&mut Context::from_waker(&waker)) {
            self.fail(error.cause());
        }
    }

    /// Does so with what is left. Whether that changed anything for those who wait for it.
    fn push_rest(&mut self) -> bool {
        if self.failed.is_some() || !self.sender.sending.has_output() {
            return false;
        }
        let before = self.sender.byte_count().get();
        self.push();
        self.failed.is_some() || self.sender.byte_count().get() > before || !self.sender.sending.has_output()
    }

    /// Nothing more can be sent. The receiver has the last word: what had come before that counts.
    fn fail(&mut self, cause: &CauseOf<C>) {
        if self.failed.is_none() {
            self.failed = Some(cause.again());
            self.writable.wake_by_ref();
        }
    }

    fn timed_out(&self, ticket: Ticket, after: Duration) -> CauseOf<C> {
        let is_written = self.sender.sending.is_written(ticket);
        let unwritten_bytes = if is_written { 0 } else { self.sender.unwritten_bytes() };
        Cause::TimedOut { after, unwritten_bytes, unfinished: None }
    }

    fn sent(&self, ticket: Ticket, cause: &CauseOf<C>) -> Sent {
        // Where only the peer's side has ended, what is queued leaves still.
        let goes_on = self.failed.is_none();
        drive::sent_of_given_up(ticket, self.sender.byte_count().get(), cause, goes_on)
    }
}
