//! A text cut into items, and items into names and values.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::ops::RangeInclusive;
use core::time::Duration;

use nom::combinator::all_consuming;
use nom::{IResult, Parser};

use super::error::NotationError;
use super::lexis::{self, Expected};
use super::nearest::did_you_mean;

/// A notation cut into its items.
///
/// See [the module](super) for an example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notation<'a> {
    /// The kind or preset.
    pub kind: Item<'a>,
    /// The options, as written.
    pub options: Vec<Item<'a>>,
}

impl<'a> Notation<'a> {
    /// Cuts a text into items. Which of them exist and what their values mean is not looked at.
    ///
    /// # Errors
    /// Where the text does not have the form of a notation.
    pub fn parse(text: &'a str) -> Result<Self, NotationError> {
        Self::parse_what(text, "a framing such as `ascii:4`")
    }

    /// The same for something that is written like a framing and is none; `what` says what was expected where nothing stands.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn parse_what(text: &'a str, what: &'static str) -> Result<Self, NotationError> {
        let (mut rest, kind) = item(text, text, ':', what)?;
        let mut options = Vec::new();
        while !rest.is_empty() {
            // A value goes on to the next comma, so what is no comma stands behind a name.
            let sign = options.last().unwrap_or(&kind).sign;
            let after = rest.strip_prefix(',').ok_or_else(|| found(text, rest, behind_name(sign)))?;
            let (next, option) = item(text, after, '=', "an option")?;
            if let Some(twice) = options.iter().find(|seen: &&Item<'_>| seen.name.text == option.name.text) {
                let first = twice.name.column;
                return Err(option.name.error(format!("`{}` stands twice, first at column {first}", option.name.text)));
            }
            options.push(option);
            rest = next;
        }
        Ok(Self { kind, options })
    }
}

/// A name and, where there is one, its value.
///
/// ```
/// use framelink_codec::notation::Notation;
///
/// let keep = &Notation::parse("net:2,keep")?.options[0];
/// assert_eq!((keep.name.text, keep.name.column, keep.value), ("keep", 7, None));
/// # Ok::<(), framelink_codec::notation::NotationError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item<'a> {
    /// What stands before the `:` or `=`.
    pub name: Token<'a>,
    /// What stands behind it.
    pub value: Option<Token<'a>>,
    /// The sign that introduces a value here: `:` after a kind, `=` after an option.
    sign: char,
}

impl<'a> Item<'a> {
    /// The value.
    ///
    /// # Errors
    /// When there is none; `what` says what was expected.
    pub fn value(&self, what: &str) -> Result<Token<'a>, NotationError> {
        self.value.ok_or_else(|| {
            let column = self.name.column + self.name.text.chars().count();
            NotationError::new(column, 0, format!("expected `{}` and {what} after `{}`", self.sign, self.name.text))
        })
    }

    /// Checks that there is no value.
    ///
    /// # Errors
    /// When there is one.
    pub fn no_value(&self) -> Result<(), NotationError> {
        match self.value {
            None => Ok(()),
            Some(value) => {
                Err(value.error(format!("`{}` takes no value, found `{}`", self.name.text, shorten(value.text))))
            }
        }
    }
}

/// A stretch of the text that knows where it stands.
///
/// ```
/// use framelink_codec::notation::Notation;
///
/// let value = Notation::parse("bcd:10")?.kind.value("1 to 9")?;
/// let error = value.number(1..=9, "bytes").unwrap_err();
/// assert_eq!(error.to_string(), "column 5: expected 1 to 9 bytes, found `10`");
/// # Ok::<(), framelink_codec::notation::NotationError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'a> {
    /// What is written there.
    pub text: &'a str,
    /// Where it begins, in characters from 1.
    pub column: usize,
}

