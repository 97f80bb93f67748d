//! Parses and prints the notation of framings with a length header.

#[cfg(feature = "serde")]
mod serde;

use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;
use core::str::FromStr;

use framelink_codec::Affix;
use framelink_codec::notation::{Dialect, Hex, Item, Notation, NotationError, Preset, ShowSize, Token};

use crate::{Counts, Field, Length, LengthBuilder, PRESETS, SpecError};

/// Parses a notation.
///
/// ```
/// use framelink_length::Length;
///
/// let error = "net:2,prefix=0300,at=1".parse::<Length>().unwrap_err();
/// assert_eq!(error.column(), 14);
/// assert_eq!(error.message(), "prefix is 2 bytes, but only 1 can stand before the length field (at=1)");
/// ```
impl FromStr for Length {
    type Err = NotationError;

    fn from_str(text: &str) -> Result<Self, NotationError> {
        LengthBuilder::from_text(text)
    }
}

impl Dialect for LengthBuilder {
    type Framing = Length;

    const KINDS: &'static str = "net, le, ascii, hex, ebcdic, bcd, decimal, varint";
    const PRESETS: &'static [Preset] = PRESETS;

    fn kind(kind: &Item<'_>) -> Option<Result<Self, NotationError>> {
        read_kind(kind)
    }

    fn options(self, notation: &Notation<'_>) -> Result<Self, NotationError> {
        read_options(self, notation)
    }

    fn finish(&self, notation: &Notation<'_>) -> Result<Length, NotationError> {
        finish(self, notation)
    }
}

fn read_kind(kind: &Item<'_>) -> Option<Result<LengthBuilder, NotationError>> {
    let sized = |field: fn(u8) -> Field| {
        let (most, unit) = field(1).bounds().unwrap_or((1, ""));
        let width =
            kind.value(&format!("1 to {most} {unit}")).and_then(|value| value.number(1..=usize::from(most), unit));
        // The number is in the checked range, which ends at a u8.
        width.map(|width| Length::builder(field(u8::try_from(width).unwrap_or(most))))
    };
    Some(match kind.name.text {
        "net" => sized(Field::Net),
        "le" => sized(Field::Le),
        "ascii" => sized(Field::Ascii),
        "hex" => sized(Field::Hex),
        "ebcdic" => sized(Field::Ebcdic),
        "bcd" => sized(Field::Bcd),
        "decimal" => read_separator(kind).map(|byte| Length::builder(Field::Decimal(byte))),
        "varint" => kind.no_value().map(|()| Length::builder(Field::Varint)),
        _ => return None,
    })
}

fn read_separator(kind: &Item<'_>) -> Result<u8, NotationError> {
    let value = kind.value("a separator byte in hex")?;
    match value.hex(1)?.first() {
        Some(digit @ b'0'..=b'9') => Err(value.error(SpecError::Separator(*digit).to_string())),
        Some(&separator) => Ok(separator),
        None => Err(value.mismatch("a separator byte in hex")),
    }
}

fn read_options(mut builder: LengthBuilder, notation: &Notation<'_>) -> Result<LengthBuilder, NotationError> {
    let (mut counts, mut adjust) = (None, None);
    for option in &notation.options {
        match option.name.text {
            "counts" => counts = Some(option.name),
            "adjust" => adjust = Some(option.name),
            _ => {}
        }
        builder = read_option(builder, option)?;
    }
    if let (Some(counts), Some(adjust)) = (counts, adjust) {
        let (first, second) = if counts.column < adjust.column { (counts, adjust) } else { (adjust, counts) };
        return Err(second.error(format!(
            "`{}` cannot stand beside `{}`, which is at column {}: either says what the number counts",
            second.text, first.text, first.column
        )));
    }
    Ok(builder)
}

fn read_option(builder: LengthBuilder, option: &Item<'_>) -> Result<LengthBuilder, NotationError> {
    let bytes = || option.value("a number of bytes")?.number(0..=Affix::CAPACITY, "bytes");
    let fixed = || option.value("pairs of hex digits")?.hex(Affix::CAPACITY);
    Ok(match option.name.text {
        "at" => builder.at(bytes()?),
        "prefix" => builder.prefix(fixed()?),
        "mask" if takes_mask(builder.field()) => read_mask(builder, option.value("pairs of hex digits")?)?,
        // `build` refuses the option for any value, and names the kinds that have it.
        "mask" => builder.mask(0),
        "gap" => builder.gap(bytes()?),
        "infix" => builder.infix(fixed()?),
        "tail" => builder.tail(bytes()?),
        "suffix" => builder.suffix(fixed()?),
        "counts" => builder.counts(read_counts(option.value("rest, payload, self or frame")?)?),
        "adjust" => builder.counts(Counts::Adjust(option.value("`+` or `-` and a number")?.signed()?)),
        "zero" => read_zero(builder, option.value("`empty`")?)?,
        "keep" => option.no_value().map(|()| builder.keep_header(true))?,
        "lower" => option.no_value().map(|()| builder.lower_case(true))?,
        "max" => builder.max(option.value("a size")?.size()?),
        _ => return Err(option.name.mismatch(&format!("one of {}", options_of(builder.field())))),
    })
}

