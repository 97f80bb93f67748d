//! The bodies of the fuzz targets. They panic if an invariant does not hold. Tests run them too.

use framelink_codec::check;

use crate::framing::Framing;
#[cfg(feature = "toml")]
use crate::profile::{Profile, Side};

/// Parses any text as a notation. An accepted notation prints a normal form that parses to an equal framing.
///
/// # Panics
/// If that does not hold.
pub fn notation(data: &[u8]) {
    check::notation::<Framing>(data);
}

/// Parses any text as a profile in TOML. An accepted profile has an explanation, and writes TOML that parses to an
/// equal profile. An error points at a place in the text.
///
/// # Panics
/// If that does not hold.
#[cfg(feature = "toml")]
pub fn profile(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    match Profile::from_toml(text) {
        Ok(profile) => {
            let written = profile.to_toml();
            assert_eq!(Profile::from_toml(&written).as_ref(), Ok(&profile), "{written}");
            assert!(profile.explain().lines().count() > 5);
            let sides = [Side::Client, Side::Server].map(|side| profile.check_for(side).is_ok());
            assert!(sides.contains(&true), "a client or a server can use it");
        }
        Err(error) => {
            let line = text.split('\n').nth(error.line() - 1).expect("a line of the text");
            assert!((1..=line.chars().count() + 1).contains(&error.column()), "{error}");
            assert!(!error.message().is_empty());
        }
    }
}