impl Token<'_> {
    /// An error that points at the whole token.
    #[must_use]
    pub fn error(&self, message: String) -> NotationError {
        NotationError::new(self.column, self.text.chars().count(), message)
    }

    /// A number within `range` of `what` (`bytes`, `digits`).
    ///
    /// # Errors
    /// When it is no decimal integer without leading zeros, or outside the range.
    pub fn number(&self, range: RangeInclusive<usize>, what: &str) -> Result<usize, NotationError> {
        let unbounded = *range.end() == usize::MAX;
        let bounds = if unbounded {
            format!("{} or more {what}", range.start())
        } else {
            format!("{} to {} {what}", range.start(), range.end())
        };
        let number = match all_consuming(lexis::number).parse(self.text) {
            Ok((_, number)) => number,
            Err(_) if self.has_leading_zero() => return Err(self.with_leading_zero(&bounds)),
            Err(_) if unbounded && self.is_number() => return Err(self.too_large(&usize::MAX)),
            Err(_) => return Err(self.mismatch(&bounds)),
        };
        match usize::try_from(number) {
            Ok(number) if range.contains(&number) => Ok(number),
            Err(_) if unbounded => Err(self.too_large(&usize::MAX)),
            _ => Err(self.mismatch(&bounds)),
        }
    }

    /// A number with its sign written out.
    ///
    /// # Errors
    /// When it is something else.
    pub fn signed(&self) -> Result<i64, NotationError> {
        self.read_number(lexis::signed, "`+` or `-` and a number", &format!("{}", i64::MAX))
    }

    /// A number of bytes with an optional `KiB` or `MiB`.
    ///
    /// # Errors
    /// When it is something else, or beyond what this machine can address.
    pub fn size(&self) -> Result<usize, NotationError> {
        self.read_number(lexis::size, "a number of bytes, or one with `KiB` or `MiB`", &format!("{}", usize::MAX))
    }

    /// A number above 0 with `ms`, `s`, `m`, `h` or `d`.
    ///
    /// # Errors
    /// When it is something else.
    pub fn duration(&self) -> Result<Duration, NotationError> {
        self.read_number(
            lexis::duration,
            "a number above 0 with `ms`, `s`, `m`, `h` or `d`",
            &format!("{}ms", u64::MAX),
        )
    }

    /// One to `most` pairs of hex digits.
    ///
    /// # Errors
    /// When there are more or they are something else.
    pub fn hex(&self, most: usize) -> Result<Vec<u8>, NotationError> {
        let bytes = self.read(lexis::hex, "pairs of hex digits")?;
        self.at_most(&bytes, most)?;
        Ok(bytes)
    }

    /// Two runs of one to `most` pairs of hex digits, with two dots between.
    ///
    /// # Errors
    /// When there are more or they are something else.
    pub fn hex_pair(&self, most: usize) -> Result<(Vec<u8>, Vec<u8>), NotationError> {
        let (start, end) = self.read(lexis::hex_pair, "pairs of hex digits, `..`, and pairs of hex digits")?;
        self.at_most(&start, most)?;
        self.at_most(&end, most)?;
        Ok((start, end))
    }

    /// An error that says what was expected in the token's place.
    #[must_use]
    pub fn mismatch(&self, expected: &str) -> NotationError {
        self.error(format!("expected {expected}, found `{}`", shorten(self.text)))
    }

    /// An error for a name that is unknown. It says what was expected, and which of the known names are spelt most like the token.
    ///
    /// ```
    /// use framelink_codec::notation::Token;
    ///
    /// let error = Token { text: "tpkd", column: 1 }.unknown("a preset", ["mllp", "tpkt"]);
    /// assert_eq!(error.message(), "expected a preset, found `tpkd`; did you mean `tpkt`?");
    /// ```
    #[must_use]
    pub fn unknown<'n>(&self, expected: &str, known: impl IntoIterator<Item = &'n str>) -> NotationError {
        let did_you_mean = did_you_mean(self.text, known);
        self.error(format!("expected {expected}, found `{}`{did_you_mean}", shorten(self.text)))
    }

    fn at_most(&self, bytes: &[u8], most: usize) -> Result<(), NotationError> {
        if bytes.len() <= most {
            return Ok(());
        }
        let unit = if most == 1 { "byte" } else { "bytes" };
        Err(self.error(format!("expected at most {most} {unit}, found {}", bytes.len())))
    }

    /// Reads a number with its sign or unit; `most` is the largest there is.
    fn read_number<T>(
        &self,
        parser: impl for<'b> Fn(&'b str) -> IResult<&'b str, T, Expected<'b>>,
        what: &'static str,
        most: &str,
    ) -> Result<T, NotationError> {
        if let Ok((_, value)) = all_consuming(&parser).parse(self.text) {
            return Ok(value);
        }
        if self.has_leading_zero() {
            return Err(self.with_leading_zero(what));
        }
        let (sign, digits, unit) = self.split_number();
        let with_another = format!("{sign}1{unit}");
        let is_form_right = all_consuming(&parser).parse(with_another.as_str()).is_ok();
        if is_form_right && !matches!(digits, "" | "0") {
            return Err(if sign == "-" { self.too_small() } else { self.too_large(&most) });
        }
        Err(self.mismatch(what))
    }

    fn is_number(&self) -> bool {
        !self.text.is_empty() && self.text.bytes().all(|byte| byte.is_ascii_digit())
    }

    fn too_large(&self, most: &dyn fmt::Display) -> NotationError {
        self.error(format!("`{}` is too large, at most {most} is allowed", shorten(self.text)))
    }

    fn too_small(&self) -> NotationError {
        self.error(format!("`{}` is too small, at least {} is allowed", shorten(self.text), i64::MIN))
    }

    fn has_leading_zero(&self) -> bool {
        let (_, digits, _) = self.split_number();
        digits.len() > 1 && digits.starts_with('0')
    }

    fn with_leading_zero(&self, expected: &str) -> NotationError {
        self.mismatch(&format!("{expected}, without leading zeros"))
    }

    /// What stands before the digits, the digits, and what stands behind them.
    fn split_number(&self) -> (&str, &str, &str) {
        let is_digit = |c: char| c.is_ascii_digit();
        let unsigned = self.text.trim_start_matches(['+', '-']);
        let unit = unsigned.trim_start_matches(is_digit);
        let sign = self.text.strip_suffix(unsigned).unwrap_or_default();
        (sign, unsigned.strip_suffix(unit).unwrap_or_default(), unit)
    }

    fn read<'a, T>(
        &'a self,
        parser: impl Fn(&'a str) -> IResult<&'a str, T, Expected<'a>>,
        what: &'static str,
    ) -> Result<T, NotationError> {
        match all_consuming(parser).parse(self.text) {
            Ok((_, value)) => Ok(value),
            Err(_) => Err(self.mismatch(what)),
        }
    }
}

