//! Guesses what a wrong header, or the header of an incomplete frame, may be instead.

use framelink_codec::{Foreign, Guess, Reading};

use crate::field::number::Read;
use crate::{Counts, DecodeError, Field, Length};

impl Length {
    pub(crate) fn guess_at(&self, input: &[u8]) -> Option<Guess> {
        if let Some(foreign) = Foreign::recognise(input).filter(|&foreign| !self.is_framing_of(foreign)) {
            return Some(Guess::Foreign(foreign));
        }
        if self.is_all_there(input) {
            return None;
        }
        if begins_with_priority(input) {
            return Some(Guess::SyslogLine);
        }
        match self.header(input) {
            // A number that is much too large is usually another kind of number.
            Err(DecodeError::Literal { .. }) => None,
            Err(DecodeError::OverLimit { .. }) => self.guess_field(input).or_else(|| self.guess_counts(input)),
            _ => self.guess_counts(input).or_else(|| self.guess_field(input)),
        }
    }

    /// Whether this framing is that of the protocol, so that its bytes are as expected.
    fn is_framing_of(&self, foreign: Foreign) -> bool {
        let is_tls = matches!(foreign, Foreign::TlsHandshake | Foreign::TlsAlert);
        is_tls && (self.field, self.at) == (Field::Net(2), 3)
    }

    /// Whether all announced bytes were received: then the length is correct, even if it is over the limit.
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

    /// Reads the length field as other kinds.
    fn guess_field(&self, input: &[u8]) -> Option<Guess> {
        let width = u8::try_from(self.field.width()?).ok()?;
        let field = input.get(self.at..)?.get(..usize::from(width))?;
        let is_possible = matches!(self.header(input), Ok(Ok(_)));
        let (net, le, bcd) = (Field::Net(width), Field::Le(width), Field::Bcd(width));
        let fits = |other, guess: fn(u64) -> Guess| match self.fit(other, input, is_possible)? {
            (number, Fit::Whole) => Some(guess(number)),
            (number, Fit::Lacks(missing)) => lacks(reading(other)?, number, missing),
        };
        let digits = self.guess_digits(field, input, is_possible);
        match self.field {
            _ if digits.is_some() => digits,
            Field::Net(_) => fits(le, Guess::OtherByteOrder).or_else(|| fits(bcd, Guess::PackedBcd)),
            Field::Le(_) => fits(net, Guess::OtherByteOrder),
            Field::Bcd(_) => fits(net, Guess::Binary),
            Field::Ascii(_) | Field::Ebcdic(_) | Field::Hex(_) if !is_possible => self.guess_binary(input),
            _ => None,
        }
    }

    /// Tries a binary number or packed BCD in place of digits. The width is the one that makes a whole frame, or else
    /// the one with the fewest missing bytes.
    fn guess_binary(&self, input: &[u8]) -> Option<Guess> {
        const WIDTHS: [u8; 5] = [2, 4, 3, 8, 1];
        let kinds: [fn(u8) -> Field; 3] = [Field::Net, Field::Le, Field::Bcd];
        let others = WIDTHS.into_iter().flat_map(|width| kinds.map(|kind| kind(width)));
        let fits = others.filter_map(|other| self.fit(other, input, false).map(|fit| (other, fit)));
        let (other, (number, fit)) = fits.min_by_key(|(_, (_, fit))| fit.missing())?;
        let reading = reading(other)?;
        match fit {
            Fit::Whole => Some(Guess::ReadAs { reading, number }),
            Fit::Lacks(missing) => lacks(reading, number, missing),
        }
    }

    /// Tries digits of another character set, digits after blanks, and digits or other text in a binary field. Many
    /// binary numbers look like digits. So if the number is possible and its frame only incomplete, the digits have to
    /// make frames that end exactly at the end of the input.
    fn guess_digits(&self, field: &[u8], input: &[u8], is_possible: bool) -> Option<Guess> {
        let is_binary = matches!(self.field, Field::Net(_) | Field::Le(_) | Field::Bcd(_));
        if is_binary && field.len() < 2 {
            return None;
        }
        match self.field {
            Field::Ascii(width) | Field::Ebcdic(width) => {
                let blanks = self.guess_blanks(field, input);
                let other = if let Field::Ascii(_) = self.field { Field::Ebcdic(width) } else { Field::Ascii(width) };
                blanks.or_else(|| self.guess_digits_as(other, input, is_possible))
            }
            _ if !is_binary => None,
            _ => {
                let is_text = field.iter().all(|byte| matches!(byte, b' '..=b'~'));
                let kind = if is_text { Field::Ascii } else { Field::Ebcdic };
                // The width of the field is tried first, because a reader of the notation expects it.
                let own = u8::try_from(field.len()).ok()?;
                let widths = || [own].into_iter().chain(2..=8).map(kind);
                let guesses = || widths().filter_map(|other| self.guess_digits_as(other, input, is_possible));
                let is_whole = |guess: &Guess| !matches!(guess, Guess::Lacks { .. });
                let self_counted =
                    || self.is_counted_with_itself(input) && is_text && field.iter().all(u8::is_ascii_digit);
                let whole = guesses().find(is_whole).map(|guess| match guess {
                    Guess::AsciiDigits(_) => Guess::AsciiDigits(first_eight(field)),
                    guess => guess,
                });
                whole
                    .or_else(|| self_counted().then(|| Guess::AsciiDigits(first_eight(field))))
                    .or_else(|| guesses().next())
                    .or_else(|| (is_text && !is_possible).then(|| Guess::Text(first_eight(field))))
            }
        }
    }

