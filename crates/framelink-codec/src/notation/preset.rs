//! Framings with a name.

/// A name for a notation, with its source.
///
/// Each crate of framings has a table of presets.
///
/// ```
/// use framelink_codec::notation::Preset;
///
/// let tpkt = Preset::new("tpkt", "net:2,at=2,prefix=03,counts=frame", "RFC 1006 section 6");
/// assert_eq!(tpkt.name, "tpkt");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// The name.
    pub name: &'static str,
    /// The notation.
    pub notation: &'static str,
    /// What it is for, and the standard or manual.
    pub source: &'static str,
}

impl Preset {
    /// Creates a row of the table.
    #[must_use]
    pub const fn new(name: &'static str, notation: &'static str, source: &'static str) -> Self {
        Self { name, notation, source }
    }
}
