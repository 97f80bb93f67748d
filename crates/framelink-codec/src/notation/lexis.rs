//! The nom parsers of names and values. Each says what it expected if it fails.

use alloc::vec::Vec;
use core::time::Duration;

use nom::branch::alt;
use nom::bytes::complete::{tag, take_while_m_n, take_while1};
use nom::character::complete::{anychar, char};
use nom::combinator::{map_opt, opt, recognize, value};
use nom::error::{ErrorKind, ParseError};
use nom::multi::{many0_count, many1};
use nom::sequence::{delimited, preceded, terminated};
use nom::{IResult, Parser};

/// What a parser expected, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Expected<'a> {
    /// The text from the failure on.
    pub(super) at: &'a str,
    pub(super) what: &'static str,
}

impl<'a> ParseError<&'a str> for Expected<'a> {
    fn from_error_kind(at: &'a str, _kind: ErrorKind) -> Self {
        Self { at, what: "" }
    }

    fn append(_at: &'a str, _kind: ErrorKind, other: Self) -> Self {
        other
    }
}

type Lexed<'a, T> = IResult<&'a str, T, Expected<'a>>;

/// Runs a parser, and names what it expects if it fails.
pub(super) fn expect<'a, T>(
    what: &'static str,
    mut parser: impl Parser<&'a str, Output = T, Error = Expected<'a>>,
) -> impl FnMut(&'a str) -> Lexed<'a, T> {
    move |input| parser.parse(input).map_err(|error| error.map(|failed| Expected { at: failed.at, what }))
}

/// A name: letters, digits and dashes.
pub(super) fn name(input: &str) -> Lexed<'_, &str> {
    take_while1(|c: char| c.is_ascii_alphanumeric() || c == '-').parse(input)
}

/// The value of an item: the text up to the next comma.
pub(super) fn raw_value(input: &str) -> Lexed<'_, &str> {
    take_while1(|c: char| c != ',').parse(input)
}

/// A value between quotes, without them. A backslash takes its meaning from the next character, so a quote may follow it.
pub(super) fn quoted(quote: char, input: &str) -> Lexed<'_, &str> {
    let ordinary = take_while1(move |c| c != quote && c != '\\');
    let escaped = preceded(char('\\'), anychar);
    let inside = recognize(many0_count(alt((value((), ordinary), value((), escaped)))));
    delimited(char(quote), inside, char(quote)).parse(input)
}

/// A decimal integer without leading zeros.
pub(super) fn number(input: &str) -> Lexed<'_, u64> {
    map_opt(take_while1(|c: char| c.is_ascii_digit()), |digits: &str| {
        if digits.len() > 1 && digits.starts_with('0') { None } else { digits.parse().ok() }
    })
    .parse(input)
}

/// A sign, then a number.
pub(super) fn signed(input: &str) -> Lexed<'_, i64> {
    let sign = alt((value(1_i128, tag("+")), value(-1, tag("-"))));
    map_opt((sign, number), |(sign, number)| i64::try_from(sign * i128::from(number)).ok()).parse(input)
}

/// A number of bytes, with an optional `KiB` or `MiB`.
pub(super) fn size(input: &str) -> Lexed<'_, usize> {
    let unit = opt(alt((value(1024_u64, tag("KiB")), value(1024 * 1024, tag("MiB")))));
    map_opt((number, unit), |(number, unit)| usize::try_from(number.checked_mul(unit.unwrap_or(1))?).ok()).parse(input)
}

/// A number above 0 with `ms`, `s`, `m`, `h` or `d`.
pub(super) fn duration(input: &str) -> Lexed<'_, Duration> {
    let unit = alt((
        value(1_u64, tag("ms")),
        value(1000, tag("s")),
        value(60_000, tag("m")),
        value(3_600_000, tag("h")),
        value(86_400_000, tag("d")),
    ));
    map_opt((number, unit), |(number, unit)| match number.checked_mul(unit) {
        None | Some(0) => None,
        Some(millis) => Some(Duration::from_millis(millis)),
    })
    .parse(input)
}

/// One or more pairs of hex digits.
pub(super) fn hex(input: &str) -> Lexed<'_, Vec<u8>> {
    let digit = |c: char| c.is_ascii_hexdigit();
    let pair = map_opt(take_while_m_n(2, 2, digit), |pair: &str| u8::from_str_radix(pair, 16).ok());
    many1(pair).parse(input)
}

/// Two groups of hex pairs with two dots between.
pub(super) fn hex_pair(input: &str) -> Lexed<'_, (Vec<u8>, Vec<u8>)> {
    (terminated(hex, tag("..")), hex).parse(input)
}
