//! Card numbers in bytes that are written to a file.
//!
//! A card number has 13 to 19 digits, of which the last one is a check digit (ISO/IEC 7812, Luhn). Digits may be ASCII,
//! EBCDIC, or packed two to a byte. In a run of more digits a card number may stand anywhere, because fields of fixed
//! length have no separators. So each possible place is taken for one, and its digits between the first 6 and the last 4
//! are masked. In track 2, all digits behind the separator are masked too.
//!
//! The characters of a text look like packed digits, so packed digits are looked for only in messages that are no text.

use std::ops::Range;

/// The most digits of a card number.
pub(super) const MOST_LEN: usize = 19;

const LENGTHS: std::ops::RangeInclusive<usize> = 13..=MOST_LEN;
const SHOWN_FIRST: usize = 6;
const SHOWN_LAST: usize = 4;

/// How digits are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Ascii,
    Ebcdic,
    Packed,
}

/// A digit, or the separator of track 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Symbol {
    Digit(u8),
    Separator,
    Other,
}

/// Returns whether a message has only visible characters and white space.
pub(super) fn is_text(message: &[u8]) -> bool {
    message.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\r' | b'\n' | b'\t'))
}

/// Masks the card numbers in a part of a message that is a text or not. Returns how many digits were masked: text has `*`
/// instead, packed digits are 0.
pub(super) fn mask(bytes: &mut [u8], is_text: bool) -> usize {
    let mut count = 0;
    for form in Form::all(is_text) {
        for at in hidden(bytes, *form) {
            count += 1;
            match (form, bytes.get_mut(at / form.in_byte())) {
                (Form::Ascii, Some(byte)) => *byte = b'*',
                (Form::Ebcdic, Some(byte)) => *byte = 0x5c,
                (Form::Packed, Some(byte)) => *byte &= if at % 2 == 0 { 0x0f } else { 0xf0 },
                (_, None) => {}
            }
        }
    }
    count
}

/// Returns for each byte of a message whether it has a digit that is masked.
pub(super) fn masked(message: &[u8]) -> Vec<bool> {
    let mut masked = vec![false; message.len()];
    for form in Form::all(is_text(message)) {
        for at in hidden(message, *form) {
            masked[at / form.in_byte()] = true;
        }
    }
    masked
}

impl Form {
    const fn all(is_text: bool) -> &'static [Self] {
        if is_text { &[Self::Ascii] } else { &[Self::Ascii, Self::Ebcdic, Self::Packed] }
    }

    /// How many digits a byte has.
    const fn in_byte(self) -> usize {
        if matches!(self, Self::Packed) { 2 } else { 1 }
    }

    fn symbols(self, bytes: &[u8]) -> Vec<Symbol> {
        let text = |byte: &u8| match (self, byte) {
            (Self::Ascii, b'0'..=b'9') => Symbol::Digit(byte - b'0'),
            (Self::Ascii, b'=' | b'D' | b'd') => Symbol::Separator,
            (Self::Ebcdic, 0xf0..=0xf9) => Symbol::Digit(byte - 0xf0),
            (Self::Ebcdic, 0x7e | 0xc4) => Symbol::Separator,
            _ => Symbol::Other,
        };
        let nibble = |nibble: u8| match nibble {
            0..=9 => Symbol::Digit(nibble),
            0x0d => Symbol::Separator,
            _ => Symbol::Other,
        };
        match self {
            Self::Packed => bytes.iter().flat_map(|byte| [nibble(byte >> 4), nibble(byte & 15)]).collect(),
            _ => bytes.iter().map(text).collect(),
        }
    }
}

/// Returns the digits to mask, in order.
fn hidden(bytes: &[u8], form: Form) -> Vec<usize> {
    let symbols = form.symbols(bytes);
    let mut is_hidden = vec![false; symbols.len()];
    for run in runs(&symbols) {
        for start in run.clone() {
            for end in LENGTHS.map(|len| start + len).filter(|end| *end <= run.end) {
                let is_text = form == Form::Packed && has_text_digits(&bytes[start / 2..end.div_ceil(2)]);
                if !is_text && is_card_number(&symbols[start..end]) {
                    is_hidden[start + SHOWN_FIRST..end - SHOWN_LAST].fill(true);
                    is_hidden[track_2_data(&symbols, end)].fill(true);
                }
            }
        }
    }
    is_hidden.iter().enumerate().filter_map(|(at, is_hidden)| is_hidden.then_some(at)).collect()
}

