//! Splits a notation into items, and items into names and values.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::ops::RangeInclusive;
use core::str::FromStr;
use core::time::Duration;

use nom::combinator::all_consuming;
use nom::{IResult, Parser};

use super::error::NotationError;
use super::lexis::{self, Expected};
use super::nearest::did_you_mean;

/// A notation as its items.
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
    /// Splits a text into items, without a check of names and values.
    ///
    /// # Errors
    /// If the text does not have the form of a notation.
    pub fn parse(text: &'a str) -> Result<Self, NotationError> {
        Self::parse_what(text, "a framing such as `ascii:4`")
    }

    /// Like [`parse`](Self::parse), for other values with this syntax. `what` is what an error says was expected in an
    /// empty text.
    ///
    /// # Errors
    /// As for [`parse`](Self::parse).
    pub fn parse_what(text: &'a str, what: &'static str) -> Result<Self, NotationError> {
        Self::parse_inside(Token { text, column: 1 }, what)
    }

    /// Like [`parse_what`](Self::parse_what), for a token of a longer text. All columns are those of the longer text.
    ///
    /// ```
    /// use framelink_codec::notation::{Notation, Token};
    ///
    /// let field = Notation::parse_inside(Token { text: "number:6,bcd", column: 11 }, "a field")?;
    /// assert_eq!((field.options[0].name.text, field.options[0].name.column), ("bcd", 20));
    /// # Ok::<(), framelink_codec::notation::NotationError>(())
    /// ```
    ///
    /// # Errors
    /// As for [`parse`](Self::parse).
    pub fn parse_inside(whole: Token<'a>, what: &'static str) -> Result<Self, NotationError> {
        let (mut rest, kind) = item(whole, whole.text, ':', what)?;
        let mut options = Vec::new();
        while !rest.is_empty() {
            let last = options.last().unwrap_or(&kind);
            let after = rest.strip_prefix(',').ok_or_else(|| found(whole, rest, behind(last)))?;
            let (next, option) = item(whole, after, '=', "an option")?;
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

/// A name and its value, if it has one.
///
/// A value stands between quotes, `'` or `"`, if it has a comma. Its token has the text between them. A backslash before a
/// character takes its meaning away, also that of a quote. The value keeps the backslash, and who reads the value its rules.
///
/// ```
/// use framelink_codec::notation::Notation;
///
/// let keep = &Notation::parse("net:2,keep")?.options[0];
/// assert_eq!((keep.name.text, keep.name.column, keep.value), ("keep", 7, None));
///
/// let notation = Notation::parse("pattern:'text:a,b',tries=2")?;
/// let quoted = notation.kind.value("a template")?;
/// assert_eq!((quoted.text, quoted.column), ("text:a,b", 10));
/// # Ok::<(), framelink_codec::notation::NotationError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item<'a> {
    /// The text before the `:` or `=`.
    pub name: Token<'a>,
    /// The text after it.
    pub value: Option<Token<'a>>,
    /// The sign that introduces a value here: `:` after a kind, `=` after an option.
    sign: char,
}

impl<'a> Item<'a> {
    /// Returns the value.
    ///
    /// # Errors
    /// If there is no value. `what` is what the error says was expected.
    pub fn value(&self, what: &str) -> Result<Token<'a>, NotationError> {
        self.value.ok_or_else(|| {
            let column = self.name.column + self.name.text.chars().count();
            NotationError::new(column, 0, format!("expected `{}` and {what} after `{}`", self.sign, self.name.text))
        })
    }

    /// Checks that there is no value.
    ///
    /// # Errors
    /// If there is a value.
    pub fn no_value(&self) -> Result<(), NotationError> {
        match self.value {
            None => Ok(()),
            Some(value) => {
                Err(value.error(format!("`{}` takes no value, found `{}`", self.name.text, shorten(value.text))))
            }
        }
    }
}

/// A part of the text with its column.
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
    /// The text.
    pub text: &'a str,
    /// The column of its first character, from 1.
    pub column: usize,
}

