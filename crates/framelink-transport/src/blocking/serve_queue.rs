//! The state that the threads of a served connection share.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, PoisonError, Weak};
use std::task::{Wake, Waker};
use std::time::Duration;

use framelink_codec::Encode;

use super::stream::Closer;
use crate::drive::Clock as _;
use crate::error::{Cause, Error, Operation};
use crate::net::clock::Clock;
use crate::net::lock::Lock;
use crate::registry::Slot;
use crate::server::{PlacedRequest, ServedOutput, ServedRequests};
use crate::session::{Notice, ReplySlot, Sending, Transmit};
use framelink_session::Message;

/// Passes requests from the thread that reads to the threads that handle them, and replies to the thread that writes.
///
/// Its lock is held only briefly, and never across a wait.
pub(super) struct ServeQueue<D, E, R> {
    state: Lock<QueueState<D, E, R>>,
    /// Notified when another request may be read.
    room: Condvar,
    /// Notified when there is a request to handle.
    work: Condvar,
    /// Notified when there may be something to write.
    output: Condvar,
    ends: QueueEnds,
    clock: Clock,
    peer: Option<SocketAddr>,
}

/// What can end a connection while its threads wait.
pub(super) struct QueueEnds {
    /// Ends the waits of the threads that read and write.
    pub(super) closer: Option<Closer>,
    /// The mailbox of a registry: the peer may be too slow for pushed messages.
    pub(super) pushed: Option<Arc<Slot>>,
    /// Tells the connection to end.
    pub(super) notice: Option<Arc<Notice>>,
}

struct QueueState<D, E, R> {
    requests: ServedRequests<D, E, R>,
    /// Requests that no handler has taken yet.
    waiting: VecDeque<PlacedRequest>,
    /// How many threads handle requests or are about to, and how many of them wait for a request.
    threads: usize,
    idle: usize,
    /// Why the connection was given up.
    failed: Option<Error<D, E>>,
}

impl<D, E, R: AsRef<[u8]>> QueueState<D, E, R> {
    /// Places requests that were read ahead. Returns true if it placed one.
    fn place(&mut self) -> bool {
        let before = self.waiting.len();
        self.waiting.extend(std::iter::from_fn(|| self.requests.next()));
        self.waiting.len() > before
    }
}

