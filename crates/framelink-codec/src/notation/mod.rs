//! The syntax of the notation, which all framings share.
//!
//! ```text
//!   framing  = ( kind | preset ) *( "," option )
//!   kind     = name [ ":" value ]            option = name [ "=" value ]
//!   value    = number | signed | HEX | HEX..HEX | SIZE | DUR | word | quoted
//!   quoted   = "'" text "'" | '"' text '"'   the text may have commas, and the quote after a backslash
//! ```
//!
//! A [`Notation`] is a text as these items, each with its column. A [`Token`] parses its value. The crates of the
//! framings define the kinds and options.
//!
//! ```
//! use framelink_codec::notation::Notation;
//!
//! let notation = Notation::parse("ascii:4,max=2KiB")?;
//! assert_eq!(notation.kind.name.text, "ascii");
//! assert_eq!(notation.kind.value("4 to 8")?.number(4..=8, "digits")?, 4);
//! assert_eq!(notation.options[0].value("a size")?.size()?, 2048);
//! # Ok::<(), framelink_codec::notation::NotationError>(())
//! ```

mod dialect;
mod error;
mod item;
mod lexis;
mod nearest;
mod preset;
mod show;
#[cfg(feature = "serde")]
pub mod text;
mod time_text;

pub use dialect::Dialect;
pub use error::NotationError;
pub use item::{Item, Notation, Token};
pub use preset::Preset;
pub use show::{Bytes, Hex, ShowDuration, ShowSize};
pub use time_text::TimeText;
