//! Converts bytes to text that people read, and text that people write to bytes.

use std::fmt;

/// Returns bytes as pairs of hex digits without separators.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    framelink_codec::notation::Hex(bytes).to_string()
}

/// Reads pairs of hex digits. Spaces may stand between pairs.
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

/// Displays a message or a file name as text on one line. A backslash, bytes that are not UTF-8, and invisible
/// characters are escaped, so that different bytes never look alike.
pub(crate) struct Line<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for c in chunk.valid().chars() {
                match c {
                    '\\' => f.write_str("\\\\")?,
                    '\n' | '\r' | '\t' => write!(f, "{}", c.escape_default())?,
                    c if c.is_ascii_control() => write!(f, "\\x{:02x}", u32::from(c))?,
                    c if is_invisible(c) => write!(f, "{}", c.escape_unicode())?,
                    c => write!(f, "{c}")?,
                }
            }
            chunk.invalid().iter().try_for_each(|byte| write!(f, "\\x{byte:02x}"))?;
        }
        Ok(())
    }
}

/// Displays a text of several lines, such as an error that repeats an argument, with invisible characters escaped.
pub(crate) struct Shown<'a>(pub(crate) &'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '\n' | '\t' => write!(f, "{c}"),
            c if is_invisible(c) => write!(f, "{}", c.escape_unicode()),
            c => write!(f, "{c}"),
        })
    }
}

/// Displays JSON with invisible characters escaped, among them those that some programs take for the end of a line.
/// Only strings in JSON contain such characters.
pub(crate) struct Json<'a>(pub(crate) &'a str);

impl fmt::Display for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match is_invisible(c) {
            true => c.encode_utf16(&mut [0; 2]).iter().try_for_each(|unit| write!(f, "\\u{unit:04x}")),
            false => write!(f, "{c}"),
        })
    }
}

/// Returns whether a character is invisible: controls (C0 and C1), separators of lines and paragraphs, characters that
/// set the direction of text, characters without width, fillers, and tags.
pub(crate) fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// Displays sixteen bytes on each line, as hex digits and as printable characters.
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

/// Returns each byte as its printable ASCII character, or as a dot.
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

    #[test]
    fn invisible_characters_are_escaped() {
        for (text, shown) in [
            ("a\\nb", "a\\\\nb"),
            ("\u{1b}[31m", "\\x1b[31m"),
            ("\u{7f}\u{85}\u{9b}", "\\x7f\\u{85}\\u{9b}"),
            ("a\u{202e}b\u{2066}\u{2069}", "a\\u{202e}b\\u{2066}\\u{2069}"),
            ("a\u{200b}\u{200d}\u{feff}\u{2060}", "a\\u{200b}\\u{200d}\\u{feff}\\u{2060}"),
            ("a\u{2028}b\u{2029}", "a\\u{2028}b\\u{2029}"),
            ("e\u{301} 日本 🙂", "e\u{301} 日本 🙂"),
        ] {
            assert_eq!(Line(text.as_bytes()).to_string(), shown);
        }
        assert_eq!(Shown("a\\b\n\tc\u{1b}\u{202e}").to_string(), "a\\b\n\tc\\u{1b}\\u{202e}");
    }

    /// A line holds no invisible character, and no two inputs have the same line.
    #[test]
    fn different_bytes_never_look_alike() {
        let mut lines = std::collections::HashSet::new();
        let mut count = 0;
        for c in (0..=0x2ff).chain(0x2000..=0x20ff).chain(0xfe00..=0xffff).filter_map(char::from_u32) {
            for text in [c.to_string(), format!("\\{c}"), c.escape_unicode().to_string()] {
                let line = Line(text.as_bytes()).to_string();
                assert!(!line.chars().any(is_invisible), "{text:?}");
                count += 1;
                lines.insert(line);
            }
        }
        for byte in 0x80..=0xff_u8 {
            count += 1;
            lines.insert(Line(&[byte]).to_string());
        }
        assert_eq!(lines.len(), count);
    }
}
