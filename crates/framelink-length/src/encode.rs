//! From a payload to the bytes around it.

use framelink_codec::{Affix, Decode, Decoded, Encode, Envelope};

use crate::{EncodeError, Field, Length};

impl Encode for Length {
    type Error = EncodeError;

    #[inline]
    fn envelope(&self, payload: &[u8]) -> Result<Envelope, EncodeError> {
        if self.keeps_header {
            return self.whole_frame(payload);
        }
        // A limit that the header cannot go below is rare; a number below the least one wraps and is above the most.
        let number = self.number_for(payload.len())?;
        let mut head = self.head;
        let slot = self.slot_end() - self.at;
        let (len, suffix_len) = (self.slot_end() + self.gap, self.tail);
        let len = match head.get_mut(self.at..) {
            Some(field) if slot > 0 => {
                self.field.write(number, self.lower_case, field);
                len
            }
            _ => self.write_head_of_any_width(number, &mut head),
        };
        let affix = |bytes, len| Affix::from_array(bytes, len).unwrap_or(Affix::EMPTY);
        Ok(Envelope { head: affix(head, len), suffix: affix(self.end, suffix_len), ends_stream: false })
    }
}

impl Length {
    /// The number that announces a payload of this length.
    #[inline]
    fn number_for(&self, payload_len: usize) -> Result<u64, EncodeError> {
        let least = self.least_payload();
        if payload_len > self.max_payload || payload_len < least {
            return Err(self.wrong_len(payload_len, least));
        }
        // `payload_len` undone: both sums are modulo 2^64, and a usize has no more bits.
        Ok((payload_len as u64).wrapping_sub(self.number_to_payload))
    }

    #[cold]
    fn wrong_len(&self, payload_len: usize, least: usize) -> EncodeError {
        if payload_len < least {
            EncodeError::TooShort { payload_len, least }
        } else if payload_len > self.most_payload {
            EncodeError::TooLong { payload_len, most: self.most_payload }
        } else {
            EncodeError::OverLimit { payload_len, limit: self.max_payload }
        }
    }

    /// Moves the gap behind a length field whose width depends on the number.
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

    /// Checks that a message is one whole frame as it is.
    fn whole_frame(&self, message: &[u8]) -> Result<Envelope, EncodeError> {
        let message_len = message.len();
        match self.decode(message, 0, None) {
            Ok(Decoded::Frame(frame)) if frame.frame_len == message_len => Ok(Envelope::default()),
            Ok(Decoded::Frame(frame)) => Err(EncodeError::Overfull { message_len, frame_len: frame.frame_len }),
            Ok(Decoded::Incomplete(need)) => Err(EncodeError::Unfinished { message_len, missing: need.missing }),
            Err(error) => Err(EncodeError::NotAFrame(error)),
        }
    }
}

// Both directions agree on what a field can say because both ask `Field::largest`.
const _: () = assert!(Field::Bcd(2).largest() == 9_999);
