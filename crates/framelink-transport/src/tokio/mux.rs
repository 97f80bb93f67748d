//! The sending half that the callers and the receiver of one connection share.

use std::borrow::Cow;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use framelink_codec::{Decode, Encode};
use tokio::io::AsyncWrite;
use tokio::sync::futures::Notified;
use tokio::sync::{Notify, oneshot};

use super::SendHalf;
use super::clock::Clock;
use crate::LateReply;
use crate::calls::{self, CauseOf, Outcome, Over, SendSide};
use crate::drive::Clock as _;
use crate::error::{Cause, Error};
use crate::session::{ByteCount, Matching, NotBegun, Sending, Ticket, Transmit};

pub(super) type Mux<C, W> = calls::Mux<C, oneshot::Sender<Outcome<C>>, SharedSender<C, W>>;
pub(crate) type Begun<C> = calls::Begun<oneshot::Receiver<Outcome<C>>>;

/// The shared sending half, and the notifications for tasks that wait for it.
///
/// No lock is held across a wait. A sending task writes as much as the socket takes at once. When the socket is
/// writable again, it wakes the task that polls the receiver and all tasks that wait for their message to be written,
/// any of which writes the rest.
pub(crate) struct SharedSender<C: Encode, W> {
    state: Mutex<MuxState<C, W>>,
    /// The queue of calls that wait for room, in order.
    pub(super) turn: tokio::sync::Mutex<()>,
    /// Notified when a call is over, because there may be room then.
    pub(super) room: Notify,
    /// Notified when a call is over, because its key may be free then.
    pub(super) keys: Notify,
    writable: Arc<Writable>,
    written: ByteCount,
    clock: Clock,
}

struct MuxState<C: Encode, W> {
    half: SendHalf<C, W>,
    /// Whether sending has failed. The call table has the reason.
    has_failed: bool,
}

/// The only waker that writes are polled with. The waker of one task would replace another, and be lost with its task.
struct Writable {
    /// The task that polls the receiver.
    receiver: Mutex<Waker>,
    /// Notified when the socket is writable, and when a part of the queue is written.
    drained: Notify,
}

/// The result of offering a message for sending.
pub(crate) enum Offer<T> {
    /// The message was accepted.
    Taken(T),
    /// Too many bytes are queued.
    NoRoom,
    /// The call has to wait until another call is over.
    Later(NotBegun),
}

impl<C: Decode + Encode, W: AsyncWrite + Unpin> Mux<C, W> {
    pub(super) fn new(half: SendHalf<C, W>, matching: Matching, clock: Clock) -> Arc<Self> {
        let (peer, written) = (half.peer_addr(), half.byte_count());
        let writable = Writable { receiver: Mutex::new(Waker::noop().clone()), drained: Notify::new() };
        let state = Mutex::new(MuxState { half, has_failed: false });
        let (writable, (turn, room, keys)) = (Arc::new(writable), Default::default());
        Self::with(matching, SharedSender { state, turn, room, keys, writable, written, clock }, peer)
    }

    /// Begins a call if there is room, and sends its request. If the call has company, its request may be queued only:
    /// [`share_write`](Self::share_write) comes next.
    pub(crate) fn begin(&self, request: &[u8], within: Duration) -> Result<Offer<Begun<C>>, CauseOf<C>> {
        let (slot, answer) = oneshot::channel();
        let mut request = Cow::Borrowed(request);
        let mut state = self.send.lock();
        let now = self.send.now();
        let entered = match self.enter(&mut request, slot, now, now.saturating_add(within)) {
            Ok(entered) => entered,
            Err(refusal) => {
                drop(state);
                return self.refuse(refusal).map(Offer::Later);
            }
        };
        let shared = entered.share(&mut state.half.sending, &request);
        let is_shared = shared.is_some();
        let offered = shared.map_or_else(|| self.offer(&mut state, &request), |queued| queued.map(Some));
        let call = entered.call;
        let Ok(Some(ticket)) = offered else {
            self.forget(call);
            return offered.map(|_| Offer::NoRoom);
        };
        drop(state);
        if !is_shared {
            self.send.notify_drained();
        }
        Ok(Offer::Taken(calls::Begun { call, ticket, answer }))
    }

