//! Values of a document, as text that is not parsed yet. Errors in the text are reported with its key.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A value written as a string.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(super) struct Text(pub(super) String);

impl Text {
    fn read<'de, D: Deserializer<'de>>(deserializer: D, expected: &'static str) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Scalar { expected, takes_integers: false }).map(Self)
    }
}

/// Reads an element of a list.
impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::read(deserializer, "a network in quotes, such as \"10.0.0.0/8\"")
    }
}

/// Reads a list of addresses.
pub(super) fn addresses<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Text>, D::Error> {
    deserializer.deserialize_seq(Addresses)
}

struct Addresses;

impl<'de> Visitor<'de> for Addresses {
    type Value = Vec<Text>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of addresses, such as [\"a.example:7000\", \"b.example:7000\"]")
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut items: A) -> Result<Vec<Text>, A::Error> {
        let mut addresses = Vec::new();
        while let Some(AddressText(address)) = items.next_element()? {
            addresses.push(address);
        }
        if addresses.is_empty() {
            return Err(de::Error::invalid_length(0, &"at least one address, such as [\"a.example:7000\"]"));
        }
        Ok(addresses)
    }
}

struct AddressText(Text);

impl<'de> Deserialize<'de> for AddressText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Text::read(deserializer, "HOST:PORT in quotes, such as \"a.example:7000\"").map(Self)
    }
}

/// A value written as an integer, or as a string with a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Number(pub(super) String);

impl Number {
    fn read<'de, D: Deserializer<'de>>(deserializer: D, expected: &'static str) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Scalar { expected, takes_integers: true }).map(Self)
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.parse() {
            Ok(number) => serializer.serialize_u64(number),
            Err(_) => serializer.serialize_str(&self.0),
        }
    }
}

/// A string, or a table with more settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(super) enum TextOr<T> {
    Text(Text),
    Table(T),
}

/// The text of an error where a table may stand.
pub(super) trait Table {
    const EXPECTED: &'static str;
}

// Not serde's `untagged`, which loses the error and its place.
impl<'de, T: Deserialize<'de> + Table> Deserialize<'de> for TextOr<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TableVisitor { takes_text: true, table: PhantomData })
    }
}

/// Reads a table by its keys only. serde would also accept a list of values.
pub(super) fn table<'de, T: Deserialize<'de> + Table, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    match deserializer.deserialize_any(TableVisitor { takes_text: false, table: PhantomData })? {
        TextOr::Table(table) => Ok(table),
        TextOr::Text(text) => Err(de::Error::invalid_type(de::Unexpected::Str(&text.0), &T::EXPECTED)),
    }
}

/// Reads a list of tables, each by its keys only.
pub(super) fn tables<'de, T: Deserialize<'de> + Table, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    Vec::<TextOr<T>>::deserialize(deserializer)?
        .into_iter()
        .map(|item| match item {
            TextOr::Table(table) => Ok(table),
            TextOr::Text(text) => Err(de::Error::invalid_type(de::Unexpected::Str(&text.0), &T::EXPECTED)),
        })
        .collect()
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

/// Readers of each kind of value, with the text of their errors.
macro_rules! scalars {
    ($($kind:ident: $scalar:ident, $expected:literal;)*) => { $(
        pub(super) fn $kind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<$scalar>, D::Error> {
            $scalar::read(deserializer, $expected).map(Some)
        }
    )* };
}

scalars! {
    word: Text, "a word in quotes";
    key: Text, "OFFSET:LEN in quotes, such as \"4:6\"";
    rule: Text, "a match in quotes, such as \"0:1&80=hex:80\"";
    range: Text, "FIRST..LAST in quotes, such as \"1..999999\"";
    file: Text, "the name of a file in quotes";
    notation: Text, "the notation of a framing, such as \"ascii:4\"";
    hex: Text, "pairs of hex digits in quotes, such as \"0102\"";
    message: Text, "a message in quotes, such as \"text:0800\" or \"hex:30383030\"";
    match_: Text, "a match in quotes, such as \"0:4=text:0810\"";
    time: Text, "a time such as \"5s\"";
    address: Text, "an address such as \"10.0.0.7:0\"";
    endpoint: Text, "HOST:PORT in quotes, such as \"0.0.0.0:7000\"";
    size: Number, "a number of bytes, such as 4096 or \"4KiB\"";
    count: Number, "a number";
}

/// Returns whether a value is not set.
pub(super) fn is_default<T: Default + PartialEq>(said: &T) -> bool {
    *said == T::default()
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
        self.integer(number, de::Unexpected::Signed(number))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<String, E> {
        self.integer(number, de::Unexpected::Unsigned(number))
    }
}

impl Scalar {
    fn integer<E: de::Error>(self, number: impl ToString, found: de::Unexpected<'_>) -> Result<String, E> {
        if self.takes_integers { Ok(number.to_string()) } else { Err(E::invalid_type(found, &self)) }
    }
}
