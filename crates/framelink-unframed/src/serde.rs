//! A framing as its notation.

use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::Unframed;

impl Serialize for Unframed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Unframed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text)
    }
}

struct Text;

impl de::Visitor<'_> for Text {
    type Value = Unframed;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the notation of a framing, such as \"line\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Unframed, E> {
        text.parse().map_err(E::custom)
    }
}
