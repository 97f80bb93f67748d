//! Messages in the read buffer: read there, or taken out.

use std::sync::Arc;

use bytes::Bytes;
use framelink_codec::{Decode, EndedBy, Frame};

use super::Receiving;
use crate::message::{Message, MessageRef};
use crate::shared::Way;

/// The place of a message in the read buffer; see [`Receiving::poll_place`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct MessagePlace {
    start: usize,
    end: usize,
    ended_by: EndedBy,
}

/// A copy of received bytes. Several messages that arrived together share it, because an allocation for each would cost
/// more than the rest of receiving. It is small, because one message that the application keeps keeps all of it.
pub(super) struct Chunk {
    bytes: Arc<[u8]>,
    /// How many bytes were received before the chunk.
    at: u64,
}

impl MessagePlace {
    /// Returns the length of the payload.
    pub const fn payload_len(&self) -> usize {
        self.end - self.start
    }
}

impl Chunk {
    const LARGEST: usize = 4 * 1024;
    /// At least so many messages should share a chunk.
    const FEWEST: usize = 4;

    /// Returns the message of `len` bytes before which `at` bytes were received, if all of it is in the chunk.
    #[inline]
    fn message(&self, at: u64, len: usize, ended_by: EndedBy) -> Option<Message> {
        let start = usize::try_from(at.checked_sub(self.at)?).ok()?;
        let is_within = start < self.bytes.len() && len <= self.bytes.len() - start;
        is_within.then(|| Message::shared(Arc::clone(&self.bytes), start, len, ended_by))
    }
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
    #[inline(never)] // The message has five words: they are written once, to where the caller wants them.
    #[must_use]
    pub fn take_at(&mut self, place: MessagePlace) -> Message {
        let len = place.end - place.start;
        if len <= Message::SHORT {
            // So many bytes as fit are copied faster than a number that the compiler does not know.
            if let Some(bytes) = self.buffer.bytes_at(place.start..place.start + Message::SHORT).first_chunk() {
                return Message::short(*bytes, len, place.ended_by);
            }
        } else if let Some(chunk) = &self.chunk
            && let Some(message) = chunk.message(self.received_before(place), len, place.ended_by)
        {
            return message;
        }
        self.copy_or_hand_over(place)
    }

    #[inline(never)] // so that `take_at` is short
    fn copy_or_hand_over(&mut self, place: MessagePlace) -> Message {
        const SMALL: usize = 128 * 1024;
        let len = place.end - place.start;
        if len >= SMALL && len >= self.buffer.capacity() / 2 {
            return Message::new(self.hand_over(place), place.ended_by);
        }
        self.chunk = self.next_chunk(place);
        match &self.chunk {
            Some(chunk) => Message::shared(Arc::clone(&chunk.bytes), 0, len, place.ended_by),
            None => Message::copied(&self.message_at(place), place.ended_by),
        }
    }

    /// Copies the bytes from a message on, if several messages of its size may be waiting.
    fn next_chunk(&self, place: MessagePlace) -> Option<Box<Chunk>> {
        let (len, rest) = (place.end - place.start, self.buffer.len());
        let shared = (len + rest).min(Chunk::LARGEST);
        let is_worthwhile = len > Message::SHORT && len <= shared / Chunk::FEWEST;
        let bytes = self.buffer.bytes_at(place.start..place.start + shared);
        is_worthwhile.then(|| Box::new(Chunk { bytes: Arc::from(bytes), at: self.received_before(place) }))
    }

