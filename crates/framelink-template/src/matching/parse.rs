//! Parses the notation of a match.

use alloc::format;
use alloc::vec::Vec;
use core::str::FromStr;

use framelink_codec::notation::{Bytes, NotationError, Token};

use super::Match;
use super::test::{Allowed, Choice, Form, Mapped, Test};
use crate::Place;
use crate::text::{Cursor, unescape};

const TEST: &str = "a test such as `0:4=text:0810`, `len=4` or `any`";
const VALUE: &str = "one of text:..., hex:..., map:..., request, odd, even";

impl FromStr for Match {
    type Err = NotationError;

    fn from_str(text: &str) -> Result<Self, NotationError> {
        if text == "any" {
            return Ok(Self::any());
        }
        let mut cursor = Cursor::new(Token { text, column: 1 });
        let mut tests = Vec::new();
        loop {
            let token = cursor.take_until(|c| c == ',');
            if tests.len() == Self::MOST_TESTS {
                return Err(token.error(format!("expected at most {} tests, found more", Self::MOST_TESTS)));
            }
            if token.text.is_empty() {
                return Err(cursor.expected(TEST));
            }
            tests.push(read_test(token)?);
            if cursor.next().is_none() {
                return Ok(Self::of_tests(tests));
            }
        }
    }
}

fn read_test(token: Token<'_>) -> Result<Test, NotationError> {
    let mut cursor = Cursor::new(token);
    let left = cursor.take_until(|c| matches!(c, '=' | '!'));
    if left.text.is_empty() {
        return Err(cursor.expected(TEST));
    }
    let is_negated = cursor.peek() == Some('!');
    if is_negated {
        cursor.next();
    }
    let signs = if is_negated { "`=`" } else { "`=` or `!=` and a value" };
    if cursor.peek() != Some('=') {
        return Err(if is_left(left) { cursor.expected(signs) } else { left.mismatch(TEST) });
    }
    cursor.next();
    let value = Token { text: cursor.rest, column: cursor.column };
    if left.text == "len" {
        return Ok(Test::Len { allowed: read_lengths(value)?, is_negated });
    }
    let (place, mask) = read_place(left)?;
    let allowed = read_allowed(value, place)?;
    if let Some(mask) = &mask {
        check_mask(mask, &allowed, value)?;
    }
    Ok(Test::At { place, mask, is_negated, allowed })
}

/// Whether the left side of a test is right, so that the error is about what follows.
fn is_left(left: Token<'_>) -> bool {
    left.text == "len" || read_place(left).is_ok()
}

fn read_place(token: Token<'_>) -> Result<(Place, Option<Vec<u8>>), NotationError> {
    let Some((place, mask)) = token.text.split_once('&') else {
        if !token.text.contains(':') {
            return Err(token.unknown("OFFSET:LEN, OFFSET:LEN&HEX or len", ["len"]));
        }
        return token.parse().map(|place| (place, None));
    };
    let mask = Token { text: mask, column: token.column + place.chars().count() + 1 };
    let place = Token { text: place, column: token.column }.parse::<Place>()?;
    let bytes = mask.hex(Place::MOST_LEN)?;
    check_len(&bytes, place.len(), mask)?;
    Ok((place, Some(bytes)))
}

fn read_lengths(token: Token<'_>) -> Result<core::ops::RangeInclusive<usize>, NotationError> {
    let number = |token: Token<'_>| token.number(0..=usize::MAX, "bytes");
    let Some((first, last)) = token.text.split_once("..") else {
        return number(token).map(|len| len..=len);
    };
    let last = Token { text: last, column: token.column + first.chars().count() + 2 };
    let first = number(Token { text: first, column: token.column })?;
    let most = number(last)?;
    if first > most { Err(last.mismatch(&format!("{first} or more bytes"))) } else { Ok(first..=most) }
}

fn read_allowed(token: Token<'_>, place: Place) -> Result<Allowed, NotationError> {
    match token.text {
        "odd" => Ok(Allowed::Odd),
        "even" => Ok(Allowed::Even),
        "request" => Ok(Allowed::Request(None)),
        text if text.starts_with("request:") => {
            let other_token = behind(token, "request:");
            let other = other_token.parse::<Place>()?;
            if other.len() != place.len() {
                return Err(other_token.error(format!(
                    "expected {}, as the place has, found {}",
                    Bytes(place.len()),
                    Bytes(other.len())
                )));
            }
            Ok(Allowed::Request(Some(other)))
        }
        text if text.starts_with("map:") => {
            let mut form = Form::Text;
            let pairs = alternatives(behind(token, "map:"))?.into_iter();
            pairs.map(|pair| read_mapped(pair, &mut form, place)).collect::<Result<_, _>>().map(Allowed::Map)
        }
        _ => {
            let choices = alternatives(token)?;
            choices.into_iter().map(|choice| read_choice(choice, place)).collect::<Result<_, _>>().map(Allowed::OneOf)
        }
    }
}

