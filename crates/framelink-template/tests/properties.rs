//! Generated templates and matches, beside a model of what they mean.

use std::cell::Cell;
use std::fmt::Write;
use std::time::Duration;

use framelink_codec::notation::Notation;
use framelink_template::{Encoding, Inputs, Match, NumberSource, NumbersError, Template};
use proptest::prelude::*;

/// One part of a generated template.
#[derive(Clone, Debug)]
enum Part {
    Literal(Vec<u8>),
    Number(usize, Encoding),
    Request(usize, usize),
    WholeRequest,
    Time,
    Variable,
    LengthOfAll(Encoding),
    LengthOfRest(Encoding),
    /// A part that begins with its own length.
    Measured(Vec<u8>),
}

const REQUEST: &[u8] = b"0123456789abcdef";
const VALUE: &[u8] = b"a\0value";
const LENGTH_WIDTH: usize = 5;

impl Part {
    fn write(&self, index: usize, is_text: bool, notation: &mut String) {
        let literal = |bytes: &[u8], notation: &mut String| {
            for byte in bytes {
                let written = match (is_text, byte) {
                    (false, _) => write!(notation, "{byte:02x}"),
                    (true, b'a'..=b'z' | b',' | b'"') => write!(notation, "{}", char::from(*byte)),
                    (true, b'{' | b'}' | b'\\' | b'\'') => write!(notation, "\\{}", char::from(*byte)),
                    (true, _) => write!(notation, "\\x{byte:02X}"),
                };
                written.expect("a String");
            }
        };
        match self {
            Self::Literal(bytes) => literal(bytes, notation),
            Self::Number(len, encoding) => notation.push_str(&format!("{{number:{len},{encoding}}}")),
            Self::Request(offset, len) => notation.push_str(&format!("{{request:{offset}:{len}}}")),
            Self::WholeRequest => notation.push_str("{request}"),
            Self::Time => notation.push_str("{utc:'%H,%M'}"),
            Self::Variable => notation.push_str("{env:VALUE}"),
            Self::LengthOfAll(encoding) => notation.push_str(&format!("{{length:{LENGTH_WIDTH},{encoding},of=all}}")),
            Self::LengthOfRest(encoding) => notation.push_str(&format!("{{length:{LENGTH_WIDTH},of=rest,{encoding}}}")),
            Self::Measured(bytes) => {
                notation.push_str(&format!("{{part:p{index}}}{{length:2,binary,of=p{index}}}"));
                literal(bytes, notation);
                notation.push_str("{end}");
            }
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Literal(bytes) => bytes.len(),
            Self::Number(len, _) | Self::Request(_, len) => *len,
            Self::WholeRequest => REQUEST.len(),
            Self::Time => 5,
            Self::Variable => VALUE.len(),
            Self::LengthOfAll(_) | Self::LengthOfRest(_) => LENGTH_WIDTH,
            Self::Measured(bytes) => 2 + bytes.len(),
        }
    }
}

/// What the parts mean, by another way than the template's.
fn model(parts: &[Part]) -> Vec<u8> {
    let whole: usize = parts.iter().map(Part::len).sum();
    let (mut message, mut next) = (Vec::new(), 1);
    for part in parts {
        let number = |number: usize, len: usize, encoding: Encoding| {
            let mut bytes = vec![0; len];
            encoding.encode(number as u64, &mut bytes).expect("small numbers");
            bytes
        };
        message.extend(match part {
            Part::Literal(bytes) => bytes.clone(),
            Part::Number(len, encoding) => {
                next += 1;
                number(next - 1, *len, *encoding)
            }
            Part::Request(offset, len) => REQUEST[*offset..offset + len].to_vec(),
            Part::WholeRequest => REQUEST.to_vec(),
            Part::Time => b"08,00".to_vec(),
            Part::Variable => VALUE.to_vec(),
            Part::LengthOfAll(encoding) => number(whole, LENGTH_WIDTH, *encoding),
            Part::LengthOfRest(encoding) => number(whole - message.len() - LENGTH_WIDTH, LENGTH_WIDTH, *encoding),
            Part::Measured(bytes) => [number(bytes.len() + 2, 2, Encoding::Binary), bytes.clone()].concat(),
        });
    }
    message
}

struct Counter(Cell<u64>);

impl NumberSource for Counter {
    fn next_of(&self, _name: Option<&str>) -> Result<u64, NumbersError> {
        Ok(self.0.replace(self.0.get() + 1))
    }
}

fn parts() -> impl Strategy<Value = Vec<Part>> {
    let bytes =
        || proptest::collection::vec(prop_oneof![any::<u8>(), Just(b'{'), Just(b'\''), Just(b'\\'), b'a'..=b'z'], 1..6);
    let encoding = || proptest::sample::select(&Encoding::ALL[..]);
    let part = prop_oneof![
        bytes().prop_map(Part::Literal),
        (2_usize..=64, encoding()).prop_map(|(len, encoding)| Part::Number(len, encoding)),
        (0_usize..8, 1_usize..=8).prop_map(|(offset, len)| Part::Request(offset, len)),
        Just(Part::WholeRequest),
        Just(Part::Time),
        Just(Part::Variable),
        encoding().prop_map(Part::LengthOfAll),
        encoding().prop_map(Part::LengthOfRest),
        bytes().prop_map(Part::Measured),
    ];
    proptest::collection::vec(part, 0..12)
}