/// Returns whether more than half of the bytes are ASCII digits, which look like packed ones.
fn has_text_digits(bytes: &[u8]) -> bool {
    bytes.iter().filter(|byte| byte.is_ascii_digit()).count() * 2 > bytes.len()
}

/// Returns the digits behind a card number of track 2, if it ends here.
fn track_2_data(symbols: &[Symbol], end: usize) -> Range<usize> {
    if symbols.get(end) != Some(&Symbol::Separator) {
        return end..end;
    }
    let digits = symbols[end + 1..].iter().take_while(|symbol| matches!(symbol, Symbol::Digit(_)));
    end + 1..end + 1 + digits.count()
}

/// Returns the runs of digits.
fn runs(symbols: &[Symbol]) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for (at, symbol) in symbols.iter().enumerate() {
        match (symbol, runs.last_mut()) {
            (Symbol::Digit(_), Some(run)) if run.end == at => run.end += 1,
            (Symbol::Digit(_), _) => runs.push(at..at + 1),
            _ => {}
        }
    }
    runs
}

/// Returns whether the digits do not begin with 0, and satisfy the check of Luhn.
fn is_card_number(symbols: &[Symbol]) -> bool {
    if symbols.first() == Some(&Symbol::Digit(0)) {
        return false;
    }
    let mut sum = 0;
    for (index, symbol) in symbols.iter().rev().enumerate() {
        let Symbol::Digit(digit) = *symbol else { return false };
        sum += match u32::from(digit) {
            digit if index % 2 == 0 => digit,
            digit => digit * 2 / 10 + digit * 2 % 10,
        };
    }
    sum % 10 == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn card_numbers_keep_their_first_six_and_last_four_digits() {
        for (bytes, expected) in [
            (&b"4111111111111111"[..], &b"411111******1111"[..]),
            (b"<378282246310005>", b"<378282*****0005>"),
            (b"4111 1111 1111 1111", b"4111 1111 1111 1111"),
            (b"411111111111", b"411111111111"),
            // Track 2: the expiry date and the discretionary data are masked.
            (b"4111111111111111=27011010000012300000", b"411111******1111=********************"),
            (
                b"\xf4\xf1\xf1\xf1\xf1\xf1\xf1\xf1\xf1\xf1\xf1\xf1\xf1\xf1\xf1\xf1",
                b"\xf4\xf1\xf1\xf1\xf1\xf1\x5c\x5c\x5c\x5c\x5c\x5c\xf1\xf1\xf1\xf1",
            ),
            (b"\x41\x11\x11\x11\x11\x11\x11\x11\xff", b"\x41\x11\x11\x00\x00\x00\x11\x11\xff"),
            // An odd number of digits, and a nibble F that fills the byte.
            (b"\x37\x82\x82\x24\x63\x10\x00\x5f", b"\x37\x82\x82\x00\x00\x00\x00\x5f"),
            (b"\x41\x11\x11\x11\x11\x11\x11\x11\xd2\x70\x11\x23", b"\x41\x11\x11\x00\x00\x00\x11\x11\xd0\x00\x00\x00"),
        ] {
            let mut masked_bytes = bytes.to_vec();
            mask(&mut masked_bytes, is_text(bytes));
            assert_eq!(masked_bytes, expected, "{:?}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn a_card_number_among_other_digits_is_masked_whatever_they_are() {
        for before in 0..300_u32 {
            let text = format!("0200{before:03}4111111111111111{:06}", before * 7919 % 1_000_000);
            let mut bytes = text.clone().into_bytes();
            assert!(mask(&mut bytes, true) >= 6, "{text}");
            assert!(!String::from_utf8_lossy(&bytes).contains("4111111111111111"), "{text}");
            assert_eq!(&bytes[13..19], b"******", "{text}");
            assert_eq!(&bytes[..4], b"0200", "the first digits of a message stay");
        }
    }

    #[test]
    fn masked_bytes_are_those_that_change() {
        for text in [&b"0800000001"[..], b"x4111111111111111=2701", b"\x16\x41\x11\x11\x11\x11\x11\x11\x11"] {
            let mut bytes = text.to_vec();
            mask(&mut bytes, is_text(text));
            let masked = masked(text);
            assert!(bytes.iter().zip(text).zip(masked).all(|((new, old), masked)| masked || new == old));
        }
    }
}
