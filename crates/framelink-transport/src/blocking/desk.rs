//! What the threads that serve one connection share.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Wake, Waker};
use std::time::Duration;

use framelink_codec::Encode;

use super::stream::Closer;
use crate::clock::Clock;
use crate::drive::{Ahead, Clock as _, Outgoing};
use crate::error::{Cause, Operation};
use crate::session::{Notice, Place, Pulse, Replies, Sending, Transmit};
use crate::{Error, Message};

/// Requests go from the thread that reads to those that handle them, and replies from there to the one that writes.
///
/// Locked for moments only, and never across a wait.
pub(super) struct Desk<D, E> {
    state: Mutex<State<D, E>>,
    /// Told when another request may be read.
    room: Condvar,
    /// Told when there is a request to handle.
    work: Condvar,
    /// Told when there may be something to write.
    outgoing: Condvar,
    /// What ends the waits of those that read and write.
    closer: Option<Closer>,
    /// Whether the peer is too slow for what is pushed to it.
    is_too_slow: Option<Watch>,
    /// What tells the connection to end.
    notice: Option<Arc<Notice>>,
    clock: Clock,
    peer: Option<SocketAddr>,
}

pub(super) type Watch = Box<dyn Fn() -> bool + Send + Sync>;

struct State<D, E> {
    replies: Replies,
    requests: VecDeque<(Place, Message)>,
    /// Requests for which there is no place yet, read so that heartbeats behind them are seen.
    ahead: Ahead<Message>,
    /// How many threads handle requests, or are about to, and how many of them wait for one.
    threads: usize,
    idle: usize,
    /// Whether no more requests come.
    is_last: bool,
    /// Why the connection was given up.
    over: Option<Error<D, E>>,
}

impl<D, E> State<D, E> {
    /// Gives places to what was read ahead, as far as there are any. True if one was given.
    fn place(&mut self) -> bool {
        let mut has_placed = false;
        while !self.ahead.is_empty()
            && let Some(place) = self.replies.take_request(self.ahead.next_len())
            && let Some(message) = self.ahead.pop()
        {
            self.requests.push_back((place, message));
            has_placed = true;
        }
        has_placed
    }
}

impl<D, E> Desk<D, E> {
    pub(super) fn new(
        replies: Replies,
        ahead: Ahead<Message>,
        clock: Clock,
        closer: Option<Closer>,
        peer: Option<SocketAddr>,
        is_too_slow: Option<Watch>,
        notice: Option<Arc<Notice>>,
    ) -> Self {
        let requests = VecDeque::new();
        let state = Mutex::new(State { replies, requests, ahead, threads: 0, idle: 0, is_last: false, over: None });
        Self {
            state,
            room: Condvar::new(),
            work: Condvar::new(),
            outgoing: Condvar::new(),
            closer,
            is_too_slow,
            notice,
            clock,
            peer,
        }
    }

    /// Waits until another request may be read; false if there is to be none. Some may be read ahead.
    pub(super) fn has_room(&self, reads_ahead: bool) -> bool {
        let state = self.state();
        let is_full = |state: &mut State<D, E>| {
            let may_be_ahead = reads_ahead && state.ahead.has_room();
            state.over.is_none() && !may_be_ahead && (state.replies.room() == 0 || !state.ahead.is_empty())
        };
        self.room.wait_while(state, is_full).unwrap_or_else(PoisonError::into_inner).over.is_none()
    }

    /// A request came. True if a thread is to be begun to handle it. Where the peer has one at a time its pulse is held meanwhile.
    pub(super) fn take(&self, message: Message, held: Option<&Pulse>) -> bool {
        let mut state = self.state();
        if let Some(pulse) = held {
            pulse.hold();
        }
        let len = message.len();
        state.ahead.push(message, len);
        state.place();
        self.work.notify_one();
        let is_wanted = state.requests.len() > state.idle && state.threads < state.replies.limit();
        state.threads += usize::from(is_wanted);
        is_wanted
    }

    /// The thread that was to be begun to handle requests could not be. Whether there are others.
    pub(super) fn goes_on_without(&self) -> bool {
        let mut state = self.state();
        state.threads -= 1;
        state.threads > 0
    }

    /// Waits for a request to handle; `None` when there are no more.
    pub(super) fn request(&self) -> Option<(Place, Message)> {
        let mut state = self.state();
        state.idle += 1;
        let nothing = |state: &mut State<D, E>| {
            let has_ended = state.is_last && state.ahead.is_empty();
            state.requests.is_empty() && !has_ended && state.over.is_none()
        };
        state = self.work.wait_while(state, nothing).unwrap_or_else(PoisonError::into_inner);
        state.idle -= 1;
        if state.over.is_some() { None } else { state.requests.pop_front() }
    }