/// One test of a generated match, what it means for a message, and its notation.
fn tests() -> impl Strategy<Value = (String, usize, Vec<Vec<u8>>, bool)> {
    let values = (0_usize..4, 1_usize..4).prop_flat_map(|(offset, len)| {
        let value =
            proptest::collection::vec(prop_oneof![b'a'..=b'c', Just(b'.'), Just(b','), Just(b'|'), Just(0)], len);
        (Just(offset), proptest::collection::vec(value, 1..4))
    });
    (values, any::<bool>(), any::<bool>()).prop_map(|((offset, values), is_negated, is_hex)| {
        let written: Vec<_> = values.iter().map(|value| written_value(value, is_hex)).collect();
        let sign = if is_negated { "!=" } else { "=" };
        (format!("{offset}:{}{sign}{}", values[0].len(), written.join("|")), offset, values, is_negated)
    })
}

fn written_value(value: &[u8], is_hex: bool) -> String {
    let byte = |byte: &u8| match byte {
        _ if is_hex => format!("{byte:02x}"),
        0 => "\\x00".into(),
        b'.' | b',' | b'|' => format!("\\{}", char::from(*byte)),
        _ => char::from(*byte).to_string(),
    };
    format!("{}:{}", if is_hex { "hex" } else { "text" }, value.iter().map(byte).collect::<String>())
}

proptest! {
    /// A template composes what its parts mean, prints a notation of the same template, and stands between quotes.
    #[test]
    fn templates_mean_their_parts(parts in parts(), is_text in any::<bool>()) {
        let mut notation = String::from(if is_text { "text:" } else { "hex:" });
        for (index, part) in parts.iter().enumerate() {
            part.write(index, is_text, &mut notation);
        }
        let template: Template = notation.parse().unwrap();
        let numbers = Counter(Cell::new(1));
        let inputs = Inputs {
            now: Duration::from_secs(1_800_000_000),
            local_offset: 0,
            request: Some(REQUEST),
            numbers: &numbers,
            random: &|| 0,
            variable: &|_| Some(VALUE.to_vec()),
        };
        prop_assert_eq!(template.compose(&inputs).unwrap(), model(&parts));

        let printed = template.to_string();
        prop_assert_eq!(&printed.parse::<Template>().unwrap(), &template);
        let quoted = format!("pattern:'{printed}',tries=2");
        let item = Notation::parse(&quoted).unwrap().kind.value("a template").unwrap();
        prop_assert_eq!(item.parse::<Template>().unwrap(), template);
    }

    /// A message never has more bytes than its bound, and an error leaves the output as it was.
    #[test]
    fn messages_keep_their_bound(value_len in 65_400_usize..65_700, literal in 0_usize..200) {
        let template: Template = format!("text:{}{{env:A}}{{number:4}}", "x".repeat(literal)).parse().unwrap();
        let numbers = Counter(Cell::new(1));
        let variable = |_: &str| Some(vec![0; value_len]);
        let inputs = Inputs {
            now: Duration::ZERO,
            local_offset: 0,
            request: None,
            numbers: &numbers,
            random: &|| 0,
            variable: &variable,
        };
        let mut out = b"before".to_vec();
        let composed = template.append(&inputs, &mut out);
        let len = literal + value_len + 4;
        prop_assert_eq!(composed.is_ok(), len <= Template::MOST_LEN);
        prop_assert_eq!(out.len(), if composed.is_ok() { 6 + len } else { 6 });
    }

    /// A match means all its tests, and prints a notation of the same match.
    #[test]
    fn matches_mean_their_tests(
        tests in proptest::collection::vec(tests(), 1..4),
        message in proptest::collection::vec(prop_oneof![b'a'..=b'c', Just(b'.')], 0..8),
        planted in any::<bool>(),
    ) {
        let mut message = message;
        let (_, offset, values, _) = &tests[0];
        if planted && let Some(place) = message.get_mut(*offset..offset + values[0].len()) {
            place.copy_from_slice(&values[0]);
        }
        let notation = tests.iter().map(|(notation, ..)| &**notation).collect::<Vec<_>>().join(",");
        let expected: Match = notation.parse().unwrap();
        let holds = tests.iter().all(|(_, offset, values, is_negated)| {
            let found = message.get(*offset..offset + values[0].len());
            found.is_some_and(|found| values.iter().any(|value| value == found) != *is_negated)
        });
        prop_assert_eq!(expected.holds(&message, None), holds, "{}", notation);

        let printed = expected.to_string();
        prop_assert_eq!(&printed.parse::<Match>().unwrap(), &expected);
        let quoted = format!("pattern:'{printed}',tries=2");
        let item = Notation::parse(&quoted).unwrap().kind.value("a match").unwrap();
        prop_assert_eq!(item.parse::<Match>().unwrap(), expected);
    }
}
