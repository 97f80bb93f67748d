//! The template of `--message`, and the number in each message.

use framelink_template::{Inputs, NumberRange, Place, Template};
use framelink_transport::Profile;

use super::compose::One;
use super::payloads::{Patch, Source};
use crate::arguments::load::{Expect, Load};
use crate::arguments::values::is_template;
use crate::failure::Failure;

/// Returns the template of `--message`, if it is one.
pub(super) fn template_of(load: &Load) -> Result<Option<Template>, Failure> {
    load.message
        .as_ref()
        .filter(|text| !load.hex && is_template(text))
        .map(|text| text.parse().map_err(refused))
        .transpose()
}

/// Returns messages of a template, and their number. `key` is the place by which replies are matched.
pub(super) fn source_of(
    template: Template,
    load: &Load,
    profile: &Profile,
    key: Option<Place>,
) -> Result<(Source, Option<Patch>), Failure> {
    if load.counted || load.assign.is_some() {
        let option = if load.counted { "--counted" } else { "--assign" };
        return Err(refused(format!(
            "{option} does not go with a template, which says where numbers are: {{number:10}}"
        )));
    }
    if template.needs_request() {
        return Err(refused("`{request}` is for replies, and load sends requests"));
    }
    template.check_sources(|_| false).map_err(refused)?;
    let text = load.message.as_deref().unwrap_or_default();
    let patch = patch_of(&template, text, profile, key)?;
    let number = patch.map_or(0, |patch| patch.key(0));
    let message = template.compose(&Inputs::system(&One(number))).map_err(refused)?;
    if template.differs_in_numbers_only() {
        return Ok((Source::Texts(vec![message]), patch));
    }
    if load.expect == Expect::Echo {
        return Err(refused(
            "--expect echo needs messages that differ in their number only; other replies are any, text:T or hex:H",
        ));
    }
    Ok((Source::Composed(template), patch))
}

/// `text` is the template as it was written.
fn patch_of(template: &Template, text: &str, profile: &Profile, key: Option<Place>) -> Result<Option<Patch>, Failure> {
    let refused = |index: usize, error: &str| refused(at_number(text, index, error));
    let mut numbers = template.numbers();
    let (number, others) = (numbers.next(), numbers.count());
    if others > 0 {
        return Err(refused(1, &format!("a message has one {{number}}, and this template has {}", others + 1)));
    }
    if let Some(key) = key
        && number.and_then(|number| number.place) != Some(key)
    {
        let (len, found) = (key.len(), number.and_then(|number| number.place));
        let found = found.map(|place| format!(", and it is at {place}")).unwrap_or_default();
        let error =
            format!("replies are matched by the key at {key}, so {{number:{len}}} must be at this place{found}");
        return Err(refused(0, &error));
    }
    let Some(number) = number else { return Ok(None) };
    let most = number.encoding.most(number.len);
    let range = profile.numbers().and_then(|numbers| numbers.range).unwrap_or(NumberRange::from_1_to(most));
    if range.last() > most {
        let last = range.last();
        return Err(refused(0, &format!("numbers.range goes up to {last}, and {{number}} holds at most {most}")));
    }
    let behind = "{number} stands behind a field without a fixed length";
    let place = number.place.ok_or_else(|| refused(0, behind))?;
    let (start, len, written) = (place.offset(), place.len(), number.encoding);
    Ok(Some(Patch { start, len, written, is_key: key.is_some(), range: Some(range) }))
}

/// Names the column of a number in a template, counted from 0, if there is such a number.
fn at_number(text: &str, index: usize, error: &str) -> String {
    let (mut is_escaped, mut columns) = (false, Vec::new());
    for (column, (at, character)) in (1..).zip(text.char_indices()) {
        if !is_escaped && text[at..].starts_with("{number") {
            columns.push(column);
        }
        is_escaped = character == '\\' && !is_escaped;
    }
    columns.get(index).map_or_else(|| error.to_owned(), |column| format!("column {column}: {error}"))
}

fn refused(error: impl std::fmt::Display) -> Failure {
    Failure::usage(format!("--message: {error}"))
}
