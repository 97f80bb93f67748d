//! The output of `send`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use framelink_transport::Message;
use framelink_transport::tokio::CallError;

use super::{UNSOLICITED, Which};
use crate::failure::Failure;
use crate::output::message_line::{MessageLine, Style};
use crate::output::stdout;
use crate::threads::lock;

/// Prints replies and other messages, and in JSON also failures. Clones share their state.
#[derive(Clone)]
pub(super) struct Out(Arc<Inner>);

struct Inner {
    style: Style,
    peer: Mutex<String>,
    /// How many messages arrived that answer no request.
    unsolicited: AtomicU64,
    /// The first failure to print that no caller could receive.
    failure: Mutex<Option<Failure>>,
}

impl Out {
    pub(super) fn new(style: Style, peer: String) -> Self {
        let (unsolicited, failure) = (AtomicU64::new(0), Mutex::new(None));
        Self(Arc::new(Inner { style, peer: Mutex::new(peer), unsolicited, failure }))
    }

    /// Sets the address of the peer to print.
    pub(super) fn is_with(&self, peer: String) {
        *lock(&self.0.peer) = peer;
    }

    /// Returns the first failure to print that no caller has received.
    pub(super) fn check_printed(&self) -> Result<(), Failure> {
        lock(&self.0.failure).take().map_or(Ok(()), Err)
    }

    /// Fails if a reply could not be printed. Called before a message is sent.
    pub(super) fn check(&self) -> Result<(), Failure> {
        self.check_printed().and_then(|()| stdout::check_is_read())
    }

    pub(super) fn reply(&self, which: Which, reply: &[u8], took: Duration) -> Result<(), Failure> {
        self.about("reply", which).payload(reply).took(took).print(self.0.style)
    }

    /// Prints that a message without a reply was handed to the system.
    pub(super) fn sent(&self, which: Which, took: Duration) -> Result<(), Failure> {
        self.about("sent", which).took(took).print(self.0.style)
    }

    pub(super) fn failed(&self, which: Which, error: &CallError, took: Duration) -> Result<(), Failure> {
        self.about("failed", which).took(took).failed(error.sent(), error.error()).print(self.0.style)
    }

    /// Prints that nothing was sent, because there is no connection.
    pub(super) fn not_connected(&self, error: &str) -> Result<(), Failure> {
        self.line("failed").failed("not sent", error).print(self.0.style)
    }

    /// Prints an unsolicited message that no request could take for its reply.
    pub(super) fn in_between(&self, message: &[u8]) -> Result<(), Failure> {
        self.line("unsolicited").payload(message).print(self.0.style)
    }

    /// Prints and counts an unsolicited message.
    pub(super) fn unsolicited(&self, message: &[u8]) -> Result<(), Failure> {
        self.0.unsolicited.fetch_add(1, Ordering::Relaxed);
        self.line("unsolicited").prefix(UNSOLICITED).payload(message).print(self.0.style)
    }

    /// Prints a late reply.
    pub(super) fn late(&self, message: &[u8]) -> Result<(), Failure> {
        self.line("late").prefix("late: ").payload(message).print(self.0.style)
    }

    /// Returns a function that prints messages which no operation of a connection returns.
    pub(super) fn unread(&self) -> impl Fn(Message) + Send + Sync + 'static {
        let out = self.clone();
        move |message| {
            if let Err(failure) = out.unsolicited(&message) {
                lock(&out.0.failure).get_or_insert(failure);
            }
        }
    }

    /// Returns how many messages arrived that answer no request.
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
