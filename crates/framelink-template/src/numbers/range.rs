//! The range of a source of numbers.

use alloc::format;
use core::fmt;
use core::ops::RangeInclusive;
use core::str::FromStr;

use framelink_codec::notation::{NotationError, Token};

/// A range of numbers, written `FIRST..LAST`, both included, in decimal or with `0x` in hex.
///
/// ```
/// use framelink_template::NumberRange;
///
/// let stan: NumberRange = "1..999999".parse()?;
/// assert_eq!((stan.first(), stan.last(), stan.count()), (1, 999_999, 999_999));
/// let smpp: NumberRange = "1..0x7fffffff".parse()?;
/// assert_eq!(smpp.to_string(), "1..2147483647");
///
/// let error = "9..1".parse::<NumberRange>().unwrap_err();
/// assert_eq!(error.to_string(), "column 4: expected a number from 9, found `1`");
/// # Ok::<(), framelink_template::NotationError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NumberRange {
    first: u64,
    last: u64,
}

impl NumberRange {
    /// Creates a range. Returns `None` if `first` is above `last`.
    #[must_use]
    pub const fn new(first: u64, last: u64) -> Option<Self> {
        if first > last { None } else { Some(Self { first, last }) }
    }

    /// Creates the range from 1 to `last`, which is at least 1.
    #[must_use]
    pub const fn from_1_to(last: u64) -> Self {
        Self { first: 1, last: if last == 0 { 1 } else { last } }
    }

    /// Returns the first number.
    #[must_use]
    pub const fn first(self) -> u64 {
        self.first
    }

    /// Returns the last number.
    #[must_use]
    pub const fn last(self) -> u64 {
        self.last
    }

    /// Returns how many numbers there are; `u64::MAX` for all 2^64.
    #[must_use]
    pub const fn count(self) -> u64 {
        (self.last - self.first).saturating_add(1)
    }

    /// Returns whether the number is in the range.
    #[must_use]
    pub const fn contains(self, number: u64) -> bool {
        self.first <= number && number <= self.last
    }

    /// Returns the number after this one; the first after the last, and after a number outside the range.
    #[must_use]
    pub const fn after(self, number: u64) -> u64 {
        if number < self.first || number >= self.last { self.first } else { number + 1 }
    }

    /// Returns the range up to `most`. Returns `None` if no number is left.
    #[must_use]
    pub const fn up_to(self, most: u64) -> Option<Self> {
        Self::new(self.first, if self.last < most { self.last } else { most })
    }
}

impl From<NumberRange> for RangeInclusive<u64> {
    fn from(range: NumberRange) -> Self {
        range.first..=range.last
    }
}

impl FromStr for NumberRange {
    type Err = NotationError;

    fn from_str(text: &str) -> Result<Self, NotationError> {
        let Some((first, last)) = text.split_once("..") else {
            return Err(Token { text, column: 1 }.mismatch("FIRST..LAST, such as `1..999999` or `1..0x7fffffff`"));
        };
        let last = Token { text: last, column: first.chars().count() + 3 };
        let first = number(Token { text: first, column: 1 })?;
        Self::new(first, number(last)?).ok_or_else(|| last.mismatch(&format!("a number from {first}")))
    }
}

/// Parses a decimal number, or a hex number after `0x`.
fn number(token: Token<'_>) -> Result<u64, NotationError> {
    let parsed = match token.text.strip_prefix("0x") {
        Some(hex) if hex.bytes().all(|digit| digit.is_ascii_hexdigit()) => u64::from_str_radix(hex, 16).ok(),
        None if token.text.bytes().all(|digit| digit.is_ascii_digit()) => token.text.parse().ok(),
        _ => None,
    };
    parsed.ok_or_else(|| token.mismatch("a number up to 0xffffffffffffffff, in decimal, or in hex after `0x`"))
}

impl fmt::Display for NumberRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.first, self.last)
    }
}
