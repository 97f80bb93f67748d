//! The bodies of the fuzz targets, as functions that tests run too. They panic where an invariant does not hold.

use framelink_codec::check;

use crate::framing::Framing;
#[cfg(feature = "toml")]
use crate::profile::{Profile, Side};

/// Reads any text as a notation: what is accepted prints a normal form that reads as the same.
///
/// # Panics
/// When it does not.
pub fn notation(data: &[u8]) {
    check::notation::<Framing>(data);
}

/// Reads any text as a profile in TOML: what is accepted can be explained, and writes what reads as the same; what is
/// refused is so at a place in the text.
///
/// # Panics
/// When it does not.
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
