//! Reads and prints the notation of heartbeats.

mod pattern;
mod presets;
#[cfg(feature = "serde")]
mod serde;

pub use presets::PRESETS;

use alloc::string::ToString;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use framelink_codec::notation::{Hex, Item, Notation, NotationError, Preset, ShowDuration, Token};

use crate::{By, Form, Heartbeat, HeartbeatError, Life};

const FORMS: &str = "one of empty, literal, numbered, pattern, or a preset";
const OPTIONS: &str = "one of answered, probe, answer, answered-by, mark, number, by, interval, timeout, tries, life";
const BY: &[(&str, By)] = &[("client", By::Client), ("server", By::Server), ("both", By::Both)];
const LIFE: &[(&str, Life)] = &[("bytes", Life::Bytes), ("heartbeats", Life::Heartbeats)];

/// Parses the notation of a heartbeat.
///
/// ```text
/// heartbeat = ( form | preset ) *( "," option )
///
/// forms     empty               a frame of 0 bytes
///           literal:HEX         these bytes; with HEX..HEX, a probe and its answer
///           numbered            a number, a timestamp and data; see [Numbered]
///           pattern:TEMPLATE    a message of the peer's own protocol; see [Pattern]
///           pattern:HEX         the same, for bytes at offsets
///
/// options   answered            empty and literal:HEX: the answer is the probe
///           probe=MATCH         pattern:TEMPLATE: the probes of the peer
///           answer=TEMPLATE     pattern:TEMPLATE: the answer to a probe of the peer, which is `{request}`
///           answered-by=MATCH   pattern:TEMPLATE: the answers to our probe, which is `request`
///           mark=OFFSET:HEX     pattern:HEX: the bytes that only heartbeats have; default the first four bytes
///           answer=OFFSET:HEX   pattern: the answer is the probe with these bytes instead
///           number=OFFSET:LEN   pattern:HEX: the number of our probes, 1 to 8 bytes, network order
///           by=WHO              the sides that send: client, server or both; default client if answered, else both
///           interval=DUR        1ms to 1d, default 30s
///           timeout=DUR         1ms to 1d, default 10s
///           tries=N             1 to 100, default 1
///           life=WHAT           what shows that the peer lives: bytes (any; the default) or heartbeats (alone)
///           code=DIGITS         iso8583: the code of the test, three digits, default 301
///           at=OFFSET           iso8583: where messages of the peer have the code, 52 (the default) or more
/// ```
///
/// A template or match with a comma stands between quotes.
///
/// ```
/// use framelink_heartbeat::Heartbeat;
///
/// let heartbeat: Heartbeat = "literal:50494e47..504f4e47,interval=5s,timeout=2s,tries=3".parse()?;
/// assert_eq!(heartbeat.to_string(), "literal:50494e47..504f4e47,interval=5s,timeout=2s,tries=3");
///
/// let error = "empty,interval=5".parse::<Heartbeat>().unwrap_err();
/// assert_eq!(error.to_string(), "column 16: expected a number above 0 with `ms`, `s`, `m`, `h` or `d`, found `5`");
/// # Ok::<(), framelink_codec::notation::NotationError>(())
/// ```
impl FromStr for Heartbeat {
    type Err = NotationError;

    fn from_str(text: &str) -> Result<Self, NotationError> {
        let notation = Notation::parse_what(text, "a heartbeat such as `empty`")?;
        let name = notation.kind.name.text;
        match PRESETS.iter().find(|preset| preset.name == name) {
            None => read(&notation.kind, &notation.options, &notation.options),
            Some(preset) => read_preset(preset, &notation),
        }
    }
}

/// Options after a preset replace those of the preset.
fn read_preset(preset: &Preset, notation: &Notation<'_>) -> Result<Heartbeat, NotationError> {
    notation.kind.no_value()?;
    let (expanded, said) = presets::expand(preset, &notation.options)?;
    let expansion = Notation::parse(&expanded)?;
    // The expansion is not part of the text. Its tokens get columns behind the end of the text.
    let text_end = end_of(notation.options.last().unwrap_or(&notation.kind));
    let kind = moved(&expansion.kind, text_end);
    let own: Vec<_> = expansion.options.iter().map(|option| moved(option, text_end)).collect();
    let read_with = |said: &[Item<'_>]| {
        let is_said = |name| said.iter().any(|option| option.name.text == name);
        let kept = own.iter().filter(|option| !is_said(option.name.text));
        let options: Vec<_> = kept.chain(said).copied().collect();
        read(&kind, &options, said)
    };
    read_with(&said).map_err(|error| {
        if error.column() <= text_end {
            return error;
        }
        // An option does not go with a part of the preset. The option to blame is the one without which the text
        // parses.
        let without = |left_out: &Item<'_>| {
            let others = said.iter().filter(|option| option.name.text != left_out.name.text);
            read_with(&others.copied().collect::<Vec<_>>())
        };
        let culprit = said.iter().find(|option| without(option).is_ok()).or(said.last());
        let token = culprit.map_or(notation.kind.name, |option| option.value.unwrap_or(option.name));
        token.error(alloc::format!("{}, which does not go with `{}`", error.message(), preset.name))
    })
}

/// The column after an item.
fn end_of(item: &Item<'_>) -> usize {
    let last = item.value.unwrap_or(item.name);
    last.column + last.text.chars().count()
}

/// The item with its columns moved.
fn moved<'a>(item: &Item<'a>, by: usize) -> Item<'a> {
    let mut moved = *item;
    moved.name.column += by;
    if let Some(value) = &mut moved.value {
        value.column += by;
    }
    moved
}

