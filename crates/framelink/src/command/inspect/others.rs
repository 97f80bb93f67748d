//! Finds other framings that split a whole input into messages, if the given framing does not.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use framelink_transport::{Fault, FrameReader, Framing, ReadError, presets};

/// How many bytes of a file are tried, so that the time is bounded.
pub(super) const MOST_OF_FILE: u64 = 64 * 1024 * 1024;
/// How many bytes are kept of an input that cannot be read again.
pub(super) const MOST_OF_STREAM: usize = 1024 * 1024;
/// How many framings are named.
const MOST_NAMED: usize = 4;
/// With fewer bits of evidence per message, a match may be chance.
const LEAST_BITS: usize = 4;
/// If only the start of the input is tried, a match with fewer messages may be chance.
const LEAST_MESSAGES: u64 = 16;
/// More empty messages than this at the start are not messages.
const MOST_EMPTY: u64 = 1000;

const FIELDS: [&str; 31] = [
    "net:1",
    "net:2",
    "net:3",
    "net:4",
    "net:8",
    "le:2",
    "le:3",
    "le:4",
    "le:8",
    "ascii:2",
    "ascii:3",
    "ascii:4",
    "ascii:5",
    "ascii:6",
    "ascii:8",
    "ebcdic:2",
    "ebcdic:3",
    "ebcdic:4",
    "ebcdic:5",
    "ebcdic:6",
    "hex:2",
    "hex:4",
    "hex:8",
    "bcd:1",
    "bcd:2",
    "bcd:3",
    "bcd:4",
    "varint",
    "decimal:20",
    "decimal:3a",
    "decimal:0a",
];
const COUNTS: [&str; 4] = ["", ",counts=self", ",counts=frame", ",counts=payload"];
const UNFRAMED: [&str; 4] = ["line", "between:02..03", "delim:03", "delim:00"];

/// The bytes to try.
pub(super) enum Source<'a> {
    /// A file that can be opened again, from this offset on.
    File(&'a Path, u64),
    /// The bytes kept of a stream, and whether they are the whole stream.
    Bytes(&'a [u8], bool),
}

/// A framing that splits the input into messages.
pub(super) struct Other {
    pub(super) notation: String,
    pub(super) messages: u64,
    /// How many bits of lengths are evidence for the framing; 0 if the match may be chance.
    evidence: u64,
}

/// Returns the framings that split the input, the likeliest first, and whether the whole input was tried.
pub(super) fn that_cut(source: &Source<'_>, asked: Framing) -> (Vec<Other>, bool) {
    let is_all = match source {
        Source::File(path, skip) => {
            std::fs::metadata(path).is_ok_and(|metadata| metadata.len().saturating_sub(*skip) <= MOST_OF_FILE)
        }
        Source::Bytes(_, is_all) => *is_all,
    };
    let mut others: Vec<_> = candidates(asked)
        .into_iter()
        .filter_map(|(notation, framing)| {
            let (messages, evidence) = cut(source.open().ok()?, framing, is_all)?;
            Some(Other { notation, messages, evidence })
        })
        .collect();
    // A match that may be chance is named only if there is no better one.
    if others.iter().any(|other| other.evidence > 0) || !is_all {
        others.retain(|other| other.evidence > 0);
    }
    others.sort_by_key(|other| std::cmp::Reverse(other.evidence));
    others.truncate(MOST_NAMED);
    (others, is_all)
}

impl Source<'_> {
    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(match self {
            Self::File(path, skip) => {
                let mut file = File::open(path)?;
                file.seek(SeekFrom::Start(*skip))?;
                Box::new(file.take(MOST_OF_FILE))
            }
            Self::Bytes(bytes, _) => Box::new(*bytes),
        })
    }
}

/// Returns every framing to try, with the notation that names it: the given options with other length fields, the
/// fields alone, and the presets.
fn candidates(asked: Framing) -> Vec<(String, Framing)> {
    let asked_text = asked.to_string();
    let of_counting = ["counts=", "adjust=", "keep", "lower", "mask="];
    let options: String = asked_text
        .split(',')
        .skip(1)
        .filter(|option| !of_counting.iter().any(|name| option.starts_with(name)))
        .map(|option| format!(",{option}"))
        .collect();
    let options = if matches!(asked, Framing::Length(_)) { options } else { String::new() };
    let mut texts: Vec<(String, String)> = Vec::new();
    for options in [&*options, ""] {
        let has = |names: &[&str]| names.iter().any(|name| options.contains(name));
        // Without bytes before the field, or beside the payload, some ways to count are equal.
        let differs = |counts: &str| match counts {
            ",counts=frame" => has(&[",at=", ",prefix="]),
            ",counts=payload" => has(&[",gap=", ",infix=", ",tail=", ",suffix="]),
            _ => true,
        };
        for counts in COUNTS.into_iter().filter(|counts| differs(counts)) {
            texts.extend(
                FIELDS.iter().map(|field| format!("{field}{options}{counts}")).map(|text| (text.clone(), text)),
            );
        }
    }
    texts.extend(presets().map(|preset| (preset.name.to_owned(), preset.notation.replace(",keep", ""))));
    texts.extend(UNFRAMED.iter().map(|text| ((*text).to_owned(), (*text).to_owned())));
    // `keep` does not change where a message ends.
    let without_keep = asked_text.replace(",keep", "");
    let mut seen: HashSet<Framing> = without_keep.parse().into_iter().collect();
    let parsed = texts.into_iter().filter_map(|(name, text)| Some((name, text.parse::<Framing>().ok()?)));
    parsed.filter(|(_, framing)| seen.insert(*framing)).collect()
}

/// Returns how many messages the input has, and how many bits of lengths and delimiters are evidence for that. Returns
/// `None` if bytes are left over, if all messages are empty, or if any text could end with the delimiter by chance.
fn cut(input: impl Read, framing: Framing, is_all: bool) -> Option<(u64, u64)> {
    let is_text_only = matches!(framing, Framing::Unframed(_));
    let free = if let Framing::Length(length) = framing { length.free_bytes().iter().sum() } else { 0 };
    let (mut messages, mut filled, mut fixed, mut longest) = (0_u64, 0_u64, 0_usize, 0_usize);
    let mut reader = FrameReader::new(input, framing);
    let is_cut = loop {
        match reader.read() {
            Ok(Some(frame)) => {
                messages += 1;
                if !frame.payload.is_empty() {
                    filled += 1;
                    fixed = (frame.wire.len() - frame.payload.len()).saturating_sub(free);
                    longest = longest.max(frame.payload.len());
                }
                if (is_text_only && !is_text(frame.payload)) || (filled == 0 && messages > MOST_EMPTY) {
                    break false;
                }
            }
            Ok(None) => break true,
            // The message continues after the part of the input that is tried.
            Err(ReadError::Fault(Fault::Truncated { .. })) => break !is_all && filled >= LEAST_MESSAGES,
            Err(_) => break false,
        }
    };
    // Bits of lengths up to the longest payload are no evidence. Most texts contain a delimiter.
    let bits =
        if is_text_only { 1 } else { (fixed * 8).saturating_sub(longest.checked_ilog2().unwrap_or(0) as usize + 1) };
    (is_cut && filled > 0).then_some((messages, if bits < LEAST_BITS { 0 } else { bits as u64 * filled }))
}

fn is_text(payload: &[u8]) -> bool {
    payload.iter().all(|&byte| matches!(byte, b'\t' | b'\n' | b'\r' | 0x1c | b' '..=0x7e | 0x80..))
}
