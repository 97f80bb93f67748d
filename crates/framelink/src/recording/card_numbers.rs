//! Card numbers in bytes that are written to a file.
//!
//! A card number has 13 to 19 digits, of which the last one is a check digit (ISO/IEC 7812, Luhn). Digits may be ASCII,
//! EBCDIC, or packed two to a byte, and text may have a blank or a dash between groups of digits. In a run of more digits
//! a card number may stand anywhere, because fields of fixed length have no separators. So each possible place is taken
//! for one, and its digits between the first 6 and the last 4 are hidden. On tracks 1 and 2 (ISO/IEC 7813), the name and
//! the data behind the separators are hidden too.
//!
//! The characters of a text look like packed digits, so packed digits are looked for only in messages that are no text.

use std::collections::HashSet;
use std::ops::{BitOrAssign, RangeInclusive};

const MOST_LEN: usize = 19;
const LENGTHS: RangeInclusive<usize> = 13..=MOST_LEN;
const SHOWN_FIRST: usize = 6;
const SHOWN_LAST: usize = 4;
/// The fewest digits of a card number that tell something about it.
const LEAST_WRITTEN: usize = 6;
/// The fewest digits between two blanks or dashes. A date has fewer.
const LEAST_GROUP: usize = 3;
/// The most characters of a name, and of the data behind it, on track 1.
const MOST_NAME: usize = 26;
const MOST_TRACK_1: usize = 79;

/// What is hidden of a byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Hidden(u8);

/// How digits are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Ascii,
    Ebcdic,
    Packed,
}

/// A digit, or what may stand beside one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Symbol {
    Digit(u8),
    /// A blank or dash between groups of digits.
    Gap(u8),
    /// Behind a card number of track 1, and behind the name.
    Caret,
    /// Behind a card number of track 2.
    Separator,
    /// A visible character.
    Character,
    Other,
}

/// Returns whether a message has only visible characters and white space.
pub(super) fn is_text(message: &[u8]) -> bool {
    message.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\r' | b'\n' | b'\t'))
}

/// Returns for each byte of a whole message what is hidden of it.
///
/// `is_written` says for each byte whether it is written. Of a real card number at least six digits are, or it is not told:
/// fields next to each other often look like one, and their few fixed digits must stay.
pub(super) fn hidden_in(message: &[u8], is_written: impl Fn(usize) -> bool) -> Vec<Hidden> {
    let mut hidden = vec![Hidden::default(); message.len()];
    for form in Form::all(is_text(message)) {
        for at in hidden_symbols(message, *form, &is_written) {
            hidden[at / form.in_byte()] |= form.hidden(at);
        }
    }
    hidden
}

/// Hides in the second message what is hidden in the first, where six such digits follow each other in both.
pub(super) fn hide_copies((from, hidden): (&[u8], &[Hidden]), (to, to_hide): (&[u8], &mut [Hidden])) {
    let windows = |len: usize, kind: Hidden| {
        let windows = from.windows(len).zip(hidden.windows(len));
        let windows = windows.filter(move |(_, hidden)| hidden.iter().all(|hidden| hidden.0 & kind.0 == kind.0));
        windows.map(|(bytes, _)| bytes).filter(|bytes| is_telling(bytes)).collect::<HashSet<_>>()
    };
    let packed = Hidden(Hidden::HIGH.0 | Hidden::LOW.0);
    for (len, kind) in [(6, Hidden::ASCII), (6, Hidden::EBCDIC), (3, packed)] {
        let windows = windows(len, kind);
        for (at, _) in to.windows(len).enumerate().filter(|(_, bytes)| windows.contains(bytes)) {
            to_hide[at..at + len].iter_mut().for_each(|hidden| *hidden |= kind);
        }
    }
}

/// Returns whether six digits have three different ones: others, such as zeros, are in many messages.
fn is_telling(bytes: &[u8]) -> bool {
    let mut digits: Vec<_> = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).collect();
    digits.sort_unstable();
    digits.dedup();
    // Digits of text have the same upper half.
    digits.len() >= if bytes.len() == 3 { 3 } else { 4 }
}

impl Hidden {
    const HIGH: Self = Self(1);
    const LOW: Self = Self(2);
    const ASCII: Self = Self(4);
    const EBCDIC: Self = Self(8);

    const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(super) fn is_any(self) -> bool {
        self != Self::default()
    }

    /// Returns how many digits or characters are hidden.
    pub(super) const fn count(self) -> usize {
        if self.has(Self(Self::ASCII.0 | Self::EBCDIC.0)) { 1 } else { self.0.count_ones() as usize }
    }

