//! Decodes frames.
//!
//! There are three paths. [`Decode::whole_frame`] only accepts a whole frame with a correct header, of a framing without
//! a tail whose messages are payloads: most frames. [`Length::cut_whole`] accepts such frames of the other framings too.
//! Every other input (an incomplete header, a fault, a field of unusual width) takes the exact path. The exact path
//! checks the frame from its first byte, so chunks of any sizes give one fault.

mod guess;
pub mod parser;

use framelink_codec::{Decode, Decoded, End, EndedBy, Frame, Guess, Need};

use crate::field::number::{Read, Reader};
use crate::field::swar;
use crate::{DecodeError, Length, Part};

impl Decode for Length {
    type Error = DecodeError;

    #[inline]
    fn decode(&self, input: &[u8], _looked_at: usize, _end: Option<End>) -> Result<Decoded, DecodeError> {
        self.cut(input)
    }

    // Always inlined: a call with a result in memory takes as long as the rest.
    #[inline(always)]
    fn whole_frame(&self, input: &[u8]) -> Option<Frame> {
        let quick = &self.quick;
        let word: &[u8; 8] = input.first_chunk()?;
        // Three fields and a default are compared. A fourth would make this a jump through a table, which takes longer.
        let (payload_start, payload_len) = match quick.common {
            Reader::Net2 => (2, u64::from(u16::from_be_bytes(*word.first_chunk()?))),
            Reader::Net4 => (4, u64::from(u32::from_be_bytes(*word.first_chunk()?))),
            Reader::Ascii4 => (4, swar::from_four_digits(u32::from_le_bytes(*word.first_chunk()?))?),
            _ if quick.is_bcd2 => (2, framelink_bcd::decode_short(u16::from_be_bytes(*word.first_chunk()?))?.into()),
            _ => (usize::from(quick.head_len), self.payload_len_in(word)?),
        };
        if payload_len > u64::from(quick.most_payload) {
            return None;
        }
        // The narrow types show the compiler that this sum does not overflow, so that the caller's slice of the payload
        // needs no further check.
        let frame_len = payload_start + usize::try_from(payload_len).ok()?;
        if frame_len > input.len() {
            return None;
        }
        Some(Frame { payload_start, payload_end: frame_len, frame_len, ended_by: EndedBy::Count })
    }

    fn guess(&self, input: &[u8]) -> Option<Guess> {
        self.guess_at(input)
    }
}

/// A decoded header.
///
/// ```
/// use framelink_length::{Length, parser};
///
/// // 0x03 0x00 0x00 0x09 | 'h' …
/// let tpkt: Length = "tpkt".parse()?;
/// let (_, header) = parser::header::<nom::error::Error<_>>(&tpkt)(b"\x03\x00\x00\x09h").unwrap();
/// assert_eq!((header.number, header.payload_start, header.payload_len, header.frame_len), (9, 4, 5, 9));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Header {
    /// The number in the length field.
    pub number: u64,
    /// One after the last byte of the length field.
    pub field_end: usize,
    /// The first byte of the payload.
    pub payload_start: usize,
    /// The length of the payload in bytes.
    pub payload_len: usize,
    /// The length of the whole frame in bytes.
    pub frame_len: usize,
}

impl Length {
    /// Returns the length of the payload after a correct head, if [`Decode::whole_frame`] handles this framing. It is
    /// larger than any payload if the number is too small. `first` are the first bytes of the frame.
    #[inline(never)]
    fn payload_len_in(&self, first: &[u8; 8]) -> Option<u64> {
        let quick = &self.quick;
        let head = u64::from_be_bytes(*first);
        if (head ^ quick.head_word) & quick.head_literals != 0 {
            return None;
        }
        let number = if quick.plain == Reader::Net {
            (head >> quick.after) & quick.net_mask
        } else {
            let field_first = (head << quick.before).to_be_bytes();
            quick.plain.read(&field_first, quick.unused_bits, self.mask)?
        };
        Some(number.wrapping_add(self.number_to_payload))
    }

    /// Decodes what [`Decode::whole_frame`] does not return. Cold, so that the fast path has no jump: most calls find a
    /// whole frame there.
    #[cold]
    #[inline(never)]
    fn cut(&self, input: &[u8]) -> Result<Decoded, DecodeError> {
        match self.cut_whole(input) {
            Some(frame) => Ok(Decoded::Frame(frame)),
            None => self.cut_exactly(input),
        }
    }

