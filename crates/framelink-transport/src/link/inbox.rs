//! The queue of events between a link and the application.

mod methods;
#[cfg(all(test, feature = "blocking"))]
mod tests;

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Instant;

pub(crate) use self::methods::inbox_methods;
use super::{LinkConnection, LinkDriver, LinkEvent, ReplySender};
use crate::drive::TryRecv;
use crate::driver::Notify as _;
use crate::net::lock::Lock;

/// The event, and what sends on its connection.
pub(crate) type EventOfPeer<D> = (LinkEvent, ReplySender<D>);

/// The maximum number of queued events.
const CAPACITY: usize = 1024;

/// The receiving side of the queue. When it is dropped, later events are discarded.
pub(crate) struct Inbox<D: LinkDriver>(Arc<Queue<D>>);

/// The sending side of the queue. Clones use one queue.
#[derive(Clone)]
pub(crate) struct EventSender<D: LinkDriver>(Arc<Sender<D>>);

/// Closes the queue when dropped, because there can be no more events then.
struct Sender<D: LinkDriver>(Arc<Queue<D>>);

/// The sending side for the events of one link. The connections of the link have clones.
#[derive(Clone)]
pub(crate) struct Outlet<D: LinkDriver> {
    peer: Arc<str>,
    events: EventSender<D>,
    /// Whether the link was dropped. Then its connections do not wait for room.
    is_closed: Arc<AtomicBool>,
}

struct Queue<D: LinkDriver> {
    state: Lock<QueueState<D>>,
    /// Notified when there is room again, or when room is no longer needed.
    room: D::Notify,
    /// Notified when there is an event, or when there will be no more.
    filled: D::Notify,
}

struct QueueState<D: LinkDriver> {
    events: VecDeque<EventOfPeer<D>>,
    /// Whether the links and all their connections are gone.
    is_closed: bool,
    /// Whether the application has dropped the inbox.
    is_dropped: bool,
}

impl<D: LinkDriver> Inbox<D> {
    pub(crate) fn new() -> (EventSender<D>, Self) {
        let state = QueueState { events: VecDeque::new(), is_closed: false, is_dropped: false };
        let queue =
            Arc::new(Queue { state: Lock::new(state), room: D::Notify::default(), filled: D::Notify::default() });
        (EventSender(Arc::new(Sender(Arc::clone(&queue)))), Self(queue))
    }

    /// Waits for the next event, until `until` at most. Returns `Closed` when all links and connections are gone.
    pub(crate) async fn recv(&mut self, until: Option<Instant>) -> TryRecv<EventOfPeer<D>> {
        loop {
            let version = self.0.filled.version();
            match self.0.pop() {
                TryRecv::Nothing => {}
                received => return received,
            }
            if !self.0.filled.wait(version, until).await {
                return TryRecv::Nothing;
            }
        }
    }
}

impl<D: LinkDriver> Outlet<D> {
    pub(super) fn new(peer: Arc<str>, events: EventSender<D>) -> Self {
        Self { peer, events, is_closed: Arc::default() }
    }

    /// Puts an event of this connection into the queue, waiting for room. Discards the event if the link or the inbox
    /// was dropped.
    pub(super) async fn tell(&self, event: LinkEvent, connection: &Weak<LinkConnection<D>>) {
        let mut event = Some((event, ReplySender::new(Arc::clone(&self.peer), connection)));
        loop {
            let version = self.events.0.0.room.version();
            if self.events.0.0.push(&mut event) || self.is_closed.load(Ordering::Acquire) {
                return;
            }
            self.events.0.0.room.wait(version, None).await;
        }
    }

    /// Stops the connections of a dropped link from waiting for room.
    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        self.events.0.0.room.notify();
    }
}

impl<D: LinkDriver> Queue<D> {
    /// Queues the event. Returns false if there is no room.
    fn push(&self, event: &mut Option<EventOfPeer<D>>) -> bool {
        let mut state = self.state.lock();
        if state.is_dropped {
            return true;
        }
        if state.events.len() >= CAPACITY {
            return false;
        }
        let was_empty = state.events.is_empty();
        state.events.extend(event.take());
        drop(state);
        // Otherwise an earlier event has notified the reader, who has not read it yet.
        if was_empty {
            self.filled.notify();
        }
        true
    }

    fn pop(&self) -> TryRecv<EventOfPeer<D>> {
        let mut state = self.state.lock();
        let was_full = state.events.len() >= CAPACITY;
        let popped = state.events.pop_front();
        let is_last = state.is_closed;
        drop(state);
        if was_full {
            self.room.notify();
        }
        match popped {
            Some(event) => TryRecv::Message(event),
            None if is_last => TryRecv::Closed,
            None => TryRecv::Nothing,
        }
    }
}

impl<D: LinkDriver> Drop for Sender<D> {
    fn drop(&mut self) {
        self.0.state.lock().is_closed = true;
        self.0.filled.notify();
    }
}

impl<D: LinkDriver> Drop for Inbox<D> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.is_dropped = true;
        let unread = std::mem::take(&mut state.events);
        drop(state);
        self.0.room.notify();
        drop(unread);
    }
}

/// Shows no messages, because they may contain card numbers.
impl<D: LinkDriver> fmt::Debug for Inbox<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox").field("waiting", &self.0.state.lock().events.len()).finish_non_exhaustive()
    }
}
