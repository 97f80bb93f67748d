//! The presets of this crate.

use framelink_codec::notation::Preset;

/// The presets: names for notations of this crate.
///
/// ```
/// use framelink_unframed::{PRESETS, Unframed};
///
/// let mllp = PRESETS.iter().find(|preset| preset.name == "mllp").unwrap();
/// assert_eq!(mllp.notation, "between:0b..1c0d");
/// assert_eq!("mllp".parse::<Unframed>()?.to_string(), mllp.notation);
/// # Ok::<(), framelink_unframed::NotationError>(())
/// ```
pub const PRESETS: &[Preset] = &[
    Preset::new(
        "mllp",
        "between:0b..1c0d",
        "HL7 Minimal Lower Layer Protocol, release 1: start block VT, end block FS, carriage return",
    ),
    Preset::new("base24", "delim:03", "ACI BASE24: messages end with an ETX; jPOS BASE24Channel"),
];
