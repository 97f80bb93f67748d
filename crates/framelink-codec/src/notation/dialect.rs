//! How a crate of framings parses its kinds.

use alloc::format;

use super::{Item, Notation, NotationError, Preset};

/// The kinds, options and presets of one crate. Its builder implements this trait.
///
/// ```
/// use framelink_codec::notation::{Dialect, Item, Notation, NotationError, Preset};
///
/// /// Knows the kind `byte` and its option `max`.
/// struct Byte { max: usize }
///
/// impl Dialect for Byte {
///     type Framing = usize;
///     const KINDS: &'static str = "byte";
///     const PRESETS: &'static [Preset] = &[Preset::new("short", "byte,max=80", "our own")];
///
///     fn kind(kind: &Item<'_>) -> Option<Result<Self, NotationError>> {
///         (kind.name.text == "byte").then(|| kind.no_value().map(|()| Self { max: 255 }))
///     }
///
///     fn options(mut self, notation: &Notation<'_>) -> Result<Self, NotationError> {
///         for option in &notation.options {
///             self.max = option.value("a size")?.size()?;
///         }
///         Ok(self)
///     }
///
///     fn finish(&self, _notation: &Notation<'_>) -> Result<usize, NotationError> {
///         Ok(self.max)
///     }
/// }
///
/// assert_eq!(Byte::from_text("short")?, 80);
/// assert_eq!(Byte::from_text("short,max=90")?, 90, "options after a preset override it");
/// assert_eq!(Byte::from_text("bite").unwrap_err().message(), "expected one of byte, or a preset, found `bite`; did you mean `byte`?");
/// # Ok::<(), NotationError>(())
/// ```
pub trait Dialect: Sized {
    /// The framing that is built.
    type Framing;

    /// The known kinds, for error messages.
    const KINDS: &'static str;

    /// The known presets.
    const PRESETS: &'static [Preset];

    /// Starts a builder with a kind; `None` if the kind belongs to another crate.
    fn kind(kind: &Item<'_>) -> Option<Result<Self, NotationError>>;

    /// Applies the options. They replace earlier settings.
    ///
    /// # Errors
    /// If an option is unknown, or its value is wrong.
    fn options(self, notation: &Notation<'_>) -> Result<Self, NotationError>;

    /// Builds the framing.
    ///
    /// # Errors
    /// If options cannot be combined. The error points at one of them.
    fn finish(&self, notation: &Notation<'_>) -> Result<Self::Framing, NotationError>;

    /// Returns the names of all kinds and presets.
    fn names() -> impl Iterator<Item = &'static str> {
        Self::KINDS.split(", ").chain(Self::PRESETS.iter().map(|preset| preset.name))
    }

    /// Builds a framing from items; `None` if its kind belongs to another crate.
    fn from_notation(notation: &Notation<'_>) -> Option<Result<Self::Framing, NotationError>> {
        let name = notation.kind.name.text;
        let base = match Self::PRESETS.iter().find(|preset| preset.name == name) {
            Some(preset) => notation.kind.no_value().and_then(|()| expand::<Self>(preset)),
            None => Self::kind(&notation.kind)?,
        };
        Some(base.and_then(|base| base.options(notation)?.finish(notation)))
    }

    /// Parses a notation.
    ///
    /// # Errors
    /// If the notation is wrong.
    fn from_text(text: &str) -> Result<Self::Framing, NotationError> {
        let notation = Notation::parse(text)?;
        let unknown =
            || Err(notation.kind.name.unknown(&format!("one of {}, or a preset", Self::KINDS), Self::names()));
        Self::from_notation(&notation).unwrap_or_else(unknown)
    }
}

fn expand<D: Dialect>(preset: &Preset) -> Result<D, NotationError> {
    let expansion = Notation::parse(preset.notation)?;
    let kind = D::kind(&expansion.kind).unwrap_or_else(|| Err(expansion.kind.name.mismatch(D::KINDS)))?;
    kind.options(&expansion)
}
