//! Bytes as text with escapes.

use core::fmt::{self, Write};

/// Bytes as text. Characters of `also`, the backslash and the single quote have a backslash before them. With a dot in
/// `also`, only a dot that another one may follow has it.
pub(crate) struct ShownText<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) also: &'static str,
}

impl fmt::Display for ShownText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.bytes.utf8_chunks() {
            let mut chars = chunk.valid().chars();
            while let Some(c) = chars.next() {
                let is_inner_dot = c == '.' && chars.clone().next().is_some_and(|next| next != '.');
                if is_inner_dot { f.write_char(c)? } else { self.write(f, c)? }
            }
            chunk.invalid().iter().try_for_each(|byte| write!(f, "\\x{byte:02x}"))?;
        }
        Ok(())
    }
}

impl ShownText<'_> {
    fn write(&self, f: &mut fmt::Formatter<'_>, c: char) -> fmt::Result {
        match c {
            '\n' => f.write_str("\\n"),
            '\r' => f.write_str("\\r"),
            '\t' => f.write_str("\\t"),
            '\\' | '\'' => write!(f, "\\{c}"),
            '"' => f.write_char(c),
            _ if self.also.contains(c) => write!(f, "\\{c}"),
            _ if is_plain(c) => f.write_char(c),
            _ => c.encode_utf8(&mut [0; 4]).bytes().try_for_each(|byte| write!(f, "\\x{byte:02x}")),
        }
    }
}

/// Whether a character is visible, and does not change how its neighbours look.
fn is_plain(c: char) -> bool {
    c.escape_debug().len() == 1
}

/// At most 16 bytes of a message, for errors.
pub(crate) struct Short<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MOST: usize = 16;
        let shown = self.0.get(..MOST).unwrap_or(self.0);
        let escaped = |byte: &u8| !(byte.is_ascii_graphic() || *byte == b' ');
        // Bytes that are mostly no text are easier to read in hex.
        if shown.iter().filter(|byte| escaped(byte)).count() * 2 > shown.len() {
            write!(f, "hex:{}", framelink_codec::notation::Hex(shown))?;
        } else {
            write!(f, "text:{}", ShownText { bytes: shown, also: "" })?;
        }
        if shown.len() < self.0.len() { f.write_str("…") } else { Ok(()) }
    }
}
