//! Encodes messages.

use alloc::vec::Vec;

use framelink_codec::{Encode, Envelope};

use crate::{Delimiter, EncodeError, Kind, Unframed};

impl Encode for Unframed {
    type Error = EncodeError;

    #[inline]
    fn wrap(&self, payload: &[u8], envelope: &mut Envelope) -> Result<(), EncodeError> {
        let (start, end) = self.around(payload)?;
        envelope.ends_stream = matches!(self.kind, Kind::UntilClose);
        for (delimiter, affix) in [(start, &mut envelope.head), (end, &mut envelope.suffix)] {
            match delimiter {
                Some(delimiter) => delimiter.put(affix),
                None => affix.clear(),
            }
        }
        Ok(())
    }

    #[inline]
    fn append_frame(&self, payload: &[u8], out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let (start, end) = self.around(payload)?;
        out.reserve(payload.len() + 2 * Delimiter::MOST);
        if let Some(start) = start {
            start.append_to(out);
        }
        out.extend_from_slice(payload);
        if let Some(end) = end {
            end.append_to(out);
        }
        Ok(())
    }
}

impl Unframed {
    /// Returns the bytes before and after `payload`, if it can be sent.
    #[inline]
    fn around(&self, payload: &[u8]) -> Result<(Option<&Delimiter>, Option<&Delimiter>), EncodeError> {
        let payload_len = payload.len();
        if payload_len > self.max_payload || payload_len < self.least_payload() {
            return Err(self.wrong_len(payload_len));
        }
        // A payload may end with CR: the encoder adds a CR, and the decoder drops one.
        let (start, end, looked_for) = match &self.kind {
            Kind::Line { lf: false } => (None, &Delimiter::CR_LF, &Delimiter::LF),
            Kind::Line { lf: true } => (None, &Delimiter::LF, &Delimiter::LF),
            Kind::Delim(end) => (None, end, end),
            Kind::Between { start, end } => (Some(start), end, end),
            Kind::UntilClose | Kind::Quiet(_) | Kind::EachRead | Kind::Fixed(_) => return Ok((None, None)),
        };
        check_payload(payload, looked_for)?;
        Ok((start, Some(end)))
    }

    #[cold]
    fn wrong_len(&self, payload_len: usize) -> EncodeError {
        match self.kind {
            Kind::Fixed(every) => EncodeError::WrongLen { payload_len, every },
            _ if payload_len > self.max_payload => EncodeError::OverLimit { payload_len, limit: self.max_payload },
            kind => EncodeError::Empty { kind: kind.name() },
        }
    }
}

/// Checks that a peer that looks for `end` does not find it before the end of `payload`.
#[inline]
fn check_payload(payload: &[u8], end: &Delimiter) -> Result<(), EncodeError> {
    if let Some(offset) = end.find(payload, 0) {
        return Err(EncodeError::HoldsDelimiter { offset });
    }
    if let Some(offset) = end.straddles(payload) {
        return Err(EncodeError::StraddlesDelimiter { offset });
    }
    Ok(())
}