impl<D, E, R> ServeQueue<D, E, R>
where
    D: Send + Sync + Copy + 'static,
    E: Send + Sync + Copy + 'static,
    R: AsRef<[u8]> + Send + 'static,
{
    pub(super) fn new(
        requests: ServedRequests<D, E, R>,
        ends: QueueEnds,
        clock: Clock,
        peer: Option<SocketAddr>,
    ) -> Arc<Self> {
        let state = QueueState { requests, waiting: VecDeque::new(), threads: 0, idle: 0, failed: None };
        let [room, work, output] = [const { Condvar::new() }; 3];
        Arc::new(Self { state: Lock::new(state), room, work, output, ends, clock, peer })
    }

    /// Waits until another message may be read. Returns false if no more are to be read.
    pub(super) fn may_read(&self) -> bool {
        let waits = |state: &mut QueueState<D, E, R>| !state.requests.has_read_all() && !state.requests.may_read();
        !self.room.wait_while(self.state.lock(), waits).unwrap_or_else(PoisonError::into_inner).requests.has_read_all()
    }

    /// Takes the result of a read. Returns true if another handler thread is needed.
    pub(super) fn on_received(&self, received: Result<Option<Message>, Error<D, E>>) -> bool {
        let mut state = self.state.lock();
        let request = match state.requests.on_received(received) {
            Ok(request) => request,
            Err(lost) => {
                drop(state);
                self.end(lost);
                return false;
            }
        };
        state.waiting.extend(request);
        let is_wanted = state.waiting.len() > state.idle && state.threads < state.requests.replies.limit();
        state.threads += usize::from(is_wanted);
        if state.requests.has_read_all() {
            self.work.notify_all();
            self.output.notify_one();
        } else {
            self.work.notify_one();
        }
        is_wanted
    }

    /// Notes that a handler thread could not be started. Returns whether there are others.
    pub(super) fn goes_on_without(&self) -> bool {
        let mut state = self.state.lock();
        state.threads -= 1;
        state.threads > 0
    }

    pub(super) fn next(&self) -> Option<PlacedRequest> {
        let mut state = self.state.lock();
        state.idle += 1;
        let waits = |state: &mut QueueState<D, E, R>| state.waiting.is_empty() && !state.requests.are_all_placed();
        state = self.work.wait_while(state, waits).unwrap_or_else(PoisonError::into_inner);
        state.idle -= 1;
        if state.failed.is_some() { None } else { state.waiting.pop_front() }
    }

    /// Like `next`, but does not wait.
    pub(super) fn try_next(&self) -> Option<PlacedRequest> {
        let mut state = self.state.lock();
        if state.failed.is_some() { None } else { state.waiting.pop_front() }
    }

    pub(super) fn answer(&self, place: ReplySlot, reply: Option<R>) {
        let now = self.clock.now();
        let mut state = self.state.lock();
        state.requests.answer(place, reply, now);
        // An empty answer makes room too.
        if state.place() {
            self.work.notify_all();
        }
        drop(state);
        self.room.notify_one();
        self.output.notify_one();
    }

    /// Gives the connection up. The first error counts, because later ones follow from it.
    pub(super) fn end(&self, error: Error<D, E>) {
        let mut state = self.state.lock();
        state.failed.get_or_insert(error);
        state.requests.give_up();
        drop(state);
        self.room.notify_one();
        self.work.notify_all();
        self.output.notify_one();
        if let Some(close) = &self.ends.closer {
            close();
        }
    }

    /// Waits for something to write, and queues it. Returns the deadline of the write, or `None` when all is written.
    pub(super) fn fill<C, S: Encode>(
        self: &Arc<Self>,
        output: &mut ServedOutput<C>,
        sending: &mut Sending<S>,
        within: Duration,
    ) -> Result<Option<Duration>, Cause<D, S::Error>> {
        let waker = self.waker();
        let mut state = self.state.lock();
        loop {
            output.wake(&waker);
            if state.failed.is_some() {
                return Ok(None);
            }
            output.fill(&mut state.requests.replies, sending)?;
            sending.wake(&waker);
            let beat_at = sending.on_time(self.clock.now());
            if sending.poll() != Transmit::Idle || sending.owes_beat() {
                sending.note_queued();
                let deadline = output.deadline(&state.requests.replies);
                return Ok(Some(deadline.unwrap_or_else(|| self.clock.within(within))));
            }
            // A message that is empty on the wire counts as written.
            self.count_written(&mut state, output, sending);
            if state.requests.is_over() {
                return Ok(None);
            }
            state = match beat_at.map(|at| at.saturating_sub(self.clock.now())) {
                Some(left) => self.output.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0,
                None => self.output.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// Counts what was written.
    ///
    /// # Errors
    /// If writing a reply has taken too long.
    pub(super) fn settle<C, S: Encode>(
        &self,
        output: &mut ServedOutput<C>,
        sending: &Sending<S>,
    ) -> Result<(), Cause<D, S::Error>> {
        let mut state = self.state.lock();
        self.count_written(&mut state, output, sending);
        self.room.notify_one();
        if sending.is_empty() { Ok(()) } else { output.check(&state.requests.replies, sending, &self.clock) }
    }

    fn count_written<C, S: Encode>(
        &self,
        state: &mut QueueState<D, E, R>,
        output: &mut ServedOutput<C>,
        sending: &Sending<S>,
    ) {
        output.settle(&mut state.requests.replies, sending, self.clock.now());
        if state.place() {
            self.work.notify_all();
        }
    }

    /// Returns a waker for the thread that writes, or for all threads if the connection is to end.
    pub(super) fn waker(self: &Arc<Self>) -> Waker {
        Arc::new(QueueWaker(Arc::downgrade(self))).into()
    }

    pub(super) fn error(&self, cause: Cause<D, E>) -> Error<D, E> {
        Error::new(Operation::Serve, self.peer, cause)
    }

    pub(super) fn outcome(&self) -> (u64, Result<(), Error<D, E>>) {
        let mut state = self.state.lock();
        let ended = state.failed.take().map_or_else(|| state.requests.ended().unwrap_or(Ok(())), Err);
        (state.requests.replies.answered(), ended)
    }
}

/// Wakes the threads of a connection when a message is pushed, a heartbeat is due, or the connection is to be closed.
/// It holds a weak reference, because its owner may outlive the connection.
struct QueueWaker<D, E, R>(Weak<ServeQueue<D, E, R>>);

impl<D, E, R> Wake for QueueWaker<D, E, R>
where
    D: Send + Sync + Copy + 'static,
    E: Send + Sync + Copy + 'static,
    R: AsRef<[u8]> + Send + 'static,
{
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let Some(queue) = self.0.upgrade() else { return };
        if let Some(ending) = queue.ends.notice.as_ref().and_then(|notice| notice.abrupt()) {
            return queue.end(queue.error(Cause::Ended(ending)));
        }
        if queue.ends.pushed.as_ref().is_some_and(|pushed| pushed.is_closed()) {
            // The thread that writes may be in a long wait.
            return queue.end(queue.error(Cause::TooSlow));
        }
        // Taking the lock ensures that the thread that writes either waits or has not yet looked for output.
        drop(queue.state.lock());
        queue.output.notify_one();
    }
}
