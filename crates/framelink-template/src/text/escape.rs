//! Escapes: bytes that a text cannot have as they are.

use alloc::vec::Vec;

use framelink_codec::notation::{NotationError, Token};

use super::Cursor;

/// What may follow a backslash.
const AFTER_BACKSLASH: &str = "`x` and two hex digits, `n`, `r`, `t`, or a punctuation character after `\\`";

/// Reads what follows a backslash.
///
/// ```text
/// \xHH          the byte HH
/// \n \r \t      line feed, carriage return, tab
/// \\ \{ \' …    the punctuation character itself
/// ```
pub(crate) fn read_escape(cursor: &mut Cursor<'_>) -> Result<u8, NotationError> {
    let before = *cursor;
    match cursor.next() {
        Some('n') => Ok(b'\n'),
        Some('r') => Ok(b'\r'),
        Some('t') => Ok(b'\t'),
        Some('x') => Ok(hex_digit(cursor)? << 4 | hex_digit(cursor)?),
        Some(c) if c.is_ascii_punctuation() => u8::try_from(c).map_err(|_| before.expected(AFTER_BACKSLASH)),
        _ => Err(before.expected(AFTER_BACKSLASH)),
    }
}

fn hex_digit(cursor: &mut Cursor<'_>) -> Result<u8, NotationError> {
    let before = *cursor;
    let digit = cursor.next().and_then(|c| c.to_digit(16)).and_then(|digit| u8::try_from(digit).ok());
    digit.ok_or_else(|| before.expected("two hex digits after `\\x`"))
}

/// Reads a text with escapes.
pub(crate) fn unescape(token: Token<'_>) -> Result<Vec<u8>, NotationError> {
    let mut cursor = Cursor::new(token);
    let mut bytes = Vec::with_capacity(token.text.len());
    while let Some(c) = cursor.next() {
        match c {
            '\\' => bytes.push(read_escape(&mut cursor)?),
            _ => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Ok(bytes)
}
