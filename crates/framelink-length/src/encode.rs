//! Encodes frames.
//!
//! As in decoding there are two paths: [`Encode::short_head`] makes a head that fits a word, and [`Encode::wrap`]
//! handles all cases.

use framelink_codec::{Affix, Decode, Decoded, Encode, Envelope, ShortHead};

use crate::field::number::Writer;
use crate::{EncodeError, Length};

impl Encode for Length {
    type Error = EncodeError;

    fn wrap(&self, payload: &[u8], envelope: &mut Envelope) -> Result<(), EncodeError> {
        *envelope = Envelope::EMPTY;
        if self.keeps_header {
            return self.check_whole_frame(payload);
        }
        self.write_head(self.number_for(payload.len())?, &mut envelope.head);
        set(&mut envelope.suffix, &self.end, self.tail);
        Ok(())
    }

    /// The head is composed in a register: a byte that is written and then read as part of a word stalls the read.
    // Always inlined, except for digits: a call with a result in memory takes as long as the rest.
    #[inline(always)]
    fn short_head(&self, payload_len: usize) -> Option<ShortHead> {
        let quick = &self.quick;
        let number = (payload_len as u64).wrapping_sub(self.number_to_payload);
        if number.wrapping_sub(self.least_number) > quick.number_span {
            return None;
        }
        let field = if quick.writer == Writer::Net { number << quick.after } else { self.field_word(number)? };
        let word = quick.head_word | field;
        Some(ShortHead { bytes: word.to_be_bytes(), len: quick.head_len })
    }
}

impl Length {
    /// Returns the length field with this number, at its place in the first eight bytes.
    #[inline(never)]
    fn field_word(&self, number: u64) -> Option<u64> {
        let quick = &self.quick;
        Some(quick.writer.write(number, quick.unused_bits)? >> quick.before)
    }

    /// Returns the number that announces a payload of this length.
    fn number_for(&self, payload_len: usize) -> Result<u64, EncodeError> {
        let least = self.least_payload();
        if payload_len > self.max_payload || payload_len < least {
            return Err(self.wrong_len(payload_len, least));
        }
        // The inverse of `Length::payload_len`: both sums are modulo 2^64, and a usize has no more bits.
        Ok((payload_len as u64).wrapping_sub(self.number_to_payload))
    }

    fn wrong_len(&self, payload_len: usize, least: usize) -> EncodeError {
        if payload_len < least {
            EncodeError::TooShort { payload_len, least }
        } else if payload_len > self.most_payload {
            EncodeError::TooLong { payload_len, most: self.most_payload }
        } else {
            EncodeError::OverLimit { payload_len, limit: self.max_payload }
        }
    }

    /// Writes the head with this number.
    fn write_head(&self, number: u64, head: &mut Affix) {
        let mut bytes = self.head;
        let len = match self.field.width() {
            Some(_) => {
                self.field.write(number, self.lower_case, bytes.get_mut(self.at..).unwrap_or_default());
                self.slot_end() + self.gap
            }
            None => self.write_head_of_any_width(number, &mut bytes),
        };
        set(head, &bytes, len);
    }

    /// Writes a length field whose width depends on the number, and moves the gap after it.
    fn write_head_of_any_width(&self, number: u64, head: &mut [u8]) -> usize {
        let width = match head.get_mut(self.at..) {
            Some(field) => self.field.write(number, self.lower_case, field),
            None => 0,
        };
        let gap_start = self.at + width;
        if let (Some(to), Some(from)) =
            (head.get_mut(gap_start..gap_start + self.gap), self.head.get(self.at..self.at + self.gap))
        {
            to.copy_from_slice(from);
        }
        gap_start + self.gap
    }

    /// Checks that a message is exactly one whole frame.
    fn check_whole_frame(&self, message: &[u8]) -> Result<(), EncodeError> {
        let message_len = message.len();
        match self.decode(message, 0, None) {
            Ok(Decoded::Frame(frame)) if frame.frame_len == message_len => Ok(()),
            Ok(Decoded::Frame(frame)) => Err(EncodeError::Overfull { message_len, frame_len: frame.frame_len }),
            Ok(Decoded::Incomplete(need)) => Err(EncodeError::Unfinished { message_len, missing: need.missing }),
            Err(error) => Err(EncodeError::NotAFrame(error)),
        }
    }
}

/// Sets the first `len` bytes. The builder has checked `len`.
fn set(affix: &mut Affix, bytes: &[u8; Affix::CAPACITY], len: usize) {
    let set = bytes.get(..len).and_then(|bytes| affix.set(bytes));
    debug_assert!(set.is_some(), "{len} bytes are no more than {}", Affix::CAPACITY);
}