    /// Writes a request that was queued only, together with those that other tasks have ready: their tasks run first.
    /// Each task makes sure of its own request, so that none depends on another task or on the receiver. If the future
    /// is dropped, the request is written at once.
    pub(super) async fn share_write(&self, ticket: Ticket) {
        if ticket.is_written(self.send.written()) {
            return;
        }
        let _writing = SharedWrite { mux: self, ticket };
        let mut has_waited = false;
        poll_fn(|context| {
            if std::mem::replace(&mut has_waited, true) {
                return Poll::Ready(());
            }
            // The task goes to the end of the runtime's queue. (`yield_now` would also wait for a poll of the system.)
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    /// Sends a message that is not a request.
    pub(super) fn send(&self, message: &[u8]) -> Result<Offer<Ticket>, CauseOf<C>> {
        let mut state = self.send.lock();
        if state.has_failed {
            return Err(self.failed().unwrap_or(Cause::Closed));
        }
        let Some(ticket) = self.offer(&mut state, message)? else { return Ok(Offer::NoRoom) };
        drop(state);
        self.send.notify_drained();
        Ok(Offer::Taken(ticket))
    }

    /// Shuts down writing after everything that is queued is written.
    pub(super) fn finish(&self) {
        let mut state = self.send.lock();
        state.half.sending.finish();
        if !state.has_failed {
            self.push(&mut state);
        }
        drop(state);
        self.send.notify_drained();
    }

    /// Writes what the socket takes now. Returns whether the message is written, or an error if it never will be.
    pub(super) fn is_written(&self, ticket: Ticket) -> Result<bool, CauseOf<C>> {
        self.written_on(|sending| sending.is_out(ticket))
    }

    /// Writes what the socket takes now. Returns whether the queue is written and a requested shutdown done.
    pub(super) fn is_flushed(&self) -> Result<bool, CauseOf<C>> {
        self.written_on(|sending| sending.is_finished() || sending.poll() == Transmit::Idle)
    }

    fn written_on(&self, is_done: impl Fn(&Sending<Arc<C>>) -> bool) -> Result<bool, CauseOf<C>> {
        let mut state = self.send.lock();
        let has_news = !is_done(&state.half.sending) && self.push_rest(&mut state);
        let is_done = is_done(&state.half.sending);
        let failed = if is_done { None } else { self.failed() };
        drop(state);
        if has_news {
            self.send.notify_drained();
        }
        failed.map_or(Ok(is_done), Err)
    }

    /// Does the remaining work of the senders, in the task that polls the receiver.
    pub(super) fn poll_sender(&self, context: &mut Context<'_>) {
        self.send.writable.set_receiver(context.waker());
        self.push_queue();
    }

    /// Writes the rest of the queue, as far as the socket takes it.
    fn push_queue(&self) {
        let mut state = self.send.lock();
        let has_news = self.push_rest(&mut state);
        drop(state);
        if has_news {
            self.send.notify_drained();
        }
    }

    /// Accepts a message if there is room for it, and writes as much as the socket takes.
    fn offer(&self, state: &mut MuxState<C, W>, message: &[u8]) -> Result<Option<Ticket>, CauseOf<C>> {
        let waker = self.send.writable.waker();
        let put = state.half.poll_put(&mut Context::from_waker(&waker), message).map_err(Error::into_cause);
        match &put {
            Ok(Some(_)) => self.push(state),
            Ok(None) | Err(Cause::Refused(_)) => {}
            Err(cause) => self.on_failure(state, cause),
        }
        put
    }

    /// Writes what is queued, as far as the socket takes it.
    fn push(&self, state: &mut MuxState<C, W>) {
        let waker = self.send.writable.waker();
        if let Err(error) = state.half.poll_flush(&mut Context::from_waker(&waker)) {
            self.on_failure(state, error.cause());
        }
    }

    /// Writes the rest of the queue, as far as the socket takes it. Returns whether waiting tasks have to be notified.
    fn push_rest(&self, state: &mut MuxState<C, W>) -> bool {
        if state.has_failed || !state.half.sending.has_output() {
            return false;
        }
        let before = self.send.written.get();
        self.push(state);
        state.has_failed || self.send.written.get() > before || !state.half.sending.has_output()
    }

    fn on_failure(&self, state: &mut MuxState<C, W>, cause: &CauseOf<C>) {
        if !std::mem::replace(&mut state.has_failed, true) {
            self.fail(cause);
        }
    }
}

/// Writes what is queued when it is dropped, unless another task has written the request of this ticket.
struct SharedWrite<'m, C: Decode + Encode, W: AsyncWrite + Unpin> {
    mux: &'m Mux<C, W>,
    ticket: Ticket,
}

impl<C: Decode + Encode, W: AsyncWrite + Unpin> Drop for SharedWrite<'_, C, W> {
    fn drop(&mut self) {
        let Self { mux, ticket } = self;
        if !ticket.is_written(mux.send.written()) {
            mux.push_queue();
        }
    }
}

impl<C: Decode + Encode, W: AsyncWrite + Unpin> SharedSender<C, W> {
    /// Returns the notification that a part of the queue is written, or can be. Create it before checking the queue.
    pub(super) fn drained(&self) -> Notified<'_> {
        self.writable.drained.notified()
    }

