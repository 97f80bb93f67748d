//! Values of a document, as text that has not been read yet: what is wrong with it is told with its key.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A value that is written as a string.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(super) struct Text(pub(super) String);

/// In a list.
impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let scalar = Scalar { expected: "a network in quotes, such as \"10.0.0.0/8\"", takes_integers: false };
        deserializer.deserialize_str(scalar).map(Self)
    }
}

/// A value that is written as an integer, or as a string where it has a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Number(pub(super) String);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.parse() {
            Ok(number) => serializer.serialize_u64(number),
            Err(_) => serializer.serialize_str(&self.0),
        }
    }
}

/// A string, or a table that says more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(super) enum TextOr<T> {
    Text(Text),
    Table(T),
}

/// What is expected where a table may stand, for error messages.
pub(super) trait Table {
    const EXPECTED: &'static str;
}

// Not serde's `untagged`, which forgets what was wrong and where.
impl<'de, T: Deserialize<'de> + Table> Deserialize<'de> for TextOr<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TableVisitor { takes_text: true, table: PhantomData })
    }
}

/// A table by its keys only: serde would take a list of its values too.
pub(super) fn table<'de, T: Deserialize<'de> + Table, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    match deserializer.deserialize_any(TableVisitor { takes_text: false, table: PhantomData })? {
        TextOr::Table(table) => Ok(table),
        TextOr::Text(text) => Err(de::Error::invalid_type(de::Unexpected::Str(&text.0), &T::EXPECTED)),
    }
}

struct TableVisitor<T> {
    takes_text: bool,
    table: PhantomData<T>,
}

impl<'de, T: Deserialize<'de> + Table> Visitor<'de> for TableVisitor<T> {
    type Value = TextOr<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<TextOr<T>, E> {
        match self.takes_text {
            true => Ok(TextOr::Text(Text(text.to_owned()))),
            false => Err(E::invalid_type(de::Unexpected::Str(text), &self)),
        }
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<TextOr<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(TextOr::Table)
    }
}

pub(super) fn word<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Text>, D::Error> {
    text(deserializer, "a word in quotes")
}

pub(super) fn key<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Text>, D::Error> {
    text(deserializer, "OFFSET:LEN in quotes, such as \"4:6\"")
}

pub(super) fn notation<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Text>, D::Error> {
    text(deserializer, "the notation of a framing, such as \"ascii:4\"")
}

pub(super) fn hex<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Text>, D::Error> {
    text(deserializer, "pairs of hex digits in quotes, such as \"0102\"")
}

pub(super) fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Text>, D::Error> {
    text(deserializer, "a time such as \"5s\"")
}

pub(super) fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Text>, D::Error> {
    text(deserializer, "an address such as \"10.0.0.7:0\"")
}

pub(super) fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Number>, D::Error> {
    number(deserializer, "a number of bytes, such as 4096 or \"4KiB\"")
}

pub(super) fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Number>, D::Error> {
    number(deserializer, "a number")
}

fn text<'de, D: Deserializer<'de>>(deserializer: D, expected: &'static str) -> Result<Option<Text>, D::Error> {
    deserializer.deserialize_str(Scalar { expected, takes_integers: false }).map(|text| Some(Text(text)))
}

fn number<'de, D: Deserializer<'de>>(deserializer: D, expected: &'static str) -> Result<Option<Number>, D::Error> {
    deserializer.deserialize_any(Scalar { expected, takes_integers: true }).map(|text| Some(Number(text)))
}

struct Scalar {
    expected: &'static str,
    takes_integers: bool,
}

impl Visitor<'_> for Scalar {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<String, E> {
        match self.takes_integers {
            true => Ok(number.to_string()),
            false => Err(E::invalid_type(de::Unexpected::Signed(number), &self)),
        }
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<String, E> {
        match self.takes_integers {
            true => Ok(number.to_string()),
            false => Err(E::invalid_type(de::Unexpected::Unsigned(number), &self)),
        }
    }
}
