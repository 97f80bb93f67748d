//! Parses the notation of a template.

use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;
use core::str::FromStr;

use framelink_codec::notation::{Item, Notation, NotationError, Token};

use super::Template;
use super::part::{Form, Measured, Part, Piece, Width, Written};
use super::time::{Time, Zone, read_offset};
use crate::text::{Cursor, read_escape};
use crate::{Encoding, Place};

const FORMS: &str = "text:... or hex:..., such as `text:0800` or `hex:30383030`";
const FIELDS: [&str; 10] = ["number", "utc", "local", "request", "random", "env", "length", "pad", "part", "end"];
const EXPECTED: &str = "one of number, utc, local, request, random, env, length, pad, part, end";
const WIDTHS: &str = "1 to 64 bytes";
/// The most characters of a name.
const MOST_NAME: usize = 64;

impl FromStr for Template {
    type Err = NotationError;

    fn from_str(text: &str) -> Result<Self, NotationError> {
        let forms = [Form::Text, Form::Hex];
        let Some(form) = forms.into_iter().find(|form| text.starts_with(form.prefix())) else {
            return Err(Token { text, column: 1 }.mismatch(FORMS));
        };
        let (prefix, parts) = text.split_at(form.prefix().len());
        let cursor = Cursor::new(Token { text: parts, column: prefix.len() + 1 });
        Parser { cursor, form, pieces: Vec::new(), open: Vec::new(), lengths: Vec::new() }.parse().map(Self::written)
    }
}

struct Parser<'a> {
    cursor: Cursor<'a>,
    form: Form,
    pieces: Vec<Piece>,
    /// The parts without an end, from the outer to the inner.
    open: Vec<Token<'a>>,
    /// The parts that lengths name. A part may stand behind its length.
    lengths: Vec<Token<'a>>,
}

impl<'a> Parser<'a> {
    fn parse(mut self) -> Result<Written, NotationError> {
        while let Some(next) = self.cursor.peek() {
            match next {
                '{' => self.field()?,
                '}' if self.form == Form::Text => return Err(self.cursor.expected("`\\}` for a brace of the text")),
                _ if self.form == Form::Hex => self.hex_pair(next)?,
                _ => self.character()?,
            }
        }
        if let Some(open) = self.open.last() {
            return Err(open.error(format!("expected `{{end}}` behind the part `{}`, found none", open.text)));
        }
        self.check_lengths()?;
        let least: usize = self.pieces.iter().filter_map(|piece| piece.part.fixed_len()).sum();
        if least > Template::MOST_LEN {
            let message = format!("expected a message of at most {} bytes, found {least} bytes", Template::MOST_LEN);
            return Err(NotationError::new(self.cursor.column, 0, message));
        }
        Ok(Written { form: self.form, pieces: self.pieces })
    }

    fn character(&mut self) -> Result<(), NotationError> {
        let column = self.cursor.column;
        match self.cursor.next() {
            Some('\\') => {
                let byte = read_escape(&mut self.cursor)?;
                self.literal(&[byte], column)
            }
            Some(c) => self.literal(c.encode_utf8(&mut [0; 4]).as_bytes(), column),
            None => Ok(()),
        }
    }

    fn hex_pair(&mut self, next: char) -> Result<(), NotationError> {
        const PAIR: &str = "a pair of hex digits, or a field in braces";
        let before = self.cursor;
        if next == ' ' {
            self.cursor.next();
            return Ok(());
        }
        let high = next.to_digit(16).ok_or_else(|| before.expected(PAIR))?;
        self.cursor.next();
        let second = self.cursor;
        let low =
            self.cursor.next().and_then(|c| c.to_digit(16)).ok_or_else(|| second.expected("a second hex digit"))?;
        self.literal(&[u8::try_from(high << 4 | low).unwrap_or_default()], before.column)
    }

    /// Appends literal bytes to the literal before them, if there is one.
    fn literal(&mut self, bytes: &[u8], column: usize) -> Result<(), NotationError> {
        if let Some(Piece { part: Part::Literal(before), .. }) = self.pieces.last_mut() {
            before.extend_from_slice(bytes);
            return Ok(());
        }
        self.push(Part::Literal(bytes.to_vec()), Token { text: "", column })
    }

