//! The framings that have a name.

use framelink_codec::notation::Preset;

/// Returns all framings that have a name: the presets of `framelink-length`, then the presets of `framelink-unframed`.
///
/// ```
/// use framelink_profile::{Framing, presets};
///
/// let mllp = presets().find(|preset| preset.name == "mllp").unwrap();
/// assert_eq!("mllp".parse::<Framing>()?.to_string(), mllp.notation);
/// # Ok::<(), framelink_codec::notation::NotationError>(())
/// ```
pub fn presets() -> impl Iterator<Item = Preset> {
    framelink_length::PRESETS.iter().chain(framelink_unframed::PRESETS).copied()
}