/// One item at the start of `rest`, and what follows it.
fn item<'a>(
    text: &'a str,
    rest: &'a str,
    sign: char,
    what: &'static str,
) -> Result<(&'a str, Item<'a>), NotationError> {
    let fail = |error: nom::Err<Expected<'a>>| match error {
        nom::Err::Error(e) | nom::Err::Failure(e) => found(text, e.at, e.what),
        nom::Err::Incomplete(_) => found(text, rest, what), // our parsers know their whole input
    };
    let (after, name) = lexis::expect(what, lexis::name)(rest).map_err(fail)?;
    let name = Token { text: name, column: column(text, rest) };
    let Some(behind) = after.strip_prefix([':', '=']) else {
        return Ok((after, Item { name, value: None, sign }));
    };
    if !after.starts_with(sign) {
        return Err(found(text, after, behind_name(sign)));
    }
    let (after, value) = lexis::expect("a value", lexis::raw_value)(behind).map_err(fail)?;
    let value = Some(Token { text: value, column: column(text, behind) });
    Ok((after, Item { name, value, sign }))
}

/// What may follow a name.
const fn behind_name(sign: char) -> &'static str {
    if sign == ':' { "`:`, `,` or the end" } else { "`=`, `,` or the end" }
}

/// Where `rest`, the end of `text`, begins.
fn column(text: &str, rest: &str) -> usize {
    let before = text.len().saturating_sub(rest.len());
    text.get(..before).unwrap_or_default().chars().count() + 1
}

/// An error at the first character of `rest`.
fn found(text: &str, rest: &str, expected: &str) -> NotationError {
    let column = column(text, rest);
    match rest.chars().next() {
        Some(c) => NotationError::new(column, 1, format!("expected {expected}, found `{}`", c.escape_debug())),
        None => NotationError::new(column, 0, format!("expected {expected}, found the end")),
    }
}

/// A text as an error shows it: escaped, and cut where it is long.
fn shorten(text: &str) -> String {
    const MOST: usize = 40;
    let mut shown: String = text.chars().take(MOST).flat_map(char::escape_debug).collect();
    if text.chars().nth(MOST).is_some() {
        shown.push('…');
    }
    shown
}
