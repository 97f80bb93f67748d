//! Reads and prints patterns.

use core::fmt;

use framelink_codec::notation::{Hex, Item, NotationError, Token};
use framelink_template::{Match, Template};

use super::about;
use crate::form::{Answer, Form, Mark, Pattern};
use crate::heartbeat::Heartbeat;

/// The options of a pattern.
pub(super) const OPTIONS: [&str; 5] = ["probe", "answer", "answered-by", "mark", "number"];

/// Whether the text is a template, and no bare hex digits.
pub(super) fn is_template(text: &str) -> bool {
    text.starts_with("text:") || text.starts_with("hex:")
}

/// Refuses options of the other notation of patterns.
pub(super) fn check_name(option: &Item<'_>, kind: &Item<'_>) -> Result<(), NotationError> {
    let by_template = kind.value.is_some_and(|value| is_template(value.text));
    let instead = match (option.name.text, by_template) {
        ("mark", true) => "probe=MATCH",
        ("number", true) => "{number:4} in the template",
        ("probe" | "answered-by", false) => "pattern:'hex:…', a template,",
        _ => return Ok(()),
    };
    let message = alloc::format!("`{}` is not for this pattern; write {instead} instead", option.name.text);
    Err(option.name.error(message))
}

pub(super) fn read<'i, 't: 'i>(
    kind: &Item<'t>,
    option: &impl Fn(&str) -> Option<&'i Item<'t>>,
) -> Result<Form, NotationError> {
    let value = kind.value("a template such as 'text:0800{number:6}'")?;
    let pattern = if is_template(value.text) { read_templates(value, option) } else { read_bytes(value, option) };
    pattern.map(Form::Pattern)
}

fn read_templates<'i, 't: 'i>(
    value: Token<'t>,
    option: &impl Fn(&str) -> Option<&'i Item<'t>>,
) -> Result<Pattern, NotationError> {
    let mut pattern = Pattern::composed(template(value, false)?);
    let [probe, answer, answered_by] = ["probe", "answer", "answered-by"].map(option);
    let missing =
        |item: &Item<'_>, what: &str| Err(item.name.error(alloc::format!("`{}` needs {what}", item.name.text)));
    match (probe, answer, answered_by) {
        (None, None, None) => {
            return Err(value.error(
                "expected `probe=MATCH` or `answered-by=MATCH`, or heartbeats are not told from messages".into(),
            ));
        }
        (_, Some(answer), None) => return missing(answer, "`answered-by=MATCH`: a peer that is answered answers too"),
        (None, Some(answer), _) => return missing(answer, "`probe=MATCH`: which messages it answers"),
        (Some(_), None, Some(answered_by)) => {
            return missing(answered_by, "`answer=TEMPLATE`: the probes of the peer are answered too");
        }
        _ => {}
    }
    if let Some(probe) = probe {
        let value = probe.value("a match such as '0:4=text:0800'")?;
        let probe: Match = value.parse()?;
        if probe.needs_request() {
            return Err(value.error("a probe answers nothing, so its match has no `request`".into()));
        }
        pattern = pattern.probed_by(probe).map_err(about(value))?;
    }
    if let Some(answer) = answer {
        let value = answer.value("a template, or OFFSET:HEX")?;
        pattern = match is_template(value.text) {
            true => pattern.answering(template(value, true)?),
            false => pattern.copying(read_mark(value, "a template, or OFFSET:HEX, such as `4:80000015`")?),
        }
        .map_err(about(value))?;
    }
    if let Some(answered_by) = answered_by {
        let value = answered_by.value("a match such as '0:4=text:0810,4:6=request'")?;
        pattern = pattern.answered_by(value.parse()?);
    }
    Ok(pattern)
}

/// Reads a template that is sent, and has a request to copy from or not.
fn template(value: Token<'_>, has_request: bool) -> Result<Template, NotationError> {
    let template: Template = value.parse()?;
    if template.needs_request() && !has_request {
        return Err(value.error("our probe answers no message, so its template has no `{request}`".into()));
    }
    match template.fixed_len() {
        Some(len) if len > Heartbeat::MOST_BYTES => {
            let most = Heartbeat::MOST_BYTES;
            Err(value.error(alloc::format!("expected a heartbeat of at most {most} bytes, found {len}")))
        }
        _ => Ok(template),
    }
}

/// Reads a pattern of bytes at offsets.
fn read_bytes<'i, 't: 'i>(
    value: Token<'t>,
    option: &impl Fn(&str) -> Option<&'i Item<'t>>,
) -> Result<Pattern, NotationError> {
    let probe = value.hex(Heartbeat::MOST_BYTES)?;
    let mut pattern = match option("mark") {
        None => Pattern::new(&probe, 0, probe.get(..4).unwrap_or(&probe)).map_err(about(value))?,
        Some(mark) => {
            let value = mark.value("OFFSET:HEX")?;
            let mark = read_mark(value, "OFFSET:HEX, such as `4:00000015`")?;
            Pattern::new(&probe, mark.offset, &mark.bytes).map_err(about(value))?
        }
    };
    if let Some(answer) = option("answer") {
        let value = answer.value("OFFSET:HEX")?;
        let mark = read_mark(value, "OFFSET:HEX, such as `4:80000015`")?;
        pattern = pattern.answered(mark.offset, &mark.bytes).map_err(about(value))?;
    }
    if let Some(number) = option("number") {
        let value = number.value("OFFSET:LEN")?;
        let (offset, len) = split(value, "OFFSET:LEN, such as `12:4`")?;
        pattern = pattern.numbered(read_offset(offset)?, len.number(1..=8, "bytes")?).map_err(about(value))?;
    }
    Ok(pattern)
}

fn read_mark(value: Token<'_>, what: &str) -> Result<Mark, NotationError> {
    let (offset, bytes) = split(value, what)?;
    Ok(Mark { offset: read_offset(offset)?, bytes: bytes.hex(Heartbeat::MOST_BYTES)? })
}

fn read_offset(token: Token<'_>) -> Result<usize, NotationError> {
    token.number(0..=Heartbeat::MOST_BYTES, "bytes")
}

/// Splits a value at its colon.
fn split<'a>(value: Token<'a>, what: &str) -> Result<(Token<'a>, Token<'a>), NotationError> {
    let (left, right) = value.text.split_once(':').ok_or_else(|| value.mismatch(what))?;
    let column = value.column + left.chars().count() + 1;
    Ok((Token { text: left, column: value.column }, Token { text: right, column }))
}

/// Prints the normal form, with templates.
impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pattern:'{}'", self.probe)?;
        if let Some(probe) = &self.probed_by {
            write!(f, ",probe='{probe}'")?;
        }
        match &self.answer {
            Some(Answer::Composed(template)) => write!(f, ",answer='{template}'")?,
            Some(Answer::Copy(mark)) => write!(f, ",answer={}:{}", mark.offset, Hex(&mark.bytes))?,
            None => {}
        }
        match &self.answered_by {
            Some(answer) => write!(f, ",answered-by='{answer}'"),
            None => Ok(()),
        }
    }
}
