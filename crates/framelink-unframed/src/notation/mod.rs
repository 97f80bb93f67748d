//! Parses and prints the notation of framings without a length header.

#[cfg(feature = "serde")]
mod serde;

use alloc::string::ToString;
use core::fmt;
use core::str::FromStr;

use framelink_codec::notation::{Dialect, Item, Notation, NotationError, Preset, ShowSize};

use crate::{Delimiter, PRESETS, SpecError, Unframed, UnframedBuilder};

/// Parses a notation.
///
/// ```
/// use framelink_unframed::Unframed;
///
/// let error = "fixed:12,max=100".parse::<Unframed>().unwrap_err();
/// assert_eq!(error.column(), 14);
/// assert_eq!(error.message(), "max of 100 is 88 bytes more than the 12 of every message");
/// ```
impl FromStr for Unframed {
    type Err = NotationError;

    fn from_str(text: &str) -> Result<Self, NotationError> {
        UnframedBuilder::from_text(text)
    }
}

impl Dialect for UnframedBuilder {
    type Framing = Unframed;

    const KINDS: &'static str = "until-close, quiet, each-read, fixed, line, delim, between";
    const PRESETS: &'static [Preset] = PRESETS;

    fn kind(kind: &Item<'_>) -> Option<Result<Self, NotationError>> {
        read_kind(kind)
    }

    fn options(self, notation: &Notation<'_>) -> Result<Self, NotationError> {
        read_options(self, notation)
    }

    fn finish(&self, notation: &Notation<'_>) -> Result<Unframed, NotationError> {
        finish(self, notation)
    }
}

fn read_kind(kind: &Item<'_>) -> Option<Result<UnframedBuilder, NotationError>> {
    Some(match kind.name.text {
        "until-close" => kind.no_value().map(|()| Unframed::until_close()),
        "quiet" => read_quiet(kind),
        "each-read" => kind.no_value().map(|()| Unframed::each_read()),
        "fixed" => read_fixed(kind),
        "line" => kind.no_value().map(|()| Unframed::line()),
        "delim" => read_delim(kind),
        "between" => read_between(kind),
        _ => return None,
    })
}

fn read_quiet(kind: &Item<'_>) -> Result<UnframedBuilder, NotationError> {
    Ok(Unframed::quiet(kind.value("a time such as `50ms`")?.duration()?))
}

fn read_fixed(kind: &Item<'_>) -> Result<UnframedBuilder, NotationError> {
    Ok(Unframed::fixed(kind.value("1 or more bytes")?.number(1..=usize::MAX, "bytes")?))
}

fn read_delim(kind: &Item<'_>) -> Result<UnframedBuilder, NotationError> {
    Ok(Unframed::delimited(&kind.value("pairs of hex digits")?.hex(Delimiter::MOST)?))
}

fn read_between(kind: &Item<'_>) -> Result<UnframedBuilder, NotationError> {
    let (start, end) = kind.value("pairs of hex digits on both sides of `..`")?.hex_pair(Delimiter::MOST)?;
    Ok(Unframed::between(&start, &end))
}

fn read_options(mut builder: UnframedBuilder, notation: &Notation<'_>) -> Result<UnframedBuilder, NotationError> {
    for option in &notation.options {
        builder = match option.name.text {
            "lf" => option.no_value().map(|()| builder.lf_alone(true))?,
            "max" => builder.max(option.value("a size")?.size()?),
            _ if builder.is_line() => return Err(option.name.mismatch("one of lf, max")),
            _ => return Err(option.name.mismatch("max")),
        };
    }
    Ok(builder)
}

/// Builds the framing. An error points at the option that it is about, or at the kind.
fn finish(builder: &UnframedBuilder, notation: &Notation<'_>) -> Result<Unframed, NotationError> {
    builder.build().map_err(|error| {
        let about = |name| notation.options.iter().find(|option| option.name.text == name);
        let token = match error.option().and_then(about) {
            Some(option) if matches!(error, SpecError::NotTaken { .. }) => option.name,
            Some(option) => option.value.unwrap_or(option.name),
            None => notation.kind.value.unwrap_or(notation.kind.name),
        };
        token.error(error.to_string())
    })
}

/// Prints the normal form: the kind, then the options in their order, without defaults.
impl fmt::Display for Unframed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        if self.max_payload != self.kind.default_max() {
            write!(f, ",max={}", ShowSize(self.max_payload))?;
        }
        Ok(())
    }
}
