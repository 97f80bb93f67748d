//! Patterns that are given as bytes at offsets.

use alloc::format;

use framelink_codec::notation::Hex;
use framelink_template::{NumberField, Place, Template};

use crate::error::HeartbeatError;
use crate::form::mark::Mark;
use crate::form::pattern::{Answer, Pattern};

/// A pattern of bytes.
///
/// SMPP's `enquire_link` (with the framing `smpp`, where a message is a whole PDU) has the command 0x00000015 at offset
/// 4. Its answer is the probe with the command 0x80000015. The four bytes at offset 12 are its number:
///
/// ```
/// use core::time::Duration;
/// use framelink_heartbeat::{Form, Pattern, Seen};
///
/// //            length 16 | enquire_link | status 0  | sequence number
/// let probe = b"\0\0\0\x10\0\0\0\x15      \0\0\0\0    \0\0\0\0".iter().filter(|b| **b != b' ').copied().collect::<Vec<_>>();
/// let pattern = Pattern::new(&probe, 4, &probe[4..8])?.answered(4, &[0x80, 0, 0, 0x15])?.numbered(12, 4)?;
///
/// let form = Form::Pattern(pattern);
/// let asked = form.probe(7, Duration::ZERO, b"");
/// assert_eq!(asked[12..], [0, 0, 0, 7]);
/// assert_eq!(form.recognise(&asked), Some(Seen::Probe));
/// let answer = form.answer(&asked).unwrap();
/// assert_eq!(answer[4..8], [0x80, 0, 0, 0x15]);
/// assert_eq!(form.recognise_after(&answer, Some(&asked)), Some(Seen::Answer { number: None }));
/// # Ok::<(), framelink_heartbeat::HeartbeatError>(())
/// ```
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
        Self::composed(Template::literal(template)).probed_by(mark.matched(""))
    }

    /// Sets its answer: the probe with the bytes of `mark` at `offset`. An answer to our probe has these bytes, and its
    /// number.
    ///
    /// # Errors
    /// If the bytes are empty, reach past the probe, or would make an answer that is itself a probe.
    pub fn answered(self, offset: usize, mark: &[u8]) -> Result<Self, HeartbeatError> {
        let mark = Mark { offset, bytes: mark.to_vec() };
        let number = self.number().map(|place| format!(",{place}=request")).unwrap_or_default();
        let answered_by = mark.matched(&number);
        if mark.is_in(&self.sample(0, Default::default())) {
            return Err(HeartbeatError::AnswerLikeProbe);
        }
        Ok(self.copying(mark)?.answered_by(answered_by))
    }

    /// Numbers our probes in `len` bytes at `offset`, in network order.
    ///
    /// # Errors
    /// If the bytes reach past the probe, are not 1 to 8, or would overwrite a mark.
    pub fn numbered(mut self, offset: usize, len: usize) -> Result<Self, HeartbeatError> {
        let mut probe = self.sample(0, Default::default());
        let past = HeartbeatError::PastProbe { end: offset.checked_add(len), len: probe.len() };
        let Some(place) = Place::new(offset, len).filter(|place| len <= 8 && place.end() <= probe.len()) else {
            return Err(past);
        };
        let (before, after) = (probe.get(..offset).unwrap_or_default(), probe.get(place.end()..).unwrap_or_default());
        let template = format!("hex:{}{{number:{len},binary}}{}", Hex(before), Hex(after));
        // A mark cannot have both bytes at the place of the number.
        let keeps_mark = [0, 0xff].into_iter().all(|byte| {
            probe.get_mut(offset..place.end()).unwrap_or_default().fill(byte);
            self.recognise(&probe).is_some()
        });
        if !keeps_mark {
            return Err(HeartbeatError::NumberInMark);
        }
        self.probe = template.parse().map_err(|_| past)?;
        if let Some(Answer::Copy(mark)) = self.answer.take() {
            let answered_by = mark.matched(&format!(",{place}=request"));
            self = self.copying(mark)?.answered_by(answered_by);
        }
        Ok(self)
    }

    /// Answers a probe by a copy of it with these bytes.
    pub(crate) fn copying(mut self, mark: Mark) -> Result<Self, HeartbeatError> {
        let len = self.sample(0, Default::default()).len();
        if mark.bytes.is_empty() || mark.end().is_none_or(|end| end > len) {
            return Err(HeartbeatError::PastProbe { end: mark.end(), len });
        }
        let overlaps = |place: Place| place.offset() < mark.offset + mark.bytes.len() && mark.offset < place.end();
        if self.probe.numbers().filter_map(|number| number.place).any(overlaps) {
            return Err(HeartbeatError::NumberInMark);
        }
        self.answer = Some(Answer::Copy(mark));
        self.without_echo()
    }

    fn number(&self) -> Option<Place> {
        self.probe.numbers().find_map(|NumberField { place, .. }| place)
    }
}
