//! Bytes as people read and write them.

use std::fmt;

/// Bytes as pairs of hex digits, without anything between.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    framelink_codec::notation::Hex(bytes).to_string()
}

/// Pairs of hex digits, with spaces wherever they help.
pub(crate) fn from_hex(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut high = None;
    for (i, c) in text.chars().enumerate() {
        let Some(digit) = c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()) else {
            if c.is_whitespace() && high.is_none() {
                continue;
            }
            return Err(format!("column {}: expected pairs of hex digits, found `{}`", i + 1, c.escape_debug()));
        };
        match high.take() {
            None => high = Some(digit),
            Some(high) => bytes.push(high << 4 | digit),
        }
    }
    match high {
        None => Ok(bytes),
        Some(_) => Err(format!("column {}: expected a second hex digit, found the end", text.chars().count() + 1)),
    }
}

/// A message on a line of its own: text as it is, control characters and bytes that are no UTF-8 escaped.
pub(crate) struct Line<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for c in chunk.valid().chars() {
                match c {
                    '\n' | '\r' | '\t' => write!(f, "{}", c.escape_default())?,
                    c if c.is_control() => write!(f, "\\x{:02x}", u32::from(c))?,
                    c => write!(f, "{c}")?,
                }
            }
            chunk.invalid().iter().try_for_each(|byte| write!(f, "\\x{byte:02x}"))?;
        }
        Ok(())
    }
}

/// Sixteen bytes a line, in hex and as the characters that can be printed.
pub(crate) struct Dump<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Dump<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, row) in self.0.chunks(16).enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            let hex: String = row.iter().map(|byte| format!("{byte:02x} ")).collect();
            write!(f, "  {:>6}  {hex:<48} {}", i * 16, printable(row))?;
        }
        Ok(())
    }
}

/// Each byte as the ASCII character that it is, or a dot.
pub(crate) fn printable(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| if matches!(byte, b' '..=b'~') { char::from(byte) } else { '.' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_is_read_with_spaces_between_pairs_only() {
        assert_eq!(from_hex("30 3132"), Ok(b"012".to_vec()));
        assert_eq!(from_hex(""), Ok(Vec::new()));
        assert_eq!(from_hex("3 0"), Err("column 2: expected pairs of hex digits, found ` `".to_owned()));
        assert_eq!(from_hex("3g"), Err("column 2: expected pairs of hex digits, found `g`".to_owned()));
        assert_eq!(from_hex("303"), Err("column 4: expected a second hex digit, found the end".to_owned()));
    }

    #[test]
    fn a_message_stays_on_its_line() {
        assert_eq!(Line("naïve".as_bytes()).to_string(), "naïve");
        assert_eq!(Line(b"a\r\nb\0\xff").to_string(), "a\\r\\nb\\x00\\xff");
    }
}
