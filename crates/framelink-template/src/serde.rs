//! Templates, matches and places as their notations.

use core::fmt;
use core::marker::PhantomData;
use core::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{Encoding, Match, NotationError, NumberRange, Place, Template};

/// Implements both traits for a type with a notation.
macro_rules! as_notation {
    ($($type:ident: $expected:literal),+) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(Text { expected: $expected, value: PhantomData })
            }
        }
    )+};
}

as_notation! {
    Template: "a template, such as \"text:0800{number:6}\"",
    Match: "a match, such as \"0:4=text:0810\"",
    Place: "a place, such as \"4:6\"",
    Encoding: "an encoding, such as \"ascii\"",
    NumberRange: "a range, such as \"1..999999\""
}

struct Text<T> {
    expected: &'static str,
    value: PhantomData<T>,
}

impl<T: FromStr<Err = NotationError>> de::Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}
