//! What the notations of templates and matches share: columns, escapes, and bytes as text.

mod cursor;
mod escape;
mod shown;

pub(crate) use cursor::Cursor;
pub(crate) use escape::{read_escape, unescape};
pub(crate) use shown::{Short, ShownText};
