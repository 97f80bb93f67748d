//! Where messages come from: the options and files, and whether the messages can be sent.

use std::path::Path;

use super::numbers::to_usize;
use super::payloads::{Payloads, Sizes, Source, filler};
use crate::arguments::load::Load;
use crate::arguments::values::size;
use crate::failure::Failure;
use crate::output::bytes_text::{Line, from_hex};

/// Reads what messages are made of.
pub(super) fn source(load: &Load) -> Result<Source, Failure> {
    let to_message = |text: &str| match load.hex {
        true => from_hex(text),
        false => Ok(text.as_bytes().to_vec()),
    };
    if let Some(text) = &load.message {
        let message = to_message(text).map_err(|error| Failure::usage(format!("--message: {error}")))?;
        return Ok(Source::Texts(vec![message]));
    }
    if let Some(file) = &load.messages {
        return lines(file, "--messages", to_message).map(Source::Texts);
    }
    if let Some(file) = &load.sizes {
        let sizes = lines(file, "--sizes", |line| match size(line.trim())? {
            0 => Err("expected 1 byte or more, found 0".to_owned()),
            size => Ok(to_usize(size)),
        })?;
        let most = sizes.iter().copied().max().unwrap_or_default();
        return Ok(Source::Sizes { filler: filler(most), sizes: Sizes::Listed(sizes) });
    }
    if load.hex {
        return Err(Failure::usage("--hex is about the messages of --message or --messages, and none is given"));
    }
    let (least, most) = load.size.unwrap_or((64, 64));
    Ok(Source::Sizes { filler: filler(most), sizes: Sizes::Between(least, most) })
}

/// Reads the lines of a file, at least one.
fn lines<T>(file: &Path, flag: &str, read: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, Failure> {
    let name = file.to_string_lossy().into_owned();
    let name = Line(name.as_bytes());
    let text = std::fs::read_to_string(file).map_err(|error| Failure::usage(format!("{flag} {name}: {error}")))?;
    let one = |(index, line)| {
        read(line).map_err(|error| Failure::usage(format!("{flag} {name}, line {}: {error}", index + 1)))
    };
    let lines = text.lines().enumerate().map(one).collect::<Result<Vec<_>, _>>()?;
    match lines.is_empty() {
        true => Err(Failure::usage(format!("{flag} {name}: the file is empty"))),
        false => Ok(lines),
    }
}

/// Refuses messages that cannot be sent, or whose keys cannot be told apart.
pub(super) fn check_messages(
    payloads: &Payloads,
    in_flight: usize,
    check: impl Fn(&[u8]) -> Result<(), String>,
) -> Result<(), Failure> {
    let (least, most) = payloads.extremes();
    if let Some(key) = payloads.patch.filter(|patch| patch.is_key) {
        let (start, end) = (key.start, key.start + key.len);
        if least < end {
            return Err(Failure::usage(format!(
                "the key has the bytes {start} to {}, and the shortest message has {least} bytes",
                end - 1
            )));
        }
        if let Some(values) = key.values().filter(|&values| values < in_flight as u64) {
            let (few, remedy) = match key.range.filter(|range| range.last() < key.written.most(key.len)) {
                Some(range) => (format!("numbers.range={range} has {values} numbers"), "make the range larger"),
                None => (format!("a key of {} bytes has {values} values", key.len), "make the key longer"),
            };
            return Err(Failure::usage(format!("{few}, and {in_flight} messages can be in flight: {remedy}")));
        }
    }
    let sent =
        |message: &[u8]| check(message).map_err(|error| Failure::usage(format!("a message cannot be sent: {error}")));
    match &payloads.source {
        Source::Texts(texts) => (0..texts.len() as u64).try_for_each(|number| sent(&message(payloads, number))),
        Source::Composed(_) => sent(&message(payloads, 0)),
        Source::Sizes { filler, .. } => [least, most].iter().try_for_each(|&len| sent(&filler[..len])),
    }
}

fn message(payloads: &Payloads, number: u64) -> Vec<u8> {
    let mut message = Vec::new();
    payloads.append(number, &mut message);
    message
}
