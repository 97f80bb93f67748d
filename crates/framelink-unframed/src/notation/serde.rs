//! A framing as its notation.

use framelink_codec::notation::text;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Unframed;

impl Serialize for Unframed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        text::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for Unframed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text::deserialize(deserializer)
    }
}