    fn push(&mut self, part: Part, at: Token<'_>) -> Result<(), NotationError> {
        if self.pieces.len() == Template::MOST_PARTS {
            return Err(at.error(format!("expected at most {} parts, found more", Template::MOST_PARTS)));
        }
        self.pieces.push(Piece { part, column: at.column });
        Ok(())
    }

    fn field(&mut self) -> Result<(), NotationError> {
        let column = self.cursor.column;
        self.cursor.next();
        let inside = self.inside_braces()?;
        let notation = Notation::parse_inside(inside, "a field such as `number:6`")?;
        let part = self.read(&notation)?;
        self.push(part, Token { text: inside.text, column })
    }

    /// Takes the text up to the closing brace, and the brace. A brace between quotes does not close.
    fn inside_braces(&mut self) -> Result<Token<'a>, NotationError> {
        let (start, column) = (self.cursor.rest, self.cursor.column);
        if start.starts_with('}') {
            return Err(self.cursor.expected("a field such as `number:6`"));
        }
        let mut quote = None;
        loop {
            self.cursor.take_until(|c| matches!(c, '\'' | '"' | '{' | '}'));
            match (self.cursor.peek(), quote) {
                (Some('}'), None) => break,
                (Some('{'), None) => return Err(self.cursor.expected("`}`")),
                (Some(c @ ('\'' | '"')), None) => quote = Some(c),
                (Some(c), Some(open)) if c == open => quote = None,
                (Some(_), _) => {}
                (None, None) => return Err(self.cursor.expected("`}`")),
                (None, Some('"')) => return Err(self.cursor.expected("the closing `\"`")),
                (None, Some(_)) => return Err(self.cursor.expected("the closing `'`")),
            }
            self.cursor.next();
        }
        let text = start.get(..start.len() - self.cursor.rest.len()).unwrap_or_default();
        self.cursor.next();
        Ok(Token { text, column })
    }

    fn read(&mut self, field: &Notation<'a>) -> Result<Part, NotationError> {
        match field.kind.name.text {
            "number" => {
                let options = Options::read(field, &["of"], "one of ascii, binary, binary-le, bcd, ebcdic, hex, of")?;
                let of = options.of.map(|of| name(of, "the name of a source of numbers")).transpose()?;
                Ok(Part::Number { field: options.width(&field.kind)?, of })
            }
            "random" => Ok(Part::Random(Options::read(field, &[], Encoding::WORDS)?.width(&field.kind)?)),
            "utc" => {
                let options = Options::read(field, &["offset"], "one of ascii, bcd, ebcdic, offset")?;
                let offset = options.offset.map(read_offset).transpose()?.unwrap_or_default();
                options.time(Zone::Utc(offset), &field.kind)
            }
            "local" => Options::read(field, &[], "one of ascii, bcd, ebcdic")?.time(Zone::Local, &field.kind),
            "request" => {
                no_options(field)?;
                field.kind.value.map(|place| place.parse()).transpose().map(Part::Request)
            }
            "env" => {
                no_options(field)?;
                variable(field.kind.value("the name of an environment variable")?).map(Part::Variable)
            }
            "length" => self.length(field),
            "pad" => {
                no_options(field)?;
                field.kind.value("2 to 64 bytes")?.number(2..=Place::MOST_LEN, "bytes").map(Part::Pad)
            }
            "part" => self.begin(field),
            "end" => self.end(field),
            _ => Err(field.kind.name.unknown(EXPECTED, FIELDS)),
        }
    }

    fn length(&mut self, field: &Notation<'a>) -> Result<Part, NotationError> {
        let options = Options::read(field, &["of"], "one of ascii, binary, binary-le, bcd, ebcdic, hex, of")?;
        let width = options.width(&field.kind)?;
        let Some(of) = options.of else {
            return Err(field
                .kind
                .name
                .error("expected `of=` and all, rest or a part in this field, found none".into()));
        };
        let of = match of.text {
            "all" => Measured::All,
            "rest" => Measured::Rest,
            part => {
                self.lengths.push(of);
                Measured::Part(part.into())
            }
        };
        Ok(Part::Length { field: width, of })
    }

    fn begin(&mut self, field: &Notation<'a>) -> Result<Part, NotationError> {
        no_options(field)?;
        let token = field.kind.value("a name")?;
        let part = name(token, "a name for the part")?;
        if matches!(token.text, "all" | "rest") {
            return Err(token.mismatch("a name other than all and rest"));
        }
        if self.part_names().any(|other| *other == *part) {
            return Err(token.error(format!("`{part}` is the name of two parts")));
        }
        self.open.push(token);
        Ok(Part::Begin(part))
    }

    fn end(&mut self, field: &Notation<'a>) -> Result<Part, NotationError> {
        no_options(field)?;
        field.kind.no_value()?;
        match self.open.pop() {
            Some(_) => Ok(Part::End),
            None => Err(field.kind.name.mismatch("`{part:NAME}` before it")),
        }
    }

    fn part_names(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match &piece.part {
            Part::Begin(name) => Some(&**name),
            _ => None,
        })
    }

    fn check_lengths(&self) -> Result<(), NotationError> {
        let is_unknown = |of: &&Token<'_>| !self.part_names().any(|name| name == of.text);
        match self.lengths.iter().find(is_unknown) {
            Some(of) => Err(of.unknown("all, rest or a part of this template", self.part_names())),
            None => Ok(()),
        }
    }
}

