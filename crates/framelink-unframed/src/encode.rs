//! Encodes messages.

use framelink_codec::{Encode, Envelope};

use crate::{Delimiter, EncodeError, Kind, Unframed};

impl Encode for Unframed {
    type Error = EncodeError;

    #[inline]
    fn wrap(&self, payload: &[u8], envelope: &mut Envelope) -> Result<(), EncodeError> {
        let payload_len = payload.len();
        if payload_len > self.max_payload || payload_len < self.least_payload() {
            return Err(self.wrong_len(payload_len));
        }
        envelope.ends_stream = matches!(self.kind, Kind::UntilClose);
        envelope.head.clear();
        match &self.kind {
            // A payload may end with CR: the encoder adds a CR, and the decoder drops one.
            Kind::Line { lf: false } => end_with(&Delimiter::CR_LF, &Delimiter::LF, payload, envelope)?,
            Kind::Line { lf: true } => end_with(&Delimiter::LF, &Delimiter::LF, payload, envelope)?,
            Kind::Delim(end) => end_with(end, end, payload, envelope)?,
            Kind::Between { start, end } => {
                start.put(&mut envelope.head);
                end_with(end, end, payload, envelope)?;
            }
            Kind::UntilClose | Kind::Quiet(_) | Kind::EachRead | Kind::Fixed(_) => envelope.suffix.clear(),
        }
        Ok(())
    }
}

impl Unframed {
    #[cold]
    fn wrong_len(&self, payload_len: usize) -> EncodeError {
        match self.kind {
            Kind::Fixed(every) => EncodeError::WrongLen { payload_len, every },
            _ if payload_len > self.max_payload => EncodeError::OverLimit { payload_len, limit: self.max_payload },
            kind => EncodeError::Empty { kind: kind.name() },
        }
    }
}

/// Sets `suffix`, if a peer that looks for `end` does not find it earlier.
#[inline]
fn end_with(suffix: &Delimiter, end: &Delimiter, payload: &[u8], envelope: &mut Envelope) -> Result<(), EncodeError> {
    if let Some(offset) = end.find(payload, 0) {
        return Err(EncodeError::HoldsDelimiter { offset });
    }
    if let Some(offset) = end.straddles(payload) {
        return Err(EncodeError::StraddlesDelimiter { offset });
    }
    suffix.put(&mut envelope.suffix);
    Ok(())
}