    /// Returns what is written instead of a byte: text has `*`, packed digits are 0.
    pub(super) const fn mask(self, byte: u8) -> u8 {
        match self {
            _ if self.has(Self::ASCII) => b'*',
            _ if self.has(Self::EBCDIC) => 0x5c,
            _ => byte & if self.has(Self::HIGH) { 0x0f } else { 0xff } & if self.has(Self::LOW) { 0xf0 } else { 0xff },
        }
    }
}

impl BitOrAssign for Hidden {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl Form {
    const fn all(is_text: bool) -> &'static [Self] {
        if is_text { &[Self::Ascii] } else { &[Self::Ascii, Self::Ebcdic, Self::Packed] }
    }

    /// How many digits a byte has.
    const fn in_byte(self) -> usize {
        if matches!(self, Self::Packed) { 2 } else { 1 }
    }

    const fn hidden(self, at: usize) -> Hidden {
        match self {
            Self::Ascii => Hidden::ASCII,
            Self::Ebcdic => Hidden::EBCDIC,
            Self::Packed if at.is_multiple_of(2) => Hidden::HIGH,
            Self::Packed => Hidden::LOW,
        }
    }

    fn symbols(self, bytes: &[u8]) -> Vec<Symbol> {
        match self {
            Self::Ascii => bytes.iter().map(|byte| ascii(*byte)).collect(),
            Self::Ebcdic => bytes.iter().map(|byte| ebcdic(*byte)).collect(),
            Self::Packed => bytes.iter().flat_map(|byte| [packed(byte >> 4), packed(byte & 15)]).collect(),
        }
    }
}

const fn ascii(byte: u8) -> Symbol {
    match byte {
        b'0'..=b'9' => Symbol::Digit(byte - b'0'),
        b' ' | b'-' => Symbol::Gap(byte),
        b'^' => Symbol::Caret,
        b'=' | b'D' | b'd' => Symbol::Separator,
        b'!'..=b'~' if byte != b'?' => Symbol::Character,
        _ => Symbol::Other,
    }
}

/// A caret is `5F` or `B0`, a question mark `6F`, depending on the code page.
const fn ebcdic(byte: u8) -> Symbol {
    match byte {
        0xf0..=0xf9 => Symbol::Digit(byte - 0xf0),
        0x40 | 0x60 => Symbol::Gap(byte),
        0x5f | 0xb0 => Symbol::Caret,
        0x7e | 0xc4 => Symbol::Separator,
        0x41..=0xfe if byte != 0x6f => Symbol::Character,
        _ => Symbol::Other,
    }
}

const fn packed(nibble: u8) -> Symbol {
    match nibble {
        0..=9 => Symbol::Digit(nibble),
        0x0d => Symbol::Separator,
        _ => Symbol::Other,
    }
}

/// Returns the symbols to hide, in order.
fn hidden_symbols(bytes: &[u8], form: Form, is_written: &impl Fn(usize) -> bool) -> Vec<usize> {
    let symbols = form.symbols(bytes);
    let mut is_hidden = vec![false; symbols.len()];
    for start in 0..symbols.len() {
        let places = digits_from(&symbols, start);
        for number in LENGTHS.filter_map(|len| places.get(..len)) {
            let end = number[number.len() - 1] + 1;
            let is_text = form == Form::Packed && has_text_digits(&bytes[start / 2..end.div_ceil(2)]);
            let written = number.iter().filter(|at| is_written(**at / form.in_byte())).count();
            if !is_text && written >= LEAST_WRITTEN && is_card_number(&symbols, number) {
                let middle = &number[SHOWN_FIRST..number.len() - SHOWN_LAST];
                middle.iter().for_each(|at| is_hidden[*at] = true);
                hide_track(&symbols, end, &mut is_hidden);
            }
        }
    }
    is_hidden.iter().enumerate().filter_map(|(at, is_hidden)| is_hidden.then_some(at)).collect()
}

/// Returns the places of the digits from here, in groups with the same separator.
fn digits_from(symbols: &[Symbol], start: usize) -> Vec<usize> {
    let (mut places, mut separator, mut group) = (Vec::new(), None, LEAST_GROUP);
    for (at, symbol) in symbols.iter().enumerate().skip(start) {
        match *symbol {
            Symbol::Digit(_) => {
                places.push(at);
                group += 1;
            }
            Symbol::Gap(gap) if group >= LEAST_GROUP && separator.is_none_or(|other| other == gap) => {
                (separator, group) = (Some(gap), 0);
            }
            _ => break,
        }
        if places.is_empty() || places.len() == MOST_LEN {
            break;
        }
    }
    places
}

/// Returns whether more than half of the bytes are ASCII digits, which look like packed ones.
fn has_text_digits(bytes: &[u8]) -> bool {
    bytes.iter().filter(|byte| byte.is_ascii_digit()).count() * 2 > bytes.len()
}

