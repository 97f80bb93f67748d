//! Rules in their notation.

use framelink_codec::notation::{Hex, NotationError};
use framelink_transport::profile::ReplyRule;
use framelink_transport::session::{Match, Template};

use super::card_numbers;
use super::fields::Part;
use super::kinds::RecordedRule;

/// A rule without card numbers, and how many of their digits were masked.
pub(super) fn rule_of(recorded: RecordedRule) -> Result<(ReplyRule, usize), NotationError> {
    let when = match_of(&recorded)?;
    let (say, masked) = template_of(recorded.say, recorded.is_text)?;
    let rule = ReplyRule::new(when).say(say);
    let rule = match recorded.times {
        Some(times) => rule.times(times),
        None => rule,
    };
    Ok((rule, masked))
}

/// Bytes that are masked are never among those that a rule compares.
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

fn template_of(mut parts: Vec<Part>, is_text: bool) -> Result<(Template, usize), NotationError> {
    let mut masked = 0;
    for part in &mut parts {
        if let Part::Literal(bytes) = part {
            masked += card_numbers::mask(bytes, is_text);
        }
    }
    // A message that is no text may have fixed bytes that are.
    let is_text = parts.iter().all(|part| !matches!(part, Part::Literal(bytes) if !card_numbers::is_text(bytes)));
    let mut text = if is_text { "text:" } else { "hex:" }.to_owned();
    for part in parts {
        match part {
            Part::Literal(bytes) if is_text => bytes.iter().for_each(|byte| push_escaped(&mut text, *byte)),
            Part::Literal(bytes) => text.push_str(&Hex(&bytes).to_string()),
            Part::Copied(place) => text.push_str(&format!("{{request:{place}}}")),
            Part::Field(field) => text.push_str(&field),
        }
    }
    Ok((text.parse()?, masked))
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