impl Token<'_> {
    /// Creates an error that points at the whole token.
    #[must_use]
    pub fn error(&self, message: String) -> NotationError {
        NotationError::new(self.column, self.text.chars().count(), message)
    }

    /// Parses a number within `range`; `what` is its unit (`bytes`, `digits`).
    ///
    /// # Errors
    /// If the token is no decimal integer without leading zeros, or out of range.
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

    /// Parses a number with a sign.
    ///
    /// # Errors
    /// If the token is anything else.
    pub fn signed(&self) -> Result<i64, NotationError> {
        self.read_number(lexis::signed, "`+` or `-` and a number", &format!("{}", i64::MAX))
    }

    /// Parses a number of bytes with an optional `KiB` or `MiB`.
    ///
    /// # Errors
    /// If the token is anything else, or more than this machine can address.
    pub fn size(&self) -> Result<usize, NotationError> {
        self.read_number(lexis::size, "a number of bytes, or one with `KiB` or `MiB`", &format!("{}", usize::MAX))
    }

    /// Parses a number above 0 with `ms`, `s`, `m`, `h` or `d`.
    ///
    /// # Errors
    /// If the token is anything else.
    pub fn duration(&self) -> Result<Duration, NotationError> {
        self.read_number(
            lexis::duration,
            "a number above 0 with `ms`, `s`, `m`, `h` or `d`",
            &format!("{}ms", u64::MAX),
        )
    }

    /// Parses one to `most` pairs of hex digits.
    ///
    /// # Errors
    /// If there are more, or the token is anything else.
    pub fn hex(&self, most: usize) -> Result<Vec<u8>, NotationError> {
        let bytes = self.read(lexis::hex, "pairs of hex digits")?;
        self.at_most(&bytes, most)?;
        Ok(bytes)
    }

    /// Parses two groups of one to `most` pairs of hex digits, with two dots between.
    ///
    /// # Errors
    /// If there are more, or the token is anything else.
    pub fn hex_pair(&self, most: usize) -> Result<(Vec<u8>, Vec<u8>), NotationError> {
        let (start, end) = self.read(lexis::hex_pair, "pairs of hex digits, `..`, and pairs of hex digits")?;
        self.at_most(&start, most)?;
        self.at_most(&end, most)?;
        Ok((start, end))
    }

    /// Parses the token as a value with a notation of its own. Columns of its errors are those of the longer text.
    ///
    /// ```
    /// use framelink_codec::notation::{NotationError, Token};
    ///
    /// # #[derive(Debug)]
    /// # struct Own;
    /// # impl std::str::FromStr for Own {
    /// #     type Err = NotationError;
    /// #     fn from_str(text: &str) -> Result<Self, NotationError> {
    /// #         Err(NotationError::new(2, 1, "expected a digit, found `x`".into()))
    /// #     }
    /// # }
    /// let error = Token { text: "1x", column: 11 }.parse::<Own>().unwrap_err();
    /// assert_eq!(error.to_string(), "column 12: expected a digit, found `x`");
    /// ```
    ///
    /// # Errors
    /// As for the value's `FromStr`.
    pub fn parse<T: FromStr<Err = NotationError>>(&self) -> Result<T, NotationError> {
        self.text.parse::<T>().map_err(|error| error.moved(self.column.saturating_sub(1)))
    }

    /// Creates an error that says what was expected in place of the token.
    #[must_use]
    pub fn mismatch(&self, expected: &str) -> NotationError {
        self.error(format!("expected {expected}, found `{}`", shorten(self.text)))
    }

    /// Creates an error for an unknown name. It says what was expected, and suggests the known names with the nearest
    /// spelling.
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

    /// Parses a number with its sign or unit; `most` is the largest value.
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

    /// Splits the token into the text before the digits, the digits, and the text after them.
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

/// Splits off the item at the start of `rest`.
fn item<'a>(
    whole: Token<'a>,
    rest: &'a str,
    sign: char,
    what: &'static str,
) -> Result<(&'a str, Item<'a>), NotationError> {
    let fail = |error: nom::Err<Expected<'a>>| match error {
        nom::Err::Error(e) | nom::Err::Failure(e) => found(whole, e.at, e.what),
        nom::Err::Incomplete(_) => found(whole, rest, what), // our parsers know their whole input
    };
    let (after, name) = lexis::expect(what, lexis::name)(rest).map_err(fail)?;
    let name = Token { text: name, column: column(whole, rest) };
    let Some(behind) = after.strip_prefix([':', '=']) else {
        return Ok((after, Item { name, value: None, sign }));
    };
    if !after.starts_with(sign) {
        return Err(found(whole, after, behind_name(sign)));
    }
    let (after, value, column) = match behind.chars().next() {
        Some(quote @ ('\'' | '"')) => {
            let unclosed = |_| found(whole, "", if quote == '"' { "the closing `\"`" } else { "the closing `'`" });
            let (after, value) = lexis::quoted(quote, behind).map_err(unclosed)?;
            (after, value, column(whole, behind) + 1)
        }
        _ => {
            let (after, value) = lexis::expect("a value", lexis::raw_value)(behind).map_err(fail)?;
            (after, value, column(whole, behind))
        }
    };
    Ok((after, Item { name, value: Some(Token { text: value, column }), sign }))
}

/// What may follow an item that did not end at a comma: one without a value, or with a value in quotes.
const fn behind(item: &Item<'_>) -> &'static str {
    if item.value.is_some() { "`,` or the end" } else { behind_name(item.sign) }
}

/// The characters that may follow a name.
const fn behind_name(sign: char) -> &'static str {
    if sign == ':' { "`:`, `,` or the end" } else { "`=`, `,` or the end" }
}

/// The column of `rest`, the end of the whole text.
fn column(whole: Token<'_>, rest: &str) -> usize {
    let before = whole.text.len().saturating_sub(rest.len());
    whole.column + whole.text.get(..before).unwrap_or_default().chars().count()
}

/// Creates an error at the first character of `rest`.
fn found(whole: Token<'_>, rest: &str, expected: &str) -> NotationError {
    let column = column(whole, rest);
    match rest.chars().next() {
        Some(c) => NotationError::new(column, 1, format!("expected {expected}, found `{}`", c.escape_debug())),
        None => NotationError::new(column, 0, format!("expected {expected}, found the end")),
    }
}

/// Escapes a text for an error, and cuts a long text.
fn shorten(text: &str) -> String {
    const MOST: usize = 40;
    let mut shown: String = text.chars().take(MOST).flat_map(char::escape_debug).collect();
    if text.chars().nth(MOST).is_some() {
        shown.push('…');
    }
    shown
}
