//! Heartbeats of the peer's own protocol, recognised by bytes at an offset.

use alloc::vec::Vec;

use nom::bytes::complete::{tag, take};
use nom::{IResult, Parser};

use crate::error::HeartbeatError;
use crate::form::Seen;

/// A heartbeat of the peer's own protocol: a message that has certain bytes (its mark) at an offset.
///
/// SMPP's `enquire_link` (with the framing `smpp`, where a message is a whole PDU) has the command 0x00000015 at offset
/// 4. Its answer is the probe with the command 0x80000015. The four bytes at offset 12 are its number:
///
/// ```
/// use framelink_heartbeat::{Pattern, Seen};
///
/// //            length 16 | enquire_link | status 0  | sequence number
/// let probe = b"\0\0\0\x10\0\0\0\x15      \0\0\0\0    \0\0\0\0".iter().filter(|b| **b != b' ').copied().collect::<Vec<_>>();
/// let pattern = Pattern::new(&probe, 4, &probe[4..8])?.answered(4, &[0x80, 0, 0, 0x15])?.numbered(12, 4)?;
///
/// let asked = pattern.probe(7);
/// assert_eq!(asked[12..], [0, 0, 0, 7]);
/// assert_eq!(pattern.recognise(&asked), Some(Seen::Probe));
/// let answer = pattern.answer(&asked).unwrap();
/// assert_eq!(answer[4..8], [0x80, 0, 0, 0x15]);
/// assert_eq!(pattern.recognise(&answer), Some(Seen::Answer { number: Some(7) }));
/// # Ok::<(), framelink_heartbeat::HeartbeatError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pattern {
    /// The probe, before its number is set.
    pub(crate) template: Vec<u8>,
    /// Distinguishes a probe from other messages.
    pub(crate) mark: Mark,
    /// Distinguishes an answer, and turns a probe into its answer.
    pub(crate) answer: Option<Mark>,
    /// Offset and length of the number, which is in network order.
    pub(crate) number: Option<(usize, usize)>,
}

/// Bytes at an offset.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Mark {
    pub(crate) offset: usize,
    pub(crate) bytes: Vec<u8>,
}

impl Pattern {
    /// Creates a heartbeat that is sent as `template` and recognised by `mark` at `offset`. It has no answer.
    ///
    /// # Errors
    /// [`HeartbeatError::MarkNotInProbe`] if the mark is empty, or `template` does not have it at `offset`.
    pub fn new(template: &[u8], offset: usize, mark: &[u8]) -> Result<Self, HeartbeatError> {
        let mark = Mark { offset, bytes: mark.to_vec() };
        if mark.bytes.is_empty() || !mark.is_in(template) {
            return Err(HeartbeatError::MarkNotInProbe);
        }
        Ok(Self { template: template.to_vec(), mark, answer: None, number: None })
    }

    /// Sets its answer: the probe with the bytes of `mark` at `offset`.
    ///
    /// # Errors
    /// If the bytes are empty, reach past the probe, or would make an answer that is itself a probe.
    pub fn answered(mut self, offset: usize, mark: &[u8]) -> Result<Self, HeartbeatError> {
        let mark = Mark { offset, bytes: mark.to_vec() };
        if mark.bytes.is_empty() || mark.end().is_none_or(|end| end > self.template.len()) {
            return Err(HeartbeatError::PastProbe { end: mark.end(), len: self.template.len() });
        }
        if mark.is_in(&self.template) || mark.put(&self.template).is_some_and(|answer| self.mark.is_in(&answer)) {
            return Err(HeartbeatError::AnswerLikeProbe);
        }
        self.answer = Some(mark);
        Ok(self)
    }

    /// Numbers our probes in `len` bytes at `offset`, in network order.
    ///
    /// # Errors
    /// If the bytes reach past the probe, are not 1 to 8, or would overwrite a mark.
    pub fn numbered(mut self, offset: usize, len: usize) -> Result<Self, HeartbeatError> {
        let end = offset.checked_add(len);
        if !(1..=8).contains(&len) || end.is_none_or(|end| end > self.template.len()) {
            return Err(HeartbeatError::PastProbe { end, len: self.template.len() });
        }
        let overlaps = |mark: &Mark| offset < mark.offset + mark.bytes.len() && mark.offset < offset + len;
        if overlaps(&self.mark) || self.answer.as_ref().is_some_and(overlaps) {
            return Err(HeartbeatError::NumberInMark);
        }
        self.number = Some((offset, len));
        Ok(self)
    }

    /// Returns whether a probe is answered.
    #[must_use]
    pub const fn is_answered(&self) -> bool {
        self.answer.is_some()
    }

    /// Returns what kind of heartbeat a message is; `None` if it is none.
    #[must_use]
    pub fn recognise(&self, message: &[u8]) -> Option<Seen> {
        match &self.answer {
            Some(answer) if answer.is_in(message) => Some(Seen::Answer { number: self.number_in(message) }),
            Some(_) => self.mark.is_in(message).then_some(Seen::Probe),
            None => self.mark.is_in(message).then_some(Seen::Beat),
        }
    }

    /// Makes the probe with this number.
    #[must_use]
    pub fn probe(&self, number: u64) -> Vec<u8> {
        let mut probe = self.template.clone();
        if let Some((offset, len)) = self.number
            && let Some(place) = probe.get_mut(offset..offset + len)
        {
            place.copy_from_slice(number.to_be_bytes().get(8 - len..).unwrap_or_default());
        }
        probe
    }

    /// Makes the answer to a probe of the peer; `None` if the form has no answer.
    #[must_use]
    pub fn answer(&self, probe: &[u8]) -> Option<Vec<u8>> {
        self.answer.as_ref()?.put(probe)
    }

    pub(crate) fn number_bits(&self) -> u32 {
        self.number.map_or(u64::BITS, |(_, len)| u32::try_from(len * 8).unwrap_or(u64::BITS))
    }

    fn number_in(&self, message: &[u8]) -> Option<u64> {
        let (offset, len) = self.number?;
        let digits = message.get(offset..offset + len)?;
        Some(digits.iter().fold(0, |number, digit| number << 8 | u64::from(*digit)))
    }
}

impl Mark {
    pub(crate) fn is_in(&self, message: &[u8]) -> bool {
        let parsed: IResult<_, _> = (take(self.offset), tag(&self.bytes[..])).parse(message);
        parsed.is_ok()
    }

    fn end(&self) -> Option<usize> {
        self.offset.checked_add(self.bytes.len())
    }

    /// Returns the message with these bytes at their offset.
    fn put(&self, message: &[u8]) -> Option<Vec<u8>> {
        let mut message = message.to_vec();
        message.get_mut(self.offset..self.end()?)?.copy_from_slice(&self.bytes);
        Some(message)
    }
}