fn read(kind: &Item<'_>, options: &[Item<'_>], said: &[Item<'_>]) -> Result<Heartbeat, NotationError> {
    let option = |name: &str| options.iter().find(|option| option.name.text == name);
    check_names(kind, said)?;
    let form = read_form(kind, &option)?;
    let mut heartbeat = Heartbeat::relaxed(form);
    if let Some(by) = option("by") {
        heartbeat.by = word(by, BY, "client, server or both")?;
    }
    if let Some(life) = option("life") {
        heartbeat.life = word(life, LIFE, "bytes or heartbeats")?;
    }
    if let Some(item) = option("interval") {
        let value = item.value("a time")?;
        heartbeat = heartbeat.interval(value.duration()?).map_err(about(value))?;
    }
    if let Some(item) = option("timeout") {
        let value = item.value("a time")?;
        heartbeat = heartbeat.timeout(value.duration()?).map_err(about(value))?;
    }
    if let Some(item) = option("tries") {
        let value = item.value("a number")?;
        let tries = value.number(1..=Heartbeat::MOST_TRIES as usize, "tries")?;
        heartbeat.tries = u32::try_from(tries).unwrap_or(Heartbeat::MOST_TRIES);
    }
    Ok(heartbeat)
}

/// Refuses options that do not exist or that the form does not take.
fn check_names(kind: &Item<'_>, said: &[Item<'_>]) -> Result<(), NotationError> {
    let is_pair = kind.value.is_some_and(|value| value.text.contains(".."));
    for item in said {
        let is_taken = match item.name.text {
            "by" | "interval" | "timeout" | "tries" | "life" => true,
            "answered" => kind.name.text == "empty" || (kind.name.text == "literal" && !is_pair),
            name if pattern::OPTIONS.contains(&name) => kind.name.text == "pattern",
            _ => return Err(item.name.mismatch(OPTIONS)),
        };
        if !is_taken {
            let message = alloc::format!("`{}` is not for a heartbeat of the form {}", item.name.text, kind.name.text);
            return Err(item.name.error(message));
        }
        pattern::check_name(item, kind)?;
    }
    Ok(())
}

fn read_form<'i, 't: 'i>(
    kind: &Item<'t>,
    option: &impl Fn(&str) -> Option<&'i Item<'t>>,
) -> Result<Form, NotationError> {
    let answered = option("answered");
    if let Some(answered) = answered {
        answered.no_value()?;
    }
    match kind.name.text {
        "empty" => kind.no_value().map(|()| Form::Empty { answered: answered.is_some() }),
        "numbered" => kind.no_value().map(|()| Form::Numbered),
        "literal" => read_literal(kind.value("pairs of hex digits")?, answered.is_some()),
        "pattern" => pattern::read(kind, option),
        _ => {
            let names = ["empty", "literal", "numbered", "pattern"];
            Err(kind.name.unknown(FORMS, names.into_iter().chain(PRESETS.iter().map(|preset| preset.name))))
        }
    }
}

fn read_literal(value: Token<'_>, answered: bool) -> Result<Form, NotationError> {
    if value.text.contains("..") {
        let (probe, answer) = value.hex_pair(Heartbeat::MOST_BYTES)?;
        return Ok(Form::Literal { probe, answer: Some(answer) });
    }
    let probe = value.hex(Heartbeat::MOST_BYTES)?;
    let answer = answered.then(|| probe.clone());
    Ok(Form::Literal { probe, answer })
}

fn word<T: Copy>(item: &Item<'_>, words: &[(&str, T)], what: &str) -> Result<T, NotationError> {
    let value = item.value(what)?;
    let found = words.iter().find(|(word, _)| *word == value.text);
    found.map(|(_, meant)| *meant).ok_or_else(|| value.mismatch(what))
}

/// Makes an error point at this part of the text.
fn about(value: Token<'_>) -> impl Fn(HeartbeatError) -> NotationError {
    move |error| value.error(error.to_string())
}

/// Prints the normal form: the form, then the options in their order, without defaults. The form of a program is
/// printed as `own`, which cannot be parsed.
impl fmt::Display for Heartbeat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.form)?;
        let default = Self::relaxed(self.form.clone());
        if self.by != default.by {
            write!(f, ",by={}", name(self.by, BY))?;
        }
        if self.interval != default.interval {
            write!(f, ",interval={}", ShowDuration(self.interval))?;
        }
        if self.timeout != default.timeout {
            write!(f, ",timeout={}", ShowDuration(self.timeout))?;
        }
        if self.tries != default.tries {
            write!(f, ",tries={}", self.tries)?;
        }
        if self.life != default.life {
            write!(f, ",life={}", name(self.life, LIFE))?;
        }
        Ok(())
    }
}

fn name<T: PartialEq>(meant: T, words: &[(&'static str, T)]) -> &'static str {
    words.iter().find(|(_, of)| *of == meant).map_or("", |(word, _)| word)
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty { answered: false } => f.write_str("empty"),
            Self::Empty { answered: true } => f.write_str("empty,answered"),
            Self::Literal { probe, answer: None } => write!(f, "literal:{}", Hex(probe)),
            Self::Literal { probe, answer: Some(answer) } if probe == answer => {
                write!(f, "literal:{},answered", Hex(probe))
            }
            Self::Literal { probe, answer: Some(answer) } => write!(f, "literal:{}..{}", Hex(probe), Hex(answer)),
            Self::Numbered => f.write_str("numbered"),
            Self::Pattern(pattern) => write!(f, "{pattern}"),
            Self::Own(_) => f.write_str("own"),
        }
    }
}
