//! Decodes messages.
//!
//! Chunks of any sizes give equal messages and faults. For a delimiter, one number ensures this: the first position
//! where it can still begin. Bytes before it need no second scan. The bytes that the delimiter lacks from there are
//! missing. If that position is over the limit, the payload is too long.

use framelink_codec::{Decode, Decoded, End, EndedBy, Ends, Frame, Guess, Need};

use crate::{DecodeError, Delimiter, Kind, Unframed};

impl Decode for Unframed {
    type Error = DecodeError;

    #[inline]
    fn decode(&self, input: &[u8], looked_at: usize, end: Option<End>) -> Result<Decoded, DecodeError> {
        match &self.kind {
            Kind::Line { lf: false } => self.cut_line(input, looked_at),
            Kind::Line { lf: true } => self.cut_delimited(input, looked_at, 0, &Delimiter::LF),
            Kind::Delim(end) => self.cut_delimited(input, looked_at, 0, end),
            Kind::Between { start, end } => {
                check_start(start, input)?;
                self.cut_delimited(input, looked_at, start.len(), end)
            }
            Kind::Fixed(len) => Ok(cut_counted(input, *len)),
            // Our reads offer at most the limit. For a larger read of another caller, the bytes up to the limit are the
            // message.
            Kind::EachRead => self.cut_ended(input.get(..self.max_payload).unwrap_or(input), self.ended_by(end)),
            Kind::UntilClose | Kind::Quiet(_) => self.cut_ended(input, self.ended_by(end)),
        }
    }

    fn ends(&self) -> Ends {
        match self.kind {
            Kind::UntilClose => Ends::Close,
            Kind::Quiet(silence) => Ends::Quiet(silence),
            Kind::EachRead => Ends::Read(self.max_payload),
            Kind::Fixed(_) | Kind::Line { .. } | Kind::Delim(_) | Kind::Between { .. } => Ends::Itself,
        }
    }

    /// If any text is a message, no other protocol can be recognised.
    fn guess(&self, input: &[u8]) -> Option<Guess> {
        match self.kind {
            Kind::Fixed(_) => Guess::foreign(input),
            Kind::Delim(end) => Guess::foreign(input).or_else(|| other_end(input, 0, &[], &end)),
            Kind::Between { start, end } => {
                let starts = input.starts_with(start.as_ref());
                let ended = || other_end(input, start.len(), start.as_ref(), &end).filter(|_| starts);
                Guess::foreign(input).or_else(ended)
            }
            Kind::UntilClose | Kind::Quiet(_) | Kind::EachRead | Kind::Line { .. } => None,
        }
    }
}

impl Unframed {
    /// Decodes a line whose CR is dropped. Its end begins at the LF, or at a CR that may belong to it.
    #[inline]
    fn cut_line(&self, input: &[u8], looked_at: usize) -> Result<Decoded, DecodeError> {
        let before_cr = |line: &[u8]| line.strip_suffix(b"\r").unwrap_or(line).len();
        let came = input.get(looked_at..).unwrap_or_default();
        let Some(lf) = memchr::memchr(b'\n', came) else {
            return self.wait(before_cr(input), Need { missing: 1, looked_at: before_cr(input) });
        };
        let frame_len = looked_at + lf + 1;
        let payload_end = before_cr(input.get(..frame_len - 1).unwrap_or_default());
        self.check_len(payload_end)?;
        Ok(Decoded::Frame(Frame { payload_start: 0, payload_end, frame_len, ended_by: EndedBy::Delimiter }))
    }

    /// Decodes a message that begins after `payload_start` bytes and ends with `end`.
    #[inline]
    fn cut_delimited(
        &self,
        input: &[u8],
        looked_at: usize,
        payload_start: usize,
        end: &Delimiter,
    ) -> Result<Decoded, DecodeError> {
        let Some(payload_end) = end.find(input, looked_at.max(payload_start)) else {
            return self.wait_for_delimiter(input, payload_start, end);
        };
        self.check_len(payload_end - payload_start)?;
        let frame_len = payload_end + end.len();
        Ok(Decoded::Frame(Frame { payload_start, payload_end, frame_len, ended_by: EndedBy::Delimiter }))
    }

