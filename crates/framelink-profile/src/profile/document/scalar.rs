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

/// Readers of lists: the least number of elements, what the error of a wrong list expects, and what the error of a wrong
/// element expects.
macro_rules! lists {
    ($($kind:ident: $least:literal, $list:literal, $item:literal;)*) => { $(
        pub(super) fn $kind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Text>, D::Error> {
            deserializer.deserialize_seq(List { least: $least, list: $list, item: $item })
        }
    )* };
}

lists! {
    addresses: 1, "a list of addresses, such as [\"a.example:7000\", \"b.example:7000\"]", "HOST:PORT in quotes, such as \"a.example:7000\"";
    networks: 0, "a list of networks, such as [\"10.0.0.0/8\"]", "a network in quotes, such as \"10.0.0.0/8\"";
    alpn: 0, "a list of protocols, such as [\"iso8583\"]", "the name of a protocol in quotes";
    names: 0, "a list of names, such as [\"terminal-7.example\"]", "a name in quotes, such as \"terminal-7.example\"";
    fingerprints: 0, "a list of SHA-256 fingerprints", "a SHA-256 fingerprint in quotes, which is 64 hex digits";
}

struct List {
    least: usize,
    list: &'static str,
    item: &'static str,
}

impl<'de> Visitor<'de> for List {
    type Value = Vec<Text>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.list)
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut items: A) -> Result<Vec<Text>, A::Error> {
        let mut texts = Vec::new();
        while let Some(text) = items.next_element_seed(Item(self.item))? {
            texts.push(text);
        }
        if texts.len() < self.least {
            return Err(de::Error::invalid_length(0, &NotEmpty(self.item)));
        }
        Ok(texts)
    }
}

/// Expects at least one item.
struct NotEmpty(&'static str);

impl de::Expected for NotEmpty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at least one: {}", self.0)
    }
}

struct Item(&'static str);

impl<'de> de::DeserializeSeed<'de> for Item {
    type Value = Text;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Text, D::Error> {
        Text::read(deserializer, self.0)
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

/// Reads a table that means something even if it is empty.
pub(super) fn some_table<'de, T: Deserialize<'de> + Table, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    table(deserializer).map(Some)
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
    roots: Text, "\"system\", or the name of a file in quotes";
    version: Text, "\"1.2\" or \"1.3\", in quotes";
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
