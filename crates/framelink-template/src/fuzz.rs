//! The bodies of the fuzz targets. Plain tests run them too.

use alloc::format;
use alloc::string::ToString;
use core::cell::Cell;
use core::time::Duration;

use framelink_codec::notation::{Notation, NotationError};

use crate::{Inputs, Match, NumberSource, NumbersError, Template};

/// The value of every environment variable.
const SECRET: &str = "s3cr3t-value";

/// Parses a template and composes it. What is accepted prints and parses again, also between quotes. A message keeps its bounds,
/// and its numbers are at their places. Nothing shows the value of a variable.
///
/// The input is a notation, and after a line feed the time and the request.
///
/// # Panics
/// If an invariant does not hold.
pub fn template(bytes: &[u8]) {
    let (text, rest) = split(bytes);
    let Ok(text) = core::str::from_utf8(text) else { return };
    let template = match text.parse::<Template>() {
        Ok(template) => template,
        Err(error) => return check_columns(text, &error),
    };
    let printed = template.to_string();
    assert_eq!(printed.parse::<Template>().as_ref(), Ok(&template), "{text}: {printed}");
    check_quoted(&printed);
    let (seconds, request) = rest.split_first_chunk().map_or((0, rest), |(n, rest)| (u32::from_be_bytes(*n), rest));
    compose(&template, seconds, request);
}

fn compose(template: &Template, seconds: u32, request: &[u8]) {
    let numbers = Seven(Cell::new(0));
    let inputs = Inputs {
        now: Duration::from_secs(u64::from(seconds) * 64),
        local_offset: i32::try_from(seconds % 86_400).unwrap_or_default() - 43_200,
        request: (request.len() > 3).then_some(request),
        numbers: &numbers,
        random: &|| u64::from(seconds),
        variable: &|_| Some(SECRET.into()),
    };
    let mut message = b"before".to_vec();
    match template.append(&inputs, &mut message) {
        Ok(()) => {
            let message = message.strip_prefix(b"before").expect("appended");
            assert!(message.len() <= Template::MOST_LEN);
            assert!(template.fixed_len().is_none_or(|len| len == message.len()), "{template}");
            assert!(template.as_literal().is_none_or(|literal| literal == message));
            for number in template.numbers() {
                let Some(bytes) = number.place.and_then(|place| place.of(message)) else { continue };
                assert_eq!(number.encoding.decode(bytes), Some(7), "{template}");
            }
            assert_eq!(numbers.0.get(), template.numbers().count());
        }
        Err(error) => {
            assert_eq!(message, b"before", "{template}");
            let shown = format!("{error} {error:?}");
            assert!(error.column() > 0 && !shown.contains(SECRET), "{shown}");
        }
    }
    let shown = format!("{template} {template:?} {} {inputs:?}", template.example());
    assert!(!shown.contains(SECRET), "{shown}");
}

/// Parses a match and tests a message. What is accepted prints and parses again, also between quotes. A message that matches has no
/// mismatch, any other has one, and is not shown at length.
///
/// The input is a notation, after a line feed the message, and after another line feed the request.
///
/// # Panics
/// If an invariant does not hold.
pub fn matching(bytes: &[u8]) {
    let (text, rest) = split(bytes);
    let Ok(text) = core::str::from_utf8(text) else { return };
    let expected = match text.parse::<Match>() {
        Ok(expected) => expected,
        Err(error) => return check_columns(text, &error),
    };
    let printed = expected.to_string();
    assert_eq!(printed.parse::<Match>().as_ref(), Ok(&expected), "{text}: {printed}");
    check_quoted(&printed);
    let (message, request) = split(rest);
    for request in [None, Some(request)] {
        let mismatch = expected.explain(message, request);
        assert_eq!(expected.holds(message, request), mismatch.is_none(), "{expected}");
        assert!(mismatch.is_none_or(|mismatch| mismatch.found.len() < 100), "at most 16 bytes, escaped");
    }
    assert!(message.len() >= expected.least_len() || !expected.holds(message, Some(message)));
    assert!(!expected.needs_request() || !expected.holds(message, None));
}

/// Splits the input at its first line feed.
fn split(bytes: &[u8]) -> (&[u8], &[u8]) {
    let mut parts = bytes.splitn(2, |byte| *byte == b'\n');
    (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
}

fn check_columns(text: &str, error: &NotationError) {
    let end = text.chars().count() + 1;
    assert!((1..=end).contains(&error.column()) && error.column() + error.len() <= end, "{text}: {error}");
}

/// The normal form is a value of another notation between single quotes.
fn check_quoted(printed: &str) {
    let outer = format!("pattern:'{printed}',tries=2");
    let notation = Notation::parse(&outer).expect("a value in quotes");
    assert_eq!(notation.kind.value.map(|value| value.text), Some(printed));
    assert_eq!(notation.options.len(), 1);
}

/// The number seven each time, and how often it was drawn.
struct Seven(Cell<usize>);

impl NumberSource for Seven {
    fn next_of(&self, _name: Option<&str>) -> Result<u64, NumbersError> {
        self.0.set(self.0.get() + 1);
        Ok(7)
    }
}