/// The options of a field.
#[derive(Default)]
struct Options<'a> {
    encoding: Option<(Encoding, Token<'a>)>,
    of: Option<Token<'a>>,
    offset: Option<Token<'a>>,
}

impl<'a> Options<'a> {
    /// Reads the options: an encoding, and the ones in `known`.
    fn read(field: &Notation<'a>, known: &[&str], expected: &str) -> Result<Self, NotationError> {
        let mut options = Self::default();
        for option in &field.options {
            match option.name.text {
                "of" if known.contains(&"of") => options.of = Some(option.value("a name")?),
                "offset" if known.contains(&"offset") => options.offset = Some(option.value("+HH:MM or -HH:MM")?),
                word => {
                    let names = Encoding::ALL.map(Encoding::name).into_iter().chain(known.iter().copied());
                    let encoding = Encoding::of_name(word).ok_or_else(|| option.name.unknown(expected, names))?;
                    option.no_value()?;
                    if let Some((first, _)) = options.encoding {
                        return Err(option.name.error(format!("expected one encoding, found `{first}` and `{word}`")));
                    }
                    options.encoding = Some((encoding, option.name));
                }
            }
        }
        Ok(options)
    }

    fn width(&self, kind: &Item<'_>) -> Result<Width, NotationError> {
        let len = kind.value(WIDTHS)?.number(1..=Place::MOST_LEN, "bytes")?;
        Ok(Width { len, encoding: self.encoding.map(|(encoding, _)| encoding).unwrap_or_default() })
    }

    fn time(&self, zone: Zone, kind: &Item<'_>) -> Result<Part, NotationError> {
        Time::parse(zone, kind.value("a format such as `%m%d%H%M%S`")?, self.encoding).map(Part::Time)
    }
}

fn no_options(field: &Notation<'_>) -> Result<(), NotationError> {
    match field.options.first() {
        None => Ok(()),
        Some(option) => {
            let (field, option) = (field.kind.name.text, option.name);
            Err(option.error(format!("the field `{field}` takes no options, found `{}`", option.text)))
        }
    }
}

/// A name of letters, digits and dashes.
fn name(token: Token<'_>, what: &str) -> Result<Box<str>, NotationError> {
    let is_name = token.text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if !is_name || !(1..=MOST_NAME).contains(&token.text.len()) {
        return Err(token.mismatch(&format!("{what}: 1 to {MOST_NAME} letters, digits and dashes")));
    }
    Ok(token.text.into())
}

/// A name of letters, digits and underscores, without a digit at its start.
fn variable(token: Token<'_>) -> Result<Box<str>, NotationError> {
    let is_name = token.text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let begins_with_digit = token.text.starts_with(|c: char| c.is_ascii_digit());
    if !is_name || begins_with_digit || !(1..=MOST_NAME).contains(&token.text.len()) {
        return Err(token.mismatch("the name of an environment variable: 1 to 64 letters, digits and underscores"));
    }
    Ok(token.text.into())
}
