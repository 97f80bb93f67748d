//! Messages in the read buffer: read there, or taken out.

use bytes::Bytes;
use framelink_codec::{Decode, EndedBy, Frame};

use super::Receiving;
use crate::append::{PIECE, append};
use crate::message::{Message, MessageRef};

/// The place of a message in the read buffer; see [`Receiving::poll_place`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct MessagePlace {
    start: usize,
    end: usize,
    ended_by: EndedBy,
}

impl<D: Decode> Receiving<D> {
    /// Returns the message at a place that [`poll_place`](Self::poll_place) has just returned.
    #[inline]
    #[must_use]
    pub fn message_at(&self, place: MessagePlace) -> MessageRef<'_> {
        MessageRef::new(self.buffer.bytes_at(place.start..place.end), place.ended_by)
    }

    /// Takes out the message at a place that [`poll_place`](Self::poll_place) has just returned. Copies it if it is
    /// small beside the buffer, which stays in use. Otherwise hands over the buffer, so that a large message is not
    /// copied.
    #[inline]
    #[must_use]
    pub fn take_at(&mut self, place: MessagePlace) -> Message {
        if place.end - place.start > Message::SHORT {
            return self.take_long(place);
        }
        Message::short(&self.message_at(place), place.ended_by).unwrap_or_else(|| self.take_long(place))
    }

    fn take_long(&mut self, place: MessagePlace) -> Message {
        const SMALL: usize = 128 * 1024;
        let len = place.end - place.start;
        let payload = if len < SMALL || len < self.buffer.capacity() / 2 {
            copy(&self.message_at(place))
        } else {
            self.hand_over(place)
        };
        Message::new(payload, place.ended_by)
    }

    /// Removes a frame from the waiting bytes, and returns where its payload lies.
    #[inline]
    pub(super) fn leave(&mut self, frame: &Frame) -> MessagePlace {
        let at = self.buffer.position();
        self.buffer.take(frame.frame_len);
        MessagePlace { start: at + frame.payload_start, end: at + frame.payload_end, ended_by: frame.ended_by }
    }

    fn hand_over(&mut self, place: MessagePlace) -> Bytes {
        let (memory, waiting) = self.buffer.take_all();
        self.buffer.extend(memory.get(waiting).unwrap_or_default());
        Bytes::from(memory).slice(place.start..place.end)
    }
}

/// Copies a payload into its own memory.
fn copy(payload: &[u8]) -> Bytes {
    if payload.len() <= PIECE {
        return Bytes::copy_from_slice(payload);
    }
    let mut copy = Vec::with_capacity(payload.len());
    append(&mut copy, payload);
    Bytes::from(copy)
}