    /// Returns how many bytes were received before a message.
    #[inline]
    fn received_before(&self, place: MessagePlace) -> u64 {
        let from_here = (self.buffer.position() + self.buffer.len()).saturating_sub(place.start);
        self.shared.count(Way::Received).saturating_sub(from_here as u64)
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
        self.on_idle(false);
        Bytes::from(memory).slice(place.start..place.end)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use framelink_codec::example::OneByte;

    use super::*;
    use crate::receiving::Received;

    /// Messages of these lengths, each filled with its number.
    fn wire(lens: &[u8]) -> Vec<u8> {
        let frame =
            |(number, &len): (usize, &u8)| [vec![len], vec![u8::try_from(number % 256).unwrap(); len.into()]].concat();
        lens.iter().enumerate().flat_map(frame).collect()
    }

    fn next(receiving: &mut Receiving<OneByte>) -> Option<Message> {
        match receiving.poll().unwrap() {
            Received::Message(message) => Some(message),
            _ => None,
        }
    }

    #[test]
    fn messages_that_share_memory_are_right_however_they_were_cut() {
        let lens: Vec<u8> = (0..2000u32).map(|number| u8::try_from(number * number % 251).unwrap()).collect();
        for piece in [1, 7, 100, 1000, 5000, 100_000] {
            let mut receiving = Receiving::new(OneByte);
            let mut messages = Vec::new();
            for bytes in wire(&lens).chunks(piece) {
                receiving.on_bytes(bytes, Duration::ZERO);
                messages.extend(std::iter::from_fn(|| next(&mut receiving)));
                receiving.release();
            }
            assert_eq!(messages.len(), lens.len());
            for (number, (message, &len)) in messages.iter().zip(&lens).enumerate() {
                assert_eq!(message[..], vec![u8::try_from(number % 256).unwrap(); len.into()], "in pieces of {piece}");
            }
        }
    }

    #[test]
    fn small_messages_that_arrived_together_share_little_memory() {
        let mut receiving = Receiving::new(OneByte);
        receiving.on_bytes(&wire(&[100; 200]), Duration::ZERO);
        let first = next(&mut receiving).unwrap();
        let chunk = receiving.chunk.as_ref().map(|chunk| Arc::clone(&chunk.bytes)).unwrap();
        assert_eq!(chunk.len(), Chunk::LARGEST);
        let others: Vec<_> = (0..39).map(|_| next(&mut receiving).unwrap()).collect();
        assert_eq!(Arc::strong_count(&chunk), 42, "the chunk of 40 messages");
        drop((first, others));
        while next(&mut receiving).is_some() {}
        assert_eq!(Arc::strong_count(&chunk), 1, "the next messages have another chunk");
        receiving.release();
        assert!(receiving.chunk.is_none(), "an idle connection holds none");
    }

    #[test]
    fn the_shortcut_takes_only_messages_that_no_limit_looks_at() {
        let net = "net:1".parse::<framelink_profile::Framing>().unwrap();
        let mut receiving = Receiving::new(net);
        let wire = b"\x01a\x01b\x00\x01c\x09long tail"; // the shortcut needs eight bytes
        receiving.on_bytes(wire, Duration::ZERO);
        assert!(receiving.whole_place().is_some(), "without limits, the first too");
        receiving.limit_frame(Duration::from_secs(1));
        assert_eq!(receiving.whole_place(), None, "the first that the limit sees");
        assert!(matches!(receiving.poll(), Ok(Received::Message(message)) if &message[..] == b"b"));
        assert_eq!(receiving.whole_place(), None, "empty messages may be counted");
        assert!(matches!(receiving.poll(), Ok(Received::Message(message)) if message.is_empty()));
        let place = receiving.whole_place().unwrap();
        assert_eq!(&receiving.message_at(place)[..], b"c");
        assert_eq!((receiving.messages_received(), receiving.frames_received()), (4, 4));
        receiving.on_bytes(wire, Duration::ZERO);
        assert_eq!(receiving.whole_place(), None, "the first of a read");
        assert!(matches!(receiving.poll(), Ok(Received::Message(_))));
        receiving.take_requests(true);
        assert_eq!(receiving.whole_place(), None, "each request is counted");
        assert!(matches!(receiving.poll(), Ok(Received::Message(_))));
        assert_eq!(receiving.whole_place(), None, "so is the next");
    }

    #[test]
    fn a_single_message_has_memory_of_its_own_size() {
        let mut receiving = Receiving::new(OneByte);
        receiving.on_bytes(&wire(&[100, 100, 100]), Duration::ZERO);
        assert!(next(&mut receiving).is_some() && receiving.chunk.is_none(), "three are too few to share");
    }
}
