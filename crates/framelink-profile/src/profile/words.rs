//! Framings and bytes in plain words.

use std::fmt;

use framelink_codec::notation::{Hex, ShowDuration};
use framelink_length::{Counts, Field, Length};
use framelink_unframed::{Kind, Unframed};

use crate::framing::Framing;

/// The boundaries of a framing's messages, for readers who do not know the notation.
pub(super) struct Words<'a>(pub(super) &'a Framing);

impl fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Framing::Length(length) => length_words(length, f),
            Framing::Unframed(unframed) => unframed_words(unframed, f),
        }
    }
}

fn length_words(length: &Length, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match length.field() {
        Field::Net(width) => write!(f, "begin with their length in {}, network order", Count(width, "byte")),
        Field::Le(width) => write!(f, "begin with their length in {}, least significant first", Count(width, "byte")),
        Field::Ascii(width) => write!(f, "begin with their length in {}", Count(width, "ASCII digit")),
        Field::Hex(width) => write!(f, "begin with their length in {}", Count(width, "hexadecimal ASCII digit")),
        Field::Ebcdic(width) => write!(f, "begin with their length in {}", Count(width, "EBCDIC digit")),
        Field::Bcd(width) => write!(f, "begin with their length in {} of packed BCD", Count(width, "byte")),
        Field::Decimal(separator) => write!(f, "begin with their length in ASCII digits up to {separator:#04x}"),
        Field::Varint => f.write_str("begin with their length as a varint"),
        field => write!(f, "begin with their length ({})", field.name()),
    }?;
    match length.counts() {
        Counts::Rest => Ok(()),
        Counts::Payload => f.write_str(", which counts the payload alone"),
        Counts::Itself => f.write_str(", which counts itself too"),
        Counts::Frame => f.write_str(", which counts the whole frame"),
        Counts::Adjust(by) => write!(f, ", and {by:+} bytes"),
        _ => Ok(()),
    }?;
    if length.keeps_header() { f.write_str("; headers are kept") } else { Ok(()) }
}

fn unframed_words(unframed: &Unframed, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match unframed.kind() {
        Kind::UntilClose => f.write_str("end when their sender closes its side"),
        Kind::Quiet(silence) => write!(f, "end after {} without bytes", ShowDuration(silence)),
        Kind::EachRead => f.write_str("are the bytes of one read"),
        Kind::Fixed(len) => write!(f, "have {len} bytes each"),
        Kind::Line { lf: false } => f.write_str("are lines, ended with CR LF"),
        Kind::Line { lf: true } => f.write_str("are lines, ended with LF"),
        Kind::Delim(end) => write!(f, "end with {}", Spaced(end.as_ref())),
        Kind::Between { start, end } => {
            write!(f, "start with {} and end with {}", Spaced(start.as_ref()), Spaced(end.as_ref()))
        }
        kind => write!(f, "({kind})"),
    }
}

struct Count(u8, &'static str);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{}", self.0, self.1, if self.0 == 1 { "" } else { "s" })
    }
}

/// Bytes in hex with spaces between them. Shows only the first of many.
pub(super) struct Spaced<'a>(pub(super) &'a [u8]);

impl fmt::Display for Spaced<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 16;
        for (i, byte) in self.0.iter().take(SHOWN).enumerate() {
            write!(f, "{}{}", if i == 0 { "" } else { " " }, Hex(&[*byte]))?;
        }
        if self.0.len() > SHOWN { write!(f, " … ({} bytes)", self.0.len()) } else { Ok(()) }
    }
}
