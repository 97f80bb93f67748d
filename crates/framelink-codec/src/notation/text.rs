//! A framing in a configuration file: its notation as a string.

use core::fmt::{self, Display};
use core::marker::PhantomData;
use core::str::FromStr;

use serde::{Deserializer, Serializer, de};

/// Serializes a framing as its notation.
///
/// # Errors
/// If the serializer fails.
pub fn serialize<F: Display, S: Serializer>(framing: &F, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(framing)
}

/// Deserializes a framing from its notation.
///
/// # Errors
/// If the value is no string, or no notation of this framing.
pub fn deserialize<'de, F: FromStr<Err: Display>, D: Deserializer<'de>>(deserializer: D) -> Result<F, D::Error> {
    deserializer.deserialize_str(Text(PhantomData))
}

struct Text<F>(PhantomData<F>);

impl<F: FromStr<Err: Display>> de::Visitor<'_> for Text<F> {
    type Value = F;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the notation of a framing, such as \"ascii:4\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<F, E> {
        text.parse().map_err(E::custom)
    }
}
