//! What `send` prints.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use framelink_transport::Message;
use framelink_transport::tokio::CallError;

use super::{UNSOLICITED, Which};
use crate::failure::Failure;
use crate::output::message_line::{MessageLine, Style};
use crate::output::stdout;

/// Prints replies, what else came, and as JSON what failed. Clones print to the same.
#[derive(Clone)]
pub(super) struct Out(Arc<Inner>);

struct Inner {
    style: Style,
    peer: Mutex<String>,
    /// So many messages came that answered no message.
    unsolicited: AtomicU64,
    /// Why printing failed first where no caller could be told.
    failure: Mutex<Option<Failure>>,
}

impl Out {
    pub(super) fn new(style: Style, peer: String) -> Self {
        let (unsolicited, failure) = (AtomicU64::new(0), Mutex::new(None));
        Self(Arc::new(Inner { style, peer: Mutex::new(peer), unsolicited, failure }))
    }

    /// Which of the peer's addresses it is.
    pub(super) fn is_with(&self, peer: String) {
        *lock(&self.0.peer) = peer;
    }

    /// Whether all that came could be printed.
    pub(super) fn check_printed(&self) -> Result<(), Failure> {
        lock(&self.0.failure).take().map_or(Ok(()), Err)
    }

    /// Before a message is sent: its reply could not be printed.
    pub(super) fn check(&self) -> Result<(), Failure> {
        self.check_printed().and_then(|()| stdout::check_is_read())
    }

    pub(super) fn reply(&self, which: Which, reply: &[u8], took: Duration) -> Result<(), Failure> {
        self.about("reply", which).payload(reply).took(took).print(self.0.style)
    }

    /// A message that has no reply was handed to the system.
    pub(super) fn sent(&self, which: Which, took: Duration) -> Result<(), Failure> {
        self.about("sent", which).took(took).print(self.0.style)
    }

    pub(super) fn failed(&self, which: Which, error: &CallError, took: Duration) -> Result<(), Failure> {
        self.about("failed", which).took(took).failed(error.sent(), error.error()).print(self.0.style)
    }

    /// Nothing was sent at all.
    pub(super) fn not_connected(&self, error: &str) -> Result<(), Failure> {
        self.line("failed").failed("not sent", error).print(self.0.style)
    }

    /// A message that is no reply, where it cannot be taken for one.
    pub(super) fn in_between(&self, message: &[u8]) -> Result<(), Failure> {
        self.line("unsolicited").payload(message).print(self.0.style)
    }

    /// A message that is no reply.
    pub(super) fn unsolicited(&self, message: &[u8]) -> Result<(), Failure> {
        self.0.unsolicited.fetch_add(1, Ordering::Relaxed);
        self.line("unsolicited").prefix(UNSOLICITED).payload(message).print(self.0.style)
    }

    /// A reply that came after its time.
    pub(super) fn late(&self, message: &[u8]) -> Result<(), Failure> {
        self.line("late").prefix("late: ").payload(message).print(self.0.style)
    }

    /// For what no operation of a connection returns.
    pub(super) fn unread(&self) -> impl Fn(Message) + Send + Sync + 'static {
        let out = self.clone();
        move |message| {
            if let Err(failure) = out.unsolicited(&message) {
                lock(&out.0.failure).get_or_insert(failure);
            }
        }
    }

    /// How many messages came that answered no message.
    pub(super) fn count_unsolicited(&self) -> u64 {
        self.0.unsolicited.load(Ordering::Relaxed)
    }

    fn about(&self, kind: &'static str, which: Which) -> MessageLine<'static> {
        let line = self.line(kind);
        match which {
            Which::Message(number) => line.message(number),
            Which::Line(number) => line.line(number),
        }
    }

    fn line(&self, kind: &'static str) -> MessageLine<'static> {
        MessageLine::new(kind, Some(lock(&self.0.peer).clone()))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
