//! What a link tells the application, on its way there.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::{News, TryRecv};

/// The messages that answer no request of a link, and news of its connections. When the inbox is dropped, later messages and news are
/// dropped too.
///
/// It holds up to 1024 of them. While it is full, a connection that has another one does not read, so that replies wait too: an application
/// that keeps an inbox must empty it. When the link is dropped, messages and news that have no room in the inbox are dropped.
///
/// ```no_run
/// # fn example(mut inbox: framelink_transport::blocking::Inbox) {
/// while let Some(news) = inbox.recv() {
///     println!("{news:?}");
/// }
/// # }
/// ```
pub struct Inbox(Arc<Queue>);

/// Where the connections of a link put their news. Clones put them into the same inbox.
pub(super) struct Outlet(Arc<Queue>);

struct Queue {
    state: Mutex<State>,
    /// Notified when there is room again, or none is needed any more.
    room: Condvar,
    /// Notified when there are news, or there can be none any more.
    filled: Condvar,
}

struct State {
    news: VecDeque<News>,
    outlets: usize,
    /// The application has dropped the inbox.
    is_dropped: bool,
    /// The link is gone: its connections do not wait for room any more.
    is_closed: bool,
}

impl Inbox {
    /// So many wait.
    const CAPACITY: usize = 1024;

    pub(super) fn new() -> (Outlet, Self) {
        let state = State { news: VecDeque::new(), outlets: 1, is_dropped: false, is_closed: false };
        let queue = Queue { state: Mutex::new(state), room: Condvar::new(), filled: Condvar::new() };
        let queue = Arc::new(queue);
        (Outlet(Arc::clone(&queue)), Self(queue))
    }

    /// The next, when there is one; `None` when the link and all its connections are gone.
    pub fn recv(&mut self) -> Option<News> {
        let mut state = self.0.lock();
        loop {
            if let Some(news) = state.news.pop_front() {
                self.0.room.notify_one();
                return Some(news);
            }
            if state.outlets == 0 {
                return None;
            }
            state = self.0.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The next, or that there was none within that time.
    pub fn recv_within(&mut self, limit: Duration) -> TryRecv<News> {
        let began = Instant::now();
        let mut state = self.0.lock();
        loop {
            if let Some(news) = state.news.pop_front() {
                self.0.room.notify_one();
                return TryRecv::Message(news);
            }
            if state.outlets == 0 {
                return TryRecv::Closed;
            }
            let left = limit.saturating_sub(began.elapsed());
            if left.is_zero() {
                return TryRecv::Nothing;
            }
            state = self.0.filled.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Outlet {
    /// Puts news into the inbox. Waits until there is room, or the link is gone, or the inbox is dropped.
    pub(super) fn tell(&self, news: News) {
        let waits = |state: &mut State| state.news.len() >= Inbox::CAPACITY && !state.is_dropped && !state.is_closed;
        let mut state = self.0.room.wait_while(self.0.lock(), waits).unwrap_or_else(PoisonError::into_inner);
        if !state.is_dropped && state.news.len() < Inbox::CAPACITY {
            state.news.push_back(news);
            self.0.filled.notify_one();
        }
    }

    /// The link is gone: from now on nothing waits for room in the inbox.
    pub(super) fn close(&self) {
        self.0.lock().is_closed = true;
        self.0.room.notify_all();
    }
}

impl Clone for Outlet {
    fn clone(&self) -> Self {
        self.0.lock().outlets += 1;
        Self(Arc::clone(&self.0))
    }
}

impl Drop for Outlet {
    fn drop(&mut self) {
        self.0.lock().outlets -= 1;
        self.0.filled.notify_one();
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.is_dropped = true;
        let unread = std::mem::take(&mut state.news);
        drop(state);
        self.0.room.notify_all();
        drop(unread);
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Numbers only: card numbers travel in messages.
impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox").field("waiting", &self.0.lock().news.len()).finish_non_exhaustive()
    }
}
