//! Times in a template.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write};
use core::time::Duration;

use chrono::{DateTime, FixedOffset};
use framelink_codec::notation::{NotationError, Token};

use crate::Encoding;
use crate::text::Cursor;

/// What may follow a percent sign: its characters, and how many it prints, `None` if that varies.
const SPECIFIERS: [(&str, Option<usize>); 15] = [
    ("Y", Some(4)),
    ("y", Some(2)),
    ("m", Some(2)),
    ("d", Some(2)),
    ("H", Some(2)),
    ("M", Some(2)),
    ("S", Some(2)),
    ("j", Some(3)),
    ("3f", Some(3)),
    ("6f", Some(6)),
    ("s", None),
    ("%", Some(1)),
    ("a", Some(3)),
    ("b", Some(3)),
    ("e", Some(2)),
];
const EXPECTED: &str = "one of %Y %y %m %d %H %M %S %j %3f %6f %s %a %b %e %%";
/// When years begin to have five digits.
pub(super) const YEAR_10000: Duration = Duration::from_secs(253_402_300_800);
const DAY: Duration = Duration::from_secs(86_400);
/// The most characters of a format.
const MOST_FORMAT: usize = 64;

/// A time in a format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Time {
    pub(super) zone: Zone,
    format: String,
    encoding: Encoding,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Zone {
    Local,
    /// Seconds east of UTC.
    Utc(i32),
}

impl Time {
    /// Checks a format and its encoding. `encoding` has the token that said it.
    pub(super) fn parse(
        zone: Zone,
        format: Token<'_>,
        encoding: Option<(Encoding, Token<'_>)>,
    ) -> Result<Self, NotationError> {
        if format.text.chars().count() > MOST_FORMAT {
            return Err(format.mismatch("a format of at most 64 characters"));
        }
        let mut cursor = Cursor::new(format);
        if cursor.rest.is_empty() {
            return Err(cursor.expected("a format such as `%m%d%H%M%S`"));
        }
        while let Some(c) = cursor.peek() {
            match c {
                '%' => specifier(&mut cursor)?,
                '\\' | '\'' | '"' => return Err(cursor.expected("a character other than a backslash or a quote")),
                _ if c.is_control() => return Err(cursor.expected("a visible character")),
                _ => drop(cursor.next()),
            }
        }
        let time =
            Self { zone, format: format.text.into(), encoding: encoding.map_or(Encoding::Ascii, |(word, _)| word) };
        match (time.encoding, encoding) {
            (Encoding::Bcd | Encoding::Ebcdic, Some((_, token))) if !time.has_only_digits() => {
                Err(token.error(alloc::format!("`{}` writes digits, and this format has other characters", token.text)))
            }
            (Encoding::Ascii | Encoding::Bcd | Encoding::Ebcdic, _) | (_, None) => Ok(time),
            (_, Some((_, token))) => Err(token.mismatch("one of ascii, bcd, ebcdic for a time")),
        }
    }

    /// Appends the time. Returns `None` if it has no date of four-digit years.
    pub(super) fn append(&self, now: Duration, local_offset: i32, out: &mut Vec<u8>) -> Option<()> {
        let offset = match self.zone {
            Zone::Local => local_offset,
            Zone::Utc(offset) => offset,
        };
        let date = DateTime::from_timestamp(i64::try_from(now.as_secs()).ok()?, now.subsec_nanos())?;
        // A day less than the last year has, because local time may be a day ahead.
        if now >= YEAR_10000 - DAY {
            return None;
        }
        let date = date.with_timezone(&FixedOffset::east_opt(offset)?);
        let mut text = String::with_capacity(self.format.len() * 2);
        write!(text, "{}", date.format(&self.format)).ok()?;
        match self.encoding {
            Encoding::Bcd => append_bcd(&text, out),
            Encoding::Ebcdic => out.extend(text.bytes().map(|digit| digit & 0x0f | 0xf0)),
            _ => out.extend_from_slice(text.as_bytes()),
        }
        Some(())
    }

    /// The number of bytes; `None` if it varies.
    pub(super) fn fixed_len(&self) -> Option<usize> {
        let mut len = 0;
        let mut rest = self.format.as_str();
        while let Some(c) = rest.chars().next() {
            let width = if c == '%' { specifier_at(rest)? } else { (c.len_utf8(), Some(c.len_utf8())) };
            rest = rest.get(width.0..)?;
            len += width.1?;
        }
        Some(if self.encoding == Encoding::Bcd { len.div_ceil(2) } else { len })
    }

    fn has_only_digits(&self) -> bool {
        let mut rest = self.format.as_str();
        while let Some(c) = rest.chars().next() {
            let is_digits = match specifier_at(rest) {
                Some((len, _)) => {
                    let word = rest.get(1..len).unwrap_or_default();
                    rest = rest.get(len..).unwrap_or_default();
                    !matches!(word, "%" | "a" | "b" | "e")
                }
                None => {
                    rest = rest.get(c.len_utf8()..).unwrap_or_default();
                    c.is_ascii_digit()
                }
            };
            if !is_digits {
                return false;
            }
        }
        true
    }
}

/// Appends digits, two to a byte, with a zero on the left if their number is odd.
fn append_bcd(digits: &str, out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + framelink_bcd::packed_len(digits.len()), 0);
    let packed = out.get_mut(start..).unwrap_or_default();
    let packed = framelink_bcd::pack(digits.as_bytes(), framelink_bcd::Pad::LeftZero, packed);
    debug_assert!(packed.is_ok(), "the format has only digits");
}

