//! What a header that is wrong, or that is waited on too long, may be instead.

use core::cmp::Ordering;

use framelink_codec::{Foreign, Guess};

use crate::number::Read;
use crate::{DecodeError, Field, Length};

impl Length {
    pub(crate) fn guess_at(&self, input: &[u8]) -> Option<Guess> {
        if let Some(foreign) = Foreign::recognise(input).filter(|&foreign| !self.is_framing_of(foreign)) {
            return Some(Guess::Foreign(foreign));
        }
        if self.is_all_there(input) {
            return None;
        }
        self.guess_field(input).or_else(|| self.guess_counted(input))
    }

    /// Whether the length is read where that protocol has it, so that its bytes are just what is expected.
    fn is_framing_of(&self, foreign: Foreign) -> bool {
        let is_tls = matches!(foreign, Foreign::TlsHandshake | Foreign::TlsAlert);
        is_tls && (self.field, self.at) == (Field::Net(2), 3)
    }

    /// Whether as many bytes came as the header announces: then it is a length, be it over the limit.
    fn is_all_there(&self, input: &[u8]) -> bool {
        match self.header(input) {
            Ok(Ok(header)) => header.frame_len <= input.len(),
            Err(DecodeError::OverLimit { announced, .. }) => {
                let beside = self.slot_end() + self.gap + self.tail;
                usize::try_from(announced).is_ok_and(|payload_len| payload_len.saturating_add(beside) <= input.len())
            }
            _ => false,
        }
    }

    /// Reads the length field in other ways.
    fn guess_field(&self, input: &[u8]) -> Option<Guess> {
        let width = self.field.width()?;
        let field = input.get(self.at..)?.get(..width)?;
        let (net, le) = (Field::Net(u8::try_from(width).ok()?), Field::Le(u8::try_from(width).ok()?));
        let bcd = Field::Bcd(u8::try_from(width).ok()?);
        let text = |is: fn(&u8) -> bool| width > 1 && field.iter().all(is);
        match self.field {
            Field::Net(_) | Field::Le(_) | Field::Bcd(_) if text(u8::is_ascii_digit) => {
                return Some(Guess::AsciiDigits(first_eight(field)));
            }
            Field::Net(_) | Field::Le(_) | Field::Bcd(_) if text(|byte| matches!(byte, b' '..=b'~')) => {
                return Some(Guess::Text(first_eight(field)));
            }
            _ => {}
        }
        match self.field {
            Field::Net(_) => {
                self.fits(le, input).map(Guess::OtherByteOrder).or_else(|| self.fits(bcd, input).map(Guess::PackedBcd))
            }
            Field::Le(_) => self.fits(net, input).map(Guess::OtherByteOrder),
            Field::Bcd(_) if width <= 8 => self.fits(net, input).map(Guess::Binary),
            _ => None,
        }
    }

    /// The number that the field says when it is read as another one, if that suits what came better.
    fn fits(&self, other: Field, input: &[u8]) -> Option<u64> {
        let (most, _) = other.bounds()?;
        if other.width()? > usize::from(most) {
            return None;
        }
        let Ok(Read::Number { number, width }) = other.read(input.get(self.at..)?, self.at) else { return None };
        if !(self.least_number..=self.most_number).contains(&number) {
            return None;
        }
        let frame_len = self.at + width + self.gap + self.payload_len(number) + self.tail;
        match self.header(input) {
            // As read it is possible, and waited for: another reading is better only if it is complete to the byte.
            Ok(Ok(_)) => (frame_len == input.len()).then_some(number),
            Err(DecodeError::Literal { .. }) => None,
            // As read it is wrong. This reading is better if what came goes with it: one frame, or the start of one,
            // or one and then the length of another. A start alone makes no packed BCD: too many numbers look like it.
            Err(_) => match frame_len.cmp(&input.len()) {
                Ordering::Equal => Some(number),
                Ordering::Greater => (!matches!(other, Field::Bcd(_))).then_some(number),
                Ordering::Less => self.is_length(other, input.get(frame_len..)?).then_some(number),
            },
            Ok(Err(_)) => None,
        }
    }

    /// Whether a frame may begin with these bytes if its length is read as another field.
    fn is_length(&self, other: Field, input: &[u8]) -> bool {
        match input.get(self.at..).map(|field| other.read(field, self.at)) {
            Some(Ok(Read::Number { number, .. })) => (self.least_number..=self.most_number).contains(&number),
            Some(Ok(Read::Incomplete { .. })) | None => true,
            Some(Err(_)) => false,
        }
    }

    /// Whether the frame would be complete if the number counted more of the header.
    fn guess_counted(&self, input: &[u8]) -> Option<Guess> {
        let Ok(Ok(header)) = self.header(input) else { return None };
        let missing = header.frame_len.checked_sub(input.len())?;
        let field = header.field_end - self.at;
        (missing > 0 && (missing == field || missing == header.field_end)).then_some(Guess::CountsHeader(missing))
    }
}

fn first_eight(field: &[u8]) -> [u8; 8] {
    let mut eight = [0; 8];
    for (to, from) in eight.iter_mut().zip(field) {
        *to = *from;
    }
    eight
}
