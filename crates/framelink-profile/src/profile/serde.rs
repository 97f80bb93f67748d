//! A profile in any format that has strings and tables.

use ::serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::document::Document;
use super::{Profile, scalar};

/// Writes the least that says it: defaults are left out, and a template is spelled out.
impl Serialize for Profile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Document::from(self).serialize(serializer)
    }
}

/// Reads and checks it. The format has to describe itself, as JSON, YAML and TOML do.
impl<'de> Deserialize<'de> for Profile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let document: Document = scalar::table(deserializer)?;
        document.into_builder().and_then(|builder| builder.build()).map_err(de::Error::custom)
    }
}