    pub(super) fn finish(&self, place: Place, reply: Option<Vec<u8>>) {
        let now = self.clock.now();
        let mut state = self.state();
        state.replies.answer(place, reply, now);
        // Nothing as an answer makes room too.
        if state.place() {
            self.work.notify_all();
        }
        drop(state);
        self.room.notify_one();
        self.outgoing.notify_one();
    }

    /// No more requests come.
    pub(super) fn no_more(&self) {
        self.state().is_last = true;
        self.work.notify_all();
        self.outgoing.notify_one();
    }

    /// The connection is given up. The first reason counts, for the others follow from it.
    pub(super) fn end(&self, error: Error<D, E>) {
        let mut state = self.state();
        state.over.get_or_insert(error);
        state.ahead.clear();
        drop(state);
        self.room.notify_one();
        self.work.notify_all();
        self.outgoing.notify_one();
        if let Some(close) = &self.closer {
            close();
        }
    }

    /// Waits until there is something to write and hands it on; until when that is to be written, or `None` when all is.
    pub(super) fn hand_on<C, S: Encode>(
        self: &Arc<Self>,
        outgoing: &mut Outgoing<C>,
        sending: &mut Sending<S>,
        within: Duration,
    ) -> Result<Option<Duration>, Cause<D, S::Error>>
    where
        D: Send + Sync + Copy + 'static,
        E: Send + Sync + Copy + 'static,
    {
        let waker = self.bell();
        let mut state = self.state();
        loop {
            outgoing.tell(&waker);
            if state.over.is_some() {
                return Ok(None);
            }
            outgoing.fill(&mut state.replies, sending)?;
            sending.wake(&waker);
            let beat_at = sending.on_time(self.clock.now());
            if sending.poll() != Transmit::Idle || sending.owes_beat() {
                sending.note_queued();
                let deadline = outgoing.deadline(&state.replies);
                return Ok(Some(deadline.unwrap_or_else(|| self.clock.within(within))));
            }
            // What is empty on the wire is written already.
            outgoing.settle(&mut state.replies, sending, self.clock.now());
            if state.place() {
                self.work.notify_all();
            }
            if state.is_last && state.replies.is_empty() && state.ahead.is_empty() {
                return Ok(None);
            }
            state = match beat_at.map(|at| at.saturating_sub(self.clock.now())) {
                Some(left) => self.outgoing.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0,
                None => self.outgoing.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// Wakes the thread that writes when there may be a reply, and all threads when the connection is to end.
    pub(super) fn bell(self: &Arc<Self>) -> Waker
    where
        D: Send + Sync + Copy + 'static,
        E: Send + Sync + Copy + 'static,
    {
        Arc::new(Bell(Arc::downgrade(self))).into()
    }

    /// Looks what was written. An error if that has taken too long.
    pub(super) fn settle<C, S: Encode>(
        &self,
        outgoing: &mut Outgoing<C>,
        sending: &Sending<S>,
    ) -> Result<(), Cause<D, S::Error>> {
        let mut state = self.state();
        outgoing.settle(&mut state.replies, sending, self.clock.now());
        if state.place() {
            self.work.notify_all();
        }
        self.room.notify_one();
        if sending.is_empty() { Ok(()) } else { outgoing.check(&state.replies, sending, &self.clock) }
    }

    pub(super) const fn error(&self, cause: Cause<D, E>) -> Error<D, E> {
        Error::new(Operation::Serve, self.peer, cause)
    }

    /// How many were answered, and why the connection was given up if it was.
    pub(super) fn outcome(&self) -> (u64, Result<(), Error<D, E>>) {
        let mut state = self.state();
        (state.replies.answered(), state.over.take().map_or(Ok(()), Err))
    }

    /// Whoever panicked while holding it was in the middle of nothing that others could not go on from.
    fn state(&self) -> MutexGuard<'_, State<D, E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells whoever writes that there may be something: something was pushed to the connection, it is to be closed, or a heartbeat is due.
/// It holds nothing: what it is kept in may live longer than the connection.
struct Bell<D, E>(Weak<Desk<D, E>>);

impl<D: Send + Sync + Copy + 'static, E: Send + Sync + Copy + 'static> Wake for Bell<D, E> {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let Some(desk) = self.0.upgrade() else { return };
        if let Some(ending) = desk.notice.as_ref().and_then(|notice| notice.abrupt()) {
            return desk.end(desk.error(Cause::Ended(ending)));
        }
        if desk.is_too_slow.as_ref().is_some_and(|is_too_slow| is_too_slow()) {
            // Whoever writes may be in the middle of that, and wait for long.
            return desk.end(desk.error(Cause::TooSlow));
        }
        // Locked, so that whoever looks for something to write has looked, or waits.
        drop(desk.state());
        desk.outgoing.notify_one();
    }
}