/// Hides what stands behind a card number that ends here: the digits of track 2, or the name and the data of track 1.
fn hide_track(symbols: &[Symbol], end: usize, is_hidden: &mut [bool]) {
    let rest = symbols.get(end + 1..).unwrap_or_default();
    let mut hide = |from: usize, is_part: fn(&Symbol) -> bool, most: usize| {
        let more = symbols.get(from..).unwrap_or_default();
        let len = more.iter().take(most).take_while(|symbol| is_part(symbol)).count();
        is_hidden[from.min(symbols.len())..][..len].fill(true);
        from + len
    };
    match symbols.get(end) {
        Some(Symbol::Separator) => {
            hide(end + 1, |symbol| matches!(symbol, Symbol::Digit(_)), rest.len());
        }
        Some(Symbol::Caret) => {
            let behind = hide(end + 1, |symbol| !matches!(symbol, Symbol::Caret | Symbol::Other), MOST_NAME);
            if symbols.get(behind) == Some(&Symbol::Caret) {
                hide(behind + 1, |symbol| *symbol != Symbol::Other, MOST_TRACK_1);
            }
        }
        _ => {}
    }
}

/// Returns whether the digits at these places do not begin with 0, and satisfy the check of Luhn.
fn is_card_number(symbols: &[Symbol], places: &[usize]) -> bool {
    let digit = |at: &usize| if let Symbol::Digit(digit) = symbols[*at] { u32::from(digit) } else { 0 };
    let doubled = |digit: u32| digit * 2 / 10 + digit * 2 % 10;
    let digits = places.iter().rev().map(digit).enumerate();
    let sum: u32 = digits.map(|(index, digit)| if index % 2 == 0 { digit } else { doubled(digit) }).sum();
    sum.is_multiple_of(10) && places.first().map(digit) != Some(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(message: &[u8]) -> Vec<u8> {
        hidden_in(message, |_| true).into_iter().zip(message).map(|(hidden, byte)| hidden.mask(*byte)).collect()
    }

    #[test]
    fn card_numbers_keep_their_first_six_and_last_four_digits() {
        for (bytes, expected) in [
            (&b"4111111111111111"[..], &b"411111******1111"[..]),
            (b"<378282246310005>", b"<378282*****0005>"),
            (b"4111 1111 1111 1111", b"4111 11** **** 1111"),
            (b"card 4111-1111-1111-1111.", b"card 4111-11**-****-1111."),
            (b"3782 822463 10005", b"3782 82**** *0005"),
            // Two separators, or dates, are not those of one number.
            (b"4111 1111-1111-1111", b"4111 1111-1111-1111"),
            (b"2027-01-15-20-27-01-15", b"2027-01-15-20-27-01-15"),
            (b"411111111111", b"411111111111"),
            // Track 2: the expiry date and the discretionary data are masked.
            (b"4111111111111111=27011010000012300000", b"411111******1111=********************"),
            // Track 1: the name is masked too.
            (b"%B4111111111111111^DOE/JOHN^29121010000000123?x", b"%B411111******1111^********^*****************?x"),
            (b"B4111 1111 1111 1111^DOE\r\nnext", b"B4111 11** **** 1111^***\r\nnext"),
            (
                b"\xf4\xf1\xf1\xf1\xf1\xf1\xf1\xf1\xf1\xf1\xf1\xf1\xf1\xf1\xf1\xf1",
                b"\xf4\xf1\xf1\xf1\xf1\xf1\x5c\x5c\x5c\x5c\x5c\x5c\xf1\xf1\xf1\xf1",
            ),
            (b"\x41\x11\x11\x11\x11\x11\x11\x11\xff", b"\x41\x11\x11\x00\x00\x00\x11\x11\xff"),
            // An odd number of digits, and a nibble F that fills the byte.
            (b"\x37\x82\x82\x24\x63\x10\x00\x5f", b"\x37\x82\x82\x00\x00\x00\x00\x5f"),
            (b"\x41\x11\x11\x11\x11\x11\x11\x11\xd2\x70\x11\x23", b"\x41\x11\x11\x00\x00\x00\x11\x11\xd0\x00\x00\x00"),
        ] {
            assert_eq!(masked(bytes), expected, "{:?}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn a_card_number_among_other_digits_is_masked_whatever_they_are() {
        for before in 0..300_u32 {
            let text = format!("0200{before:03}4111111111111111{:06}", before * 7919 % 1_000_000);
            let bytes = masked(text.as_bytes());
            assert!(!String::from_utf8_lossy(&bytes).contains("4111111111111111"), "{text}");
            assert_eq!(&bytes[13..19], b"******", "{text}");
            assert_eq!(&bytes[..4], b"0200", "the first digits of a message stay");
        }
    }
}
