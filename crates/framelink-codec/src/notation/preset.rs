//! A framing that has a name.

/// A framing that has a name, and where that is written.
///
/// The crates of the framings have tables of these.
///
/// ```
/// use framelink_codec::notation::Preset;
///
/// let tpkt = Preset::new("tpkt", "net:2,at=2,prefix=03,counts=frame", "RFC 1006 section 6");
/// assert_eq!(tpkt.name, "tpkt");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// Its name in the notation.
    pub name: &'static str,
    /// What it stands for.
    pub notation: &'static str,
    /// What it is, and where that is written.
    pub source: &'static str,
}

impl Preset {
    /// A row of a table.
    #[must_use]
    pub const fn new(name: &'static str, notation: &'static str, source: &'static str) -> Self {
        Self { name, notation, source }
    }
}