/// The token behind a beginning of ASCII characters.
fn behind<'a>(token: Token<'a>, beginning: &str) -> Token<'a> {
    let text = token.text.get(beginning.len()..).unwrap_or_default();
    Token { text, column: token.column + beginning.len() }
}

/// Splits a value at its bars.
fn alternatives(token: Token<'_>) -> Result<Vec<Token<'_>>, NotationError> {
    let mut cursor = Cursor::new(token);
    let mut all = Vec::new();
    loop {
        let one = cursor.take_until(|c| c == '|');
        if all.len() == Match::MOST_VALUES {
            return Err(one.error(format!("expected at most {} values, found more", Match::MOST_VALUES)));
        }
        all.push(one);
        if cursor.next().is_none() {
            return Ok(all);
        }
    }
}

fn read_choice(token: Token<'_>, place: Place) -> Result<Choice, NotationError> {
    let Some(form) = Form::ALL.into_iter().find(|form| token.text.starts_with(form.prefix())) else {
        let word = token.text.split(':').next().unwrap_or_default();
        let known = ["text", "hex", "map", "request", "odd", "even"];
        let is_word = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphabetic());
        let word = Token { text: word, column: token.column };
        return Err(if is_word { word.unknown(VALUE, known) } else { token.mismatch(VALUE) });
    };
    let (first, last) = split_range(behind(token, form.prefix()));
    let read = |token| read_bytes(form, token, place.len());
    let Some(last_token) = last else { return Ok(Choice::Value(form, read(first)?)) };
    let (first, last) = (read(first)?, read(last_token)?);
    if first > last {
        return Err(last_token.error(format!("the range ends at `{}`, which is before its start", last_token.text)));
    }
    Ok(Choice::Range(form, first, last))
}

/// Splits a value at its first two dots.
fn split_range(token: Token<'_>) -> (Token<'_>, Option<Token<'_>>) {
    let mut cursor = Cursor::new(token);
    loop {
        cursor.take_until(|c| c == '.');
        if cursor.peek().is_none() {
            return (token, None);
        }
        if let Some(last) = cursor.rest.strip_prefix("..") {
            let first = token.text.get(..token.text.len() - cursor.rest.len()).unwrap_or_default();
            let first = Token { text: first, column: token.column };
            return (first, Some(Token { text: last, column: cursor.column + 2 }));
        }
        cursor.next();
    }
}

/// Reads a pair. It is written like the pair before it, unless it says otherwise.
fn read_mapped(token: Token<'_>, form: &mut Form, place: Place) -> Result<Mapped, NotationError> {
    let named = Form::ALL.into_iter().find(|form| token.text.starts_with(form.prefix()));
    let pair = named.map_or(token, |named| behind(token, named.prefix()));
    *form = named.unwrap_or(*form);
    let form = *form;
    let mut cursor = Cursor::new(pair);
    let from = cursor.take_until(|c| c == '>');
    if cursor.next().is_none() {
        return Err(token.mismatch("FROM>TO, such as `0200>0210`"));
    }
    let to = Token { text: cursor.rest, column: cursor.column };
    let read = |token| read_bytes(form, token, place.len());
    Ok(Mapped { from: read(from)?, to: read(to)?, form })
}

fn read_bytes(form: Form, token: Token<'_>, len: usize) -> Result<Vec<u8>, NotationError> {
    let bytes = match form {
        Form::Text => unescape(token)?,
        Form::Hex if token.text.is_empty() => Vec::new(),
        Form::Hex => token.hex(usize::MAX)?,
    };
    check_len(&bytes, len, token).map(|()| bytes)
}

fn check_len(bytes: &[u8], len: usize, token: Token<'_>) -> Result<(), NotationError> {
    if bytes.len() == len {
        return Ok(());
    }
    Err(token.error(format!("expected {}, as the place has, found {}", Bytes(len), Bytes(bytes.len()))))
}

/// Refuses values with bits that the mask takes away: no message could match.
fn check_mask(mask: &[u8], allowed: &Allowed, token: Token<'_>) -> Result<(), NotationError> {
    let is_inside = |value: &Vec<u8>| value.iter().zip(mask).all(|(byte, mask)| byte & !mask == 0);
    let are_inside = match allowed {
        Allowed::OneOf(choices) => choices.iter().all(|choice| match choice {
            Choice::Value(_, value) => is_inside(value),
            Choice::Range(..) => true,
        }),
        Allowed::Map(pairs) => pairs.iter().all(|pair| is_inside(&pair.from) && is_inside(&pair.to)),
        Allowed::Odd | Allowed::Even => mask.last().is_some_and(|last| last & 1 == 1),
        Allowed::Request(_) => true,
    };
    if are_inside { Ok(()) } else { Err(token.mismatch("a value with no bit outside of the mask")) }
}
