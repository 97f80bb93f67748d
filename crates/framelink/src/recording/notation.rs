//! Rules in their notation.

use framelink_codec::notation::{Hex, NotationError};
use framelink_transport::profile::ReplyRule;
use framelink_transport::session::{Match, Template};

use super::card_numbers;
use super::fields::Part;
use super::kinds::RecordedRule;

pub(super) fn rule_of(recorded: RecordedRule) -> Result<ReplyRule, NotationError> {
    let rule = ReplyRule::new(match_of(&recorded)?).say(template_of(recorded.say)?);
    Ok(match recorded.times {
        Some(times) => rule.times(times),
        None => rule,
    })
}

/// Bytes that are hidden are never among those that a rule compares.
fn match_of(recorded: &RecordedRule) -> Result<Match, NotationError> {
    let len = recorded.len.map(|len| format!("len={len}"));
    let tests = recorded.bytes.iter().map(|(offset, bytes)| {
        let is_plain = bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b' ');
        let value =
            if is_plain { format!("text:{}", String::from_utf8_lossy(bytes)) } else { format!("hex:{}", Hex(bytes)) };
        format!("{offset}:{}={value}", bytes.len())
    });
    let tests: Vec<_> = tests.chain(len).collect();
    if tests.is_empty() { Ok(Match::any()) } else { tests.join(",").parse() }
}

fn template_of(parts: Vec<Part>) -> Result<Template, NotationError> {
    // A message that is no text may have fixed bytes that are.
    let is_text = parts.iter().all(|part| !matches!(part, Part::Literal(bytes) if !card_numbers::is_text(bytes)));
    let mut text = if is_text { "text:" } else { "hex:" }.to_owned();
    for part in parts {
        match part {
            Part::Literal(bytes) if is_text => bytes.iter().for_each(|byte| push_escaped(&mut text, *byte)),
            Part::Literal(bytes) => text.push_str(&Hex(&bytes).to_string()),
            Part::Copied(place) => text.push_str(&format!("{{request:{place}}}")),
            Part::Request => text.push_str("{request}"),
            Part::Field(field, _) => text.push_str(&field),
        }
    }
    text.parse()
}

fn push_escaped(text: &mut String, byte: u8) {
    match byte {
        b'\r' => text.push_str("\\r"),
        b'\n' => text.push_str("\\n"),
        b'\t' => text.push_str("\\t"),
        b'\\' | b'{' | b'}' => text.extend(['\\', char::from(byte)]),
        _ => text.push(char::from(byte)),
    }
}
