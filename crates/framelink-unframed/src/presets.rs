//! Framings that have a name.

/// A framing that has a name.
///
/// ```
/// use framelink_unframed::{PRESETS, Unframed};
///
/// // 0x0b | 'M' 'S' 'H' … | 0x1c 0x0d
/// let preset = PRESETS.iter().find(|preset| preset.name == "mllp").unwrap();
/// assert_eq!(preset.notation, "between:0b..1c0d");
/// assert_eq!("mllp".parse::<Unframed>()?.to_string(), preset.notation);
/// # Ok::<(), framelink_unframed::NotationError>(())
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

const fn preset(name: &'static str, notation: &'static str, source: &'static str) -> Preset {
    Preset { name, notation, source }
}

/// The framings of this crate that have a name.
pub const PRESETS: &[Preset] = &[
    preset(
        "mllp",
        "between:0b..1c0d",
        "HL7 Minimal Lower Layer Protocol, release 1: start block VT, end block FS, carriage return",
    ),
    preset("base24", "delim:03", "ACI BASE24: messages end with an ETX; jPOS BASE24Channel"),
];