    fn wait_for_delimiter(&self, input: &[u8], payload_start: usize, end: &Delimiter) -> Result<Decoded, DecodeError> {
        let payload = input.get(payload_start..).unwrap_or_default();
        let least_payload = payload.len() - end.begun(payload);
        let end_begins = payload_start + least_payload;
        let missing = end_begins + end.len() - input.len();
        self.wait(least_payload, Need { missing, looked_at: end_begins.min(input.len()) })
    }

    /// Asks for more bytes, if a payload of at least `least` bytes is within the limit.
    fn wait(&self, least: usize, need: Need) -> Result<Decoded, DecodeError> {
        self.check_len(least)?;
        Ok(Decoded::Incomplete(need))
    }

    #[inline]
    fn check_len(&self, payload_len: usize) -> Result<(), DecodeError> {
        if payload_len > self.max_payload { Err(DecodeError::NoDelimiter { limit: self.max_payload }) } else { Ok(()) }
    }

    /// Returns all bytes as one message, if silence, a read or the close ended them.
    fn cut_ended(&self, input: &[u8], ended_by: Option<EndedBy>) -> Result<Decoded, DecodeError> {
        let len = input.len();
        if len > self.max_payload {
            return Err(DecodeError::OverLimit { limit: self.max_payload });
        }
        Ok(match ended_by {
            Some(ended_by) if len > 0 => {
                Decoded::Frame(Frame { payload_start: 0, payload_end: len, frame_len: len, ended_by })
            }
            _ => Decoded::Incomplete(Need { missing: 1, looked_at: len }),
        })
    }

    /// The rule by which `end` ends a message of this kind, if it does. A stronger end than the awaited one also ends
    /// it: after the close there is no silence and no read.
    const fn ended_by(&self, end: Option<End>) -> Option<EndedBy> {
        match (self.kind, end) {
            (_, Some(End::Closed)) => Some(EndedBy::Close),
            (Kind::Quiet(_) | Kind::EachRead, Some(End::Quiet)) => Some(EndedBy::Quiet),
            (Kind::EachRead, Some(End::Read)) => Some(EndedBy::Read),
            _ => None,
        }
    }
}

/// Checks the received part of the first bytes.
#[inline]
fn check_start(start: &Delimiter, input: &[u8]) -> Result<(), DecodeError> {
    if input.starts_with(start.as_ref()) { Ok(()) } else { check_start_exactly(start, input) }
}

fn check_start_exactly(start: &Delimiter, input: &[u8]) -> Result<(), DecodeError> {
    let pairs = start.as_ref().iter().zip(input).enumerate();
    match pairs.into_iter().find(|(_, (expected, found))| expected != found) {
        None => Ok(()),
        Some((offset, (&expected, &found))) => Err(DecodeError::Start { offset, found, expected }),
    }
}

/// Looks for a delimiter with a wrong last byte: at the end of the input, or before the start of another message.
///
/// ```text
///  0x0b 'M' 'S' 'H' 0x1c 0xff            expected 0x1c 0x0d
///  0x0b 'M' 'S' 'H' 0x1c 0x0b 'M' …      the last byte is missing
/// ```
fn other_end(input: &[u8], payload_start: usize, start: &[u8], end: &Delimiter) -> Option<Guess> {
    let (&expected, begun) = end.as_ref().split_last()?;
    let begun = Delimiter::new(begun)?;
    let mut from = payload_start;
    loop {
        let offset = begun.find(input, from)? + begun.len();
        let &found = input.get(offset)?;
        let behind = input.get(offset..).unwrap_or_default();
        let begins_another = !start.is_empty()
            && (behind.starts_with(start) || behind.get(1..).is_some_and(|next| next.starts_with(start)));
        if found != expected && (behind.len() == 1 || begins_another) {
            return Some(Guess::OtherEnd { offset, found, expected });
        }
        from = offset + 1 - begun.len();
    }
}

#[inline]
fn cut_counted(input: &[u8], len: usize) -> Decoded {
    match len.checked_sub(input.len()) {
        None | Some(0) => {
            Decoded::Frame(Frame { payload_start: 0, payload_end: len, frame_len: len, ended_by: EndedBy::Count })
        }
        Some(missing) => Decoded::Incomplete(Need { missing, looked_at: input.len() }),
    }
}
