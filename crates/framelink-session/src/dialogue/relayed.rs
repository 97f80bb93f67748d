//! Messages of first steps that are passed from one connection to another.

use std::collections::VecDeque;
use std::fmt;

/// The messages of a client's [relayed](super::StepMessage::Relayed) first steps, in order. A bridge takes them from an
/// accepted connection, and sends them on the connection to the host.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Relayed(VecDeque<Vec<u8>>);

impl Relayed {
    /// Returns the number of messages.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there is no message.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the messages, without their frames.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(Vec::as_slice)
    }

    pub(super) fn push(&mut self, message: Vec<u8>) {
        self.0.push_back(message);
    }

    pub(super) fn next(&mut self) -> Option<Vec<u8>> {
        self.0.pop_front()
    }
}

impl FromIterator<Vec<u8>> for Relayed {
    fn from_iter<I: IntoIterator<Item = Vec<u8>>>(messages: I) -> Self {
        Self(messages.into_iter().collect())
    }
}

/// Shows lengths only, because a message may contain a password.
impl fmt::Debug for Relayed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|message| format!("{} bytes", message.len()))).finish()
    }
}
