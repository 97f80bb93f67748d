//! Bytes at an offset.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use framelink_template::{Match, Place};

/// Bytes at an offset.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Mark {
    pub(crate) offset: usize,
    pub(crate) bytes: Vec<u8>,
}

impl Mark {
    pub(crate) fn is_in(&self, message: &[u8]) -> bool {
        self.end().and_then(|end| message.get(self.offset..end)) == Some(&self.bytes[..])
    }

    pub(crate) fn end(&self) -> Option<usize> {
        self.offset.checked_add(self.bytes.len())
    }

    /// Returns the message with these bytes at their offset.
    pub(crate) fn put(&self, message: &[u8]) -> Option<Vec<u8>> {
        let mut message = message.to_vec();
        message.get_mut(self.offset..self.end()?)?.copy_from_slice(&self.bytes);
        Some(message)
    }

    /// A match for messages with these bytes, and with what `more` tests.
    pub(crate) fn matched(&self, more: &str) -> Match {
        let parts = self.bytes.chunks(Place::MOST_LEN).enumerate();
        let tests = parts.map(|(index, part)| {
            let test = Match::bytes_at(self.offset + index * Place::MOST_LEN, part);
            test.as_ref().map_or_else(String::new, ToString::to_string)
        });
        let tests = tests.collect::<Vec<_>>().join(",");
        // More bytes than the tests of a match hold are compared by a function.
        let mark = self.clone();
        format!("{tests}{more}").parse().unwrap_or_else(|_| Match::by(move |message, _| mark.is_in(message)))
    }
}