/// The length of the specifier at the start of a text, and of what it prints; `None` if there is none.
fn specifier_at(text: &str) -> Option<(usize, Option<usize>)> {
    let after = text.strip_prefix('%')?;
    SPECIFIERS.iter().find(|(word, _)| after.starts_with(word)).map(|(word, width)| (1 + word.len(), *width))
}

fn specifier(cursor: &mut Cursor<'_>) -> Result<(), NotationError> {
    let Some((len, _)) = specifier_at(cursor.rest) else {
        let text = cursor.rest.get(..cursor.rest.chars().take(2).map(char::len_utf8).sum()).unwrap_or_default();
        return Err(Token { text, column: cursor.column }.mismatch(EXPECTED));
    };
    for _ in 0..len {
        cursor.next();
    }
    Ok(())
}

/// Parses `+HH:MM` or `-HH:MM`.
pub(super) fn read_offset(token: Token<'_>) -> Result<i32, NotationError> {
    let seconds = || {
        let (sign, time) = match token.text.as_bytes() {
            [b'+', time @ ..] => (1, time),
            [b'-', time @ ..] => (-1, time),
            _ => return None,
        };
        let &[h1, h2, b':', m1, m2] = time else { return None };
        let two = |tens: u8, ones: u8| {
            (tens.is_ascii_digit() && ones.is_ascii_digit())
                .then(|| i32::from(tens - b'0') * 10 + i32::from(ones - b'0'))
        };
        let (hours, minutes) = (two(h1, h2)?, two(m1, m2)?);
        (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
    };
    seconds().ok_or_else(|| token.mismatch("an offset from -23:59 to +23:59, such as `+03:00`"))
}

/// Prints the field without its braces.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.zone == Zone::Local { "local:" } else { "utc:" })?;
        let is_plain = !self.format.contains([',', '{', '}']) && !self.format.starts_with([' ']);
        if is_plain {
            f.write_str(&self.format)?
        } else {
            write!(f, "\"{}\"", self.format)?
        }
        if self.encoding != Encoding::Ascii {
            write!(f, ",{}", self.encoding)?;
        }
        match self.zone {
            Zone::Utc(offset) if offset != 0 => {
                let (sign, minutes) = (if offset < 0 { '-' } else { '+' }, offset.unsigned_abs() / 60);
                f.write_str(",offset=")?;
                f.write_char(sign)?;
                write!(f, "{:02}:{:02}", minutes / 60, minutes % 60)
            }
            _ => Ok(()),
        }
    }
}