    /// Returns the frame at the start of `input`, if it is whole and correct and the field is read from a word.
    #[inline]
    fn cut_whole(&self, input: &[u8]) -> Option<Frame> {
        let quick = &self.quick;
        let at = usize::from(quick.at);
        let word = input.get(at..at + 8)?.first_chunk()?;
        let number = quick.reader.read(word, quick.unused_bits, self.mask)?;
        #[expect(clippy::cast_possible_truncation, reason = "of a number that can be, a frame's length is a usize")]
        let frame_len = number.wrapping_add(quick.number_to_frame) as usize;
        // One branch for both conditions: both are nearly always true.
        let is_right = number.wrapping_sub(self.least_number) <= quick.number_span;
        if !(is_right & (frame_len <= input.len())) || (quick.has_literals && !self.literals_match(input, frame_len)) {
            return None;
        }
        Some(Frame {
            payload_start: quick.delivered_start,
            payload_end: frame_len - quick.delivered_short,
            frame_len,
            ended_by: EndedBy::Count,
        })
    }

    /// Decodes in steps that are checked one by one.
    pub(crate) fn cut_exactly(&self, input: &[u8]) -> Result<Decoded, DecodeError> {
        let need = |missing| Ok(Decoded::Incomplete(Need { missing, looked_at: 0 }));
        let header = match self.header(input)? {
            Ok(header) => header,
            Err(missing) => return need(missing),
        };
        let payload_end = header.payload_start + header.payload_len;
        // An empty frame that ends with its length field has no gap and no tail.
        if header.frame_len > header.field_end {
            check(Part::Suffix, self.suffix(), input, payload_end)?;
        }
        match header.frame_len.checked_sub(input.len()) {
            None | Some(0) => Ok(Decoded::Frame(self.frame(header.payload_start, payload_end, header.frame_len))),
            Some(missing) => need(missing),
        }
    }

    /// Decodes the header at the start of `input`, or returns the least number of missing bytes.
    pub(crate) fn header(&self, input: &[u8]) -> Result<Result<Header, usize>, DecodeError> {
        check(Part::Prefix, self.prefix(), input, 0)?;
        let Some(field) = input.get(self.at..) else {
            return Ok(Err(self.at - input.len() + self.field.least_bytes()));
        };
        let (number, width) = match self.field.read(field, self.at)? {
            Read::Number { number, width } => (number & self.mask, width),
            Read::Incomplete { missing } => return Ok(Err(missing)),
        };
        let field_end = self.at + width;
        if number == 0 && self.zero_is_empty {
            let header = Header { number, field_end, payload_start: field_end, payload_len: 0, frame_len: field_end };
            return Ok(Ok(header));
        }
        self.check_number(number)?;
        check(Part::Infix, self.infix(), input, field_end)?;
        let payload_start = field_end + self.gap;
        let payload_len = self.payload_len(number);
        let frame_len = payload_start + payload_len + self.tail;
        Ok(Ok(Header { number, field_end, payload_start, payload_len, frame_len }))
    }

    fn check_number(&self, number: u64) -> Result<(), DecodeError> {
        if number < self.least_number {
            return Err(DecodeError::TooSmall { number, least: self.least_number });
        }
        if number > self.most_number {
            let excess = number - self.most_number;
            let announced = u64::try_from(self.max_payload).unwrap_or(u64::MAX).saturating_add(excess);
            return Err(DecodeError::OverLimit { announced, limit: self.max_payload });
        }
        Ok(())
    }

    fn frame(&self, payload_start: usize, payload_end: usize, frame_len: usize) -> Frame {
        let (payload_start, payload_end) =
            if self.keeps_header { (0, frame_len) } else { (payload_start, payload_end) };
        Frame { payload_start, payload_end, frame_len, ended_by: EndedBy::Count }
    }

    /// Whether the fixed parts are correct.
    fn literals_match(&self, input: &[u8], frame_len: usize) -> bool {
        let tail = input.get(frame_len - self.tail..).unwrap_or_default();
        self.head_matches(input) && tail.starts_with(self.suffix())
    }

    /// Whether the fixed parts before the payload are correct.
    #[inline]
    fn head_matches(&self, input: &[u8]) -> bool {
        let quick = &self.quick;
        match input.first_chunk() {
            Some(first) if quick.has_short_head => {
                (u64::from_be_bytes(*first) ^ quick.head_word) & quick.head_literals == 0
            }
            _ => self.long_head_matches(input),
        }
    }

    #[inline(never)]
    fn long_head_matches(&self, input: &[u8]) -> bool {
        let rest = input.get(self.slot_end()..).unwrap_or_default();
        input.starts_with(self.prefix()) && rest.starts_with(self.infix())
    }
}

/// Checks the received bytes of a fixed part.
fn check(part: Part, fixed: &[u8], input: &[u8], start: usize) -> Result<(), DecodeError> {
    let came = input.get(start..).unwrap_or_default();
    match fixed.iter().zip(came).position(|(expected, found)| expected != found) {
        None => Ok(()),
        Some(i) => {
            let byte = |bytes: &[u8]| bytes.get(i).copied().unwrap_or_default();
            Err(DecodeError::Literal { part, offset: start + i, found: byte(came), expected: byte(fixed) })
        }
    }
}