fn read_mask(builder: LengthBuilder, value: Token<'_>) -> Result<LengthBuilder, NotationError> {
    let bytes = value.hex(8)?;
    let width = builder.field().width();
    if width.is_some_and(|width| width != bytes.len()) {
        let width = width.unwrap_or_default();
        return Err(
            value.error(format!("expected a mask as long as the length field, {width} bytes, found {}", bytes.len()))
        );
    }
    Ok(builder.mask(bytes.iter().fold(0, |mask, &byte| mask << 8 | u64::from(byte))))
}

fn read_counts(value: Token<'_>) -> Result<Counts, NotationError> {
    Ok(match value.text {
        "rest" => Counts::Rest,
        "payload" => Counts::Payload,
        "self" => Counts::Itself,
        "frame" => Counts::Frame,
        _ => return Err(value.mismatch("rest, payload, self or frame")),
    })
}

fn read_zero(builder: LengthBuilder, value: Token<'_>) -> Result<LengthBuilder, NotationError> {
    match value.text {
        "empty" => Ok(builder.zero_is_empty(true)),
        _ => Err(value.mismatch("`empty`")),
    }
}

const fn takes_mask(field: Field) -> bool {
    matches!(field, Field::Net(_) | Field::Le(_))
}

/// The options that a kind takes, for error messages.
fn options_of(field: Field) -> String {
    let mask = if takes_mask(field) { "mask, " } else { "" };
    let lower = if matches!(field, Field::Hex(_)) { "lower, " } else { "" };
    format!("at, prefix, {mask}gap, infix, tail, suffix, counts, adjust, zero, keep, {lower}max")
}

/// Builds the framing. An error points at the option that it is about, or at the kind.
fn finish(builder: &LengthBuilder, notation: &Notation<'_>) -> Result<Length, NotationError> {
    builder.build().map_err(|error| {
        let about = |name: &str| notation.options.iter().find(|option| option.name.text == name);
        let option = error.option().and_then(|name| match name {
            "prefix" => about("prefix").or_else(|| about("at")),
            "infix" => about("infix").or_else(|| about("gap")),
            "suffix" => about("suffix").or_else(|| about("tail")),
            "at" => about("at").or_else(|| about("prefix")),
            "gap" => about("gap").or_else(|| about("infix")),
            "tail" => about("tail").or_else(|| about("suffix")),
            "counts" => about("counts").or_else(|| about("adjust")),
            "max" => about("max").or_else(|| about("adjust")),
            name => about(name),
        });
        let token = match option {
            Some(option) if matches!(error, SpecError::NotTaken { .. }) => option.name,
            Some(option) => option.value.unwrap_or(option.name),
            None => notation.kind.value.unwrap_or(notation.kind.name),
        };
        token.error(error.to_string())
    })
}

/// Prints the normal form: the kind, then the options in their order, without defaults.
impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.field)?;
        show_part(f, ("at", self.at), ("prefix", self.prefix()))?;
        if self.mask != u64::MAX {
            let bytes = self.mask.to_be_bytes();
            let width = self.field.width().unwrap_or(bytes.len());
            write!(f, ",mask={}", Hex(bytes.get(bytes.len() - width..).unwrap_or(&bytes)))?;
        }
        show_part(f, ("gap", self.gap), ("infix", self.infix()))?;
        show_part(f, ("tail", self.tail), ("suffix", self.suffix()))?;
        match self.counts {
            Counts::Rest => {}
            Counts::Payload => f.write_str(",counts=payload")?,
            Counts::Itself => f.write_str(",counts=self")?,
            Counts::Frame => f.write_str(",counts=frame")?,
            Counts::Adjust(by) => write!(f, ",adjust={by:+}")?,
        }
        for (flag, set) in [("zero=empty", self.zero_is_empty), ("keep", self.keeps_header), ("lower", self.lower_case)]
        {
            if set {
                write!(f, ",{flag}")?;
            }
        }
        if self.max_payload != LengthBuilder::default_max(self.most_payload) {
            write!(f, ",max={}", ShowSize(self.max_payload))?;
        }
        Ok(())
    }
}

/// Leaves out a length that is the length of the fixed bytes.
fn show_part(f: &mut fmt::Formatter<'_>, len: (&str, usize), fixed: (&str, &[u8])) -> fmt::Result {
    if len.1 != fixed.1.len() {
        write!(f, ",{}={}", len.0, len.1)?;
    }
    if !fixed.1.is_empty() {
        write!(f, ",{}={}", fixed.0, Hex(fixed.1))?;
    }
    Ok(())
}
