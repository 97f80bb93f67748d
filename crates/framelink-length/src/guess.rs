//! What a header that is wrong, or that is waited on too long, may be instead.

use framelink_codec::Guess;

use crate::number::Read;
use crate::{Field, Length};

impl Length {
    pub(crate) fn guess_at(&self, input: &[u8]) -> Option<Guess> {
        Guess::foreign(input).or_else(|| self.guess_field(input)).or_else(|| self.guess_counted(input))
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
            Ok(Ok(header)) => (frame_len == input.len() && header.frame_len != frame_len).then_some(number),
            // As read it is wrong; any possible reading is better. A second frame may have come behind the first.
            Err(_) => Some(number),
            Ok(Err(_)) => None,
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
