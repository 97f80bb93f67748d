//! What a header that is wrong, or that is waited on too long, may be instead.

use core::cmp::Ordering;

use framelink_codec::{Foreign, Guess};

use crate::number::Read;
use crate::{Counts, DecodeError, Field, Length};

impl Length {
    pub(crate) fn guess_at(&self, input: &[u8]) -> Option<Guess> {
        if let Some(foreign) = Foreign::recognise(input).filter(|&foreign| !self.is_framing_of(foreign)) {
            return Some(Guess::Foreign(foreign));
        }
        if self.is_all_there(input) {
            return None;
        }
        match self.header(input) {
            // A number that is much too large is most often another number.
            Err(DecodeError::Literal { .. }) => None,
            Err(DecodeError::OverLimit { .. }) => self.guess_field(input).or_else(|| self.guess_counts(input)),
            _ => self.guess_counts(input).or_else(|| self.guess_field(input)),
        }
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
        if let Some(guess) = self.guess_text(field, input) {
            return Some(guess);
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
                Ordering::Greater => {
                    let is_too_small = matches!(self.header(input), Err(DecodeError::TooSmall { .. }));
                    (!is_too_small && !matches!(other, Field::Bcd(_))).then_some(number)
                }
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

    /// Digits or other text in a binary field. Many a number looks like that, so where it is possible as it is, and only
    /// waited for, the digits have to make a frame that is complete to the byte.
    fn guess_text(&self, field: &[u8], input: &[u8]) -> Option<Guess> {
        let all = |is: fn(&u8) -> bool| field.len() > 1 && field.iter().all(is);
        if !matches!(self.field, Field::Net(_) | Field::Le(_) | Field::Bcd(_))
            || !all(|byte| matches!(byte, b' '..=b'~'))
        {
            return None;
        }
        let is_possible = matches!(self.header(input), Ok(Ok(_)));
        if all(u8::is_ascii_digit) && (!is_possible || self.is_complete_as_digits(input)) {
            return Some(Guess::AsciiDigits(first_eight(field)));
        }
        (!is_possible).then(|| Guess::Text(first_eight(field)))
    }

    /// Whether the input is one frame if its length is 2 to 8 ASCII digits.
    fn is_complete_as_digits(&self, input: &[u8]) -> bool {
        (2..=8).any(|digits| match input.get(self.at..).map(|field| Field::Ascii(digits).read(field, self.at)) {
            Some(Ok(Read::Number { number, width })) => {
                let after_field = input.len() - self.at - width;
                usize::try_from(number).is_ok_and(|number| number == after_field || number == after_field + width)
            }
            _ => false,
        })
    }

    /// Whether the frame is complete to the byte if the number counts other parts of it than it is said to.
    fn guess_counts(&self, input: &[u8]) -> Option<Guess> {
        let Ok(Read::Number { number, width }) = self.field.read(input.get(self.at..)?, self.at) else { return None };
        let number = usize::try_from(number & self.mask).ok()?;
        let (header, beside) = (self.at + width, self.gap + self.tail);
        let (ours, came) = (self.frame_len_for(number, width)?, i128::try_from(input.len()).ok()?);
        // By what the number may count: all after the length field, the payload, the field too, the whole frame.
        let others = [
            header.checked_add(number),
            (header + beside).checked_add(number),
            self.at.checked_add(number),
            Some(number),
        ];
        let is_whole =
            |&len: &Option<usize>| len == Some(input.len()) && input.len() >= header + beside && came != ours;
        let counts_header = others.iter().position(is_whole)? >= 2;
        let by = usize::try_from((ours - came).unsigned_abs()).ok()?;
        Some(match ours > came {
            true if counts_header => Guess::CountsHeader(by),
            true => Guess::CountsMore(by),
            false => Guess::CountsLess(by),
        })
    }

    /// How long a frame is with this number, be that possible or not.
    fn frame_len_for(&self, number: usize, width: usize) -> Option<i128> {
        let wide = |len: usize| i128::try_from(len).ok();
        let [number, width, at] = [wide(number)?, wide(width)?, wide(self.at)?];
        let beside = wide(self.gap + self.tail)?;
        Some(match self.counts {
            Counts::Rest => at + width + number,
            Counts::Payload => at + width + number + beside,
            Counts::Itself => at + number,
            Counts::Frame => number,
            Counts::Adjust(by) => at + width + number + i128::from(by),
        })
    }
}

fn first_eight(field: &[u8]) -> [u8; 8] {
    let mut eight = [0; 8];
    for (to, from) in eight.iter_mut().zip(field) {
        *to = *from;
    }
    eight
}