    /// Tries digits of this field in place of the length.
    fn guess_digits_as(&self, other: Field, input: &[u8], is_possible: bool) -> Option<Guess> {
        let (number, fit) = self.fit(other, input, is_possible)?;
        let digits = input.get(self.at..)?.get(..other.width()?)?;
        match (fit, other) {
            (Fit::Lacks(missing), _) => lacks(reading(other)?, number, missing),
            (Fit::Whole, Field::Ebcdic(_)) => Some(Guess::EbcdicDigits(first_eight(digits).map(ascii_of_ebcdic))),
            (Fit::Whole, _) => Some(Guess::AsciiDigits(first_eight(digits))),
        }
    }

    /// Tries digits with blanks before or after them.
    fn guess_blanks(&self, field: &[u8], input: &[u8]) -> Option<Guess> {
        let mut ascii = [0; 18];
        let ascii = ascii.get_mut(..field.len())?;
        for (to, &from) in ascii.iter_mut().zip(field) {
            *to = if let Field::Ebcdic(_) = self.field { ascii_of_ebcdic(from) } else { from };
        }
        let is_digit = |byte: &u8| byte.is_ascii_digit();
        let (first, last) = (ascii.iter().position(is_digit)?, ascii.iter().rposition(is_digit)?);
        let digits = ascii.get(first..=last)?;
        let is_blank = |bytes: Option<&[u8]>| bytes.is_some_and(|bytes| bytes.iter().all(|&byte| byte == b' '));
        if digits.len() == field.len() || !is_blank(ascii.get(..first)) || !is_blank(ascii.get(last + 1..)) {
            return None;
        }
        let digits_field = Field::Ascii(u8::try_from(digits.len()).ok()?);
        let Ok(Read::Number { number, .. }) = digits_field.read(digits, 0) else { return None };
        let frame_len = self.other_frame_len(number, field.len())?;
        match frame_len.checked_sub(input.len()) {
            None | Some(0) => Some(Guess::BlankPadded(first_eight(ascii))),
            Some(missing) => lacks(Reading::BlankPadded(u8::try_from(field.len()).ok()?), number, missing),
        }
    }

    /// Reads the header with another length field. Returns the number and how its frames fit the input, if they do.
    fn fit(&self, other: Field, input: &[u8], is_possible: bool) -> Option<(u64, Fit)> {
        let (most, _) = other.bounds()?;
        if other.width()? > usize::from(most) {
            return None;
        }
        let (number, first_len, header_len) = self.other_header(other, input)??;
        if first_len > input.len() {
            // The number is possible and its frame incomplete. Another reading is better only if it ends exactly at the
            // end.
            let is_likely = !is_possible && is_unlikely_by_chance(other, number);
            return is_likely.then(|| (number, Fit::Lacks(first_len - input.len())));
        }
        if first_len == header_len && first_len < input.len() {
            // Nearly any bytes can be read as an empty frame and more bytes.
            return None;
        }
        let mut rest = input.get(first_len..)?;
        for frames in 1..=MOST_FRAMES {
            if rest.is_empty() {
                return Some((number, Fit::Whole));
            }
            match self.other_header(other, rest)? {
                Some((_, len, _)) if len <= rest.len() => rest = rest.get(len..)?,
                _ => {
                    // The input ends inside a frame, as nearly any input does for a length of one byte.
                    let has_many = frames >= 3 && other.width()? > 1;
                    let is_likely = !is_possible && (has_many || is_unlikely_by_chance(other, number));
                    return is_likely.then_some((number, Fit::Whole));
                }
            }
        }
        let is_likely = !is_possible && other.width()? > 1;
        is_likely.then_some((number, Fit::Whole))
    }