    pub(super) fn unwritten_bytes(&self) -> usize {
        self.lock().half.unwritten_bytes()
    }

    fn notify_drained(&self) {
        self.writable.drained.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, MuxState<C, W>> {
        #[cfg(test)]
        crate::simulated::turn();
        // The lock is used even after a panic, because no step leaves the state inconsistent.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C: Decode + Encode, W: AsyncWrite + Unpin> SendSide<C> for SharedSender<C, W> {
    type Slot = oneshot::Sender<Outcome<C>>;
    type Answer = oneshot::Receiver<Outcome<C>>;

    const FAILURE_ENDS_READS: bool = false;

    fn fill(slot: Self::Slot, outcome: Outcome<C>) -> Option<LateReply> {
        slot.send(outcome).err().and_then(Result::ok)
    }

    fn last(answer: &mut Self::Answer) -> Option<Outcome<C>> {
        answer.close();
        answer.try_recv().ok()
    }

    fn now(&self) -> Duration {
        self.clock.now()
    }

    fn written(&self) -> u64 {
        self.written.get()
    }

    fn may_write(&self) -> bool {
        !self.lock().has_failed
    }

    fn give_up<T>(&self, end: impl FnOnce() -> T) -> T {
        let mut state = self.lock();
        let is_news = !std::mem::replace(&mut state.has_failed, true);
        state.half.give_up();
        let ended = end();
        drop(state);
        if is_news {
            self.writable.wake_by_ref();
        }
        ended
    }

    fn on_failed(&self) {
        self.writable.wake_by_ref();
    }

    fn on_over(&self, calls: Over) {
        self.room.notify_one();
        self.keys.notify_waiters();
        if calls == Over::All {
            self.notify_drained();
        }
    }

    fn on_reclaimed(&self) {
        self.writable.wake_by_ref();
    }
}

impl Writable {
    fn waker(self: &Arc<Self>) -> Waker {
        Arc::clone(self).into()
    }

    fn set_receiver(&self, waker: &Waker) {
        let mut receiver = self.receiver.lock().unwrap_or_else(PoisonError::into_inner);
        if !receiver.will_wake(waker) {
            let before = std::mem::replace(&mut *receiver, waker.clone());
            // The lock is released first, because dropping a waker may drop a task, and with it a call that locks this.
            drop(receiver);
            drop(before);
        }
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