    /// Returns, for another length field, the number, the length of the frame, and its length without the payload. The
    /// outer `None` means that these bytes are no such frame. The inner `None` means that they end inside the length
    /// field.
    fn other_header(&self, other: Field, input: &[u8]) -> Option<Option<(u64, usize, usize)>> {
        if self.prefix().iter().zip(input).any(|(expected, found)| expected != found) {
            return None;
        }
        let Some(field) = input.get(self.at..) else { return Some(None) };
        match other.read(field, self.at) {
            Ok(Read::Number { number, width }) => {
                let len = self.other_frame_len(number, width)?;
                Some(Some((number, len, self.at + width + self.gap + self.tail)))
            }
            Ok(Read::Incomplete { .. }) => Some(None),
            Err(_) => None,
        }
    }

    /// The length of a frame with this number in a field of this width, if it is possible.
    fn other_frame_len(&self, number: u64, width: usize) -> Option<usize> {
        let frame_len = usize::try_from(self.frame_len_for(usize::try_from(number).ok()?, width)?).ok()?;
        let payload_len = frame_len.checked_sub(self.at + width + self.gap + self.tail)?;
        (payload_len <= self.max_payload).then_some(frame_len)
    }

    /// Whether the input is one frame whose length is 2 to 8 ASCII digits that count themselves too.
    fn is_counted_with_itself(&self, input: &[u8]) -> bool {
        (2..=8).any(|digits| match input.get(self.at..).map(|field| Field::Ascii(digits).read(field, self.at)) {
            Some(Ok(Read::Number { number, .. })) => {
                usize::try_from(number).is_ok_and(|number| number == input.len() - self.at)
            }
            _ => false,
        })
    }

    /// Whether the input is exactly one frame if the number counts other parts than the notation says.
    fn guess_counts(&self, input: &[u8]) -> Option<Guess> {
        let Ok(Read::Number { number, width }) = self.field.read(input.get(self.at..)?, self.at) else { return None };
        let number = usize::try_from(number & self.mask).ok()?;
        let (header, beside) = (self.at + width, self.gap + self.tail);
        let (ours, came) = (self.frame_len_for(number, width)?, i128::try_from(input.len()).ok()?);
        // The number may count the bytes after the length field, the payload, the field too, or the whole frame.
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

    /// The length of a frame with this number, possible or not.
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

/// The most frames that are checked.
const MOST_FRAMES: usize = 64;

/// How another reading of the length fits the received bytes.
enum Fit {
    /// At least one frame is whole, and another may follow it.
    Whole,
    /// The first frame lacks this many bytes.
    Lacks(usize),
}

impl Fit {
    const fn missing(&self) -> usize {
        match self {
            Self::Whole => 0,
            Self::Lacks(missing) => *missing,
        }
    }
}

/// Whether a field of this width rarely holds such a small number by chance. Digits alone are rare enough; packed BCD
/// is not.
fn is_unlikely_by_chance(other: Field, number: u64) -> bool {
    match other {
        Field::Ascii(width) | Field::Ebcdic(width) => width > 1,
        Field::Net(width) | Field::Le(width) => u128::from(number) * 64 < 1 << (8 * u32::from(width)),
        _ => false,
    }
}

fn lacks(reading: Reading, number: u64, missing: usize) -> Option<Guess> {
    Some(Guess::Lacks { reading, number: u32::try_from(number).ok()?, missing: u32::try_from(missing).ok()? })
}

fn reading(field: Field) -> Option<Reading> {
    Some(match field {
        Field::Net(width) => Reading::Net(width),
        Field::Le(width) => Reading::Le(width),
        Field::Bcd(width) => Reading::Bcd(width),
        Field::Ascii(width) => Reading::Ascii(width),
        Field::Ebcdic(width) => Reading::Ebcdic(width),
        _ => return None,
    })
}

/// `<`, a number up to 191, and `>`: RFC 5424, section 6.2.1.
fn begins_with_priority(input: &[u8]) -> bool {
    let Some(rest) = input.strip_prefix(b"<") else { return false };
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    // More digits would overflow the sum.
    if !(1..=3).contains(&digits) || rest.get(digits) != Some(&b'>') {
        return false;
    }
    rest.iter().take(digits).fold(0, |sum, byte| sum * 10 + u32::from(byte - b'0')) <= 191
}

/// Converts digits and blanks of EBCDIC to ASCII. Any other byte becomes a byte that is neither.
const fn ascii_of_ebcdic(byte: u8) -> u8 {
    match byte {
        0xf0..=0xf9 => byte - 0xf0 + b'0',
        0x40 => b' ',
        0 => 0,
        _ => b'?',
    }
}

fn first_eight(field: &[u8]) -> [u8; 8] {
    let mut eight = [0; 8];
    for (to, from) in eight.iter_mut().zip(field) {
        *to = *from;
    }
    eight
}
