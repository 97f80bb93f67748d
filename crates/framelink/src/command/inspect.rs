//! `framelink inspect`: splits the bytes of a file into messages.

mod others;

use std::cell::RefCell;
use std::fmt::Display;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::rc::Rc;

use framelink_transport::{DecodeError, Ends, Fault, FrameReader, Framing, ReadError};
use serde::Serialize;

use crate::arguments::Inspect;
use crate::failure::Failure;
use crate::output::bytes_text::{Dump, Json, Line, to_hex};
use crate::output::{Count, Output};
use others::{MOST_OF_STREAM, Other, Source, that_cut};

pub(crate) fn run(inspect: &Inspect) -> Result<(), Failure> {
    refuse_what_files_do_not_show(inspect.framing)?;
    let name = Line(inspect.file.as_os_str().as_encoded_bytes());
    let mut file = open(&inspect.file).map_err(|error| Failure::usage(format!("{name}: {error}")))?;
    let skipped = io::copy(&mut (&mut file).take(inspect.skip), &mut io::sink())
        .map_err(|error| Failure::fault(format!("{name}: {error}")))?;
    if skipped < inspect.skip {
        return Err(Failure::fault(format!("{name} has {skipped} bytes, fewer than the {} to skip", inspect.skip)));
    }

    let output = Rc::new(RefCell::new(Output::new()));
    let is_file = inspect.file.is_file();
    let input = ShowBeforeRead { input: file, output: Rc::clone(&output), keeps: !is_file, kept: Vec::new(), len: 0 };
    let mut listing = Listing { output, json: inspect.json, skipped, messages: 0, empty: 0 };
    let mut reader = FrameReader::new(input, inspect.framing);
    let fault = loop {
        match reader.read() {
            Ok(Some(frame)) => listing.message(frame.offset, frame.wire, frame.payload)?,
            Ok(None) => {
                listing.finish(reader.offset())?;
                return listing.doubts(inspect, reader.get_mut());
            }
            Err(ReadError::Fault(fault)) => break fault,
            Err(error) => {
                listing.flush()?;
                // The name of the file is in the text already.
                let error = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
                return Err(Failure::fault(format!("{name}: {error}")));
            }
        }
    };
    let (end, rest) = (reader.offset(), reader.rest().len() as u64);
    listing.fault(end, &fault)?;
    let mut tail = CountingSink(rest);
    let counted = io::copy(reader.get_mut(), &mut tail);
    let (others, is_all) = that_cut(&reader.get_mut().source(inspect), inspect.framing);
    listing.tail(end, tail.0, &fault, &others)?;
    let heading = if is_all {
        "other framings split the whole input into messages:"
    } else {
        "other framings split the start of the input, the part that was tried, into messages:"
    };
    listing.others(inspect, &others, heading)?;
    match counted {
        Ok(_) => Err(Failure::Reported),
        Err(error) => Err(Failure::fault(format!("{name}: {error}"))),
    }
}

/// Prints the messages found so far before each read, because the input may be typed or come from a live connection.
struct ShowBeforeRead<R> {
    input: R,
    output: Rc<RefCell<Output>>,
    /// Whether the first bytes are kept, because the input cannot be read again.
    keeps: bool,
    kept: Vec<u8>,
    len: u64,
}

impl<R> ShowBeforeRead<R> {
    /// Returns the input for other framings, after all of it was read.
    fn source<'a>(&'a self, inspect: &'a Inspect) -> Source<'a> {
        match self.keeps {
            false => Source::File(&inspect.file, inspect.skip),
            true => Source::Bytes(&self.kept, self.kept.len() as u64 == self.len),
        }
    }
}

impl<R: Read> Read for ShowBeforeRead<R> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        // An output that fails keeps its bytes, and fails again at the next line.
        let _ = self.output.borrow_mut().flush();
        let count = self.input.read(space)?;
        if self.keeps {
            let room = MOST_OF_STREAM - self.kept.len();
            self.kept.extend(space.get(..count.min(room)).unwrap_or_default());
        }
        self.len += count as u64;
        Ok(count)
    }
}

/// Counts the bytes written to it.
struct CountingSink(u64);

impl io::Write for CountingSink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Refuses framings that need times or reads of a socket: a file has neither.
fn refuse_what_files_do_not_show(framing: Framing) -> Result<(), Failure> {
    use framelink_transport::Decode;
    match framing.ends() {
        Ends::Quiet(_) => Err(Failure::usage(format!(
            "--framing {framing}: its messages end when no bytes arrive for a while, which a file does not show"
        ))),
        Ends::Read(_) => Err(Failure::usage(format!(
            "--framing {framing}: each message is what one read of a socket returned, which a file does not show"
        ))),
        _ => Ok(()),
    }
}

const fn bytes(count: usize) -> Count {
    Count(count as u64, "byte")
}

fn open(path: &Path) -> io::Result<Box<dyn Read>> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdin().lock()));
    }
    let file = File::open(path)?;
    // Opening a directory succeeds, and only reading it fails.
    if file.metadata()?.is_dir() { Err(io::ErrorKind::IsADirectory.into()) } else { Ok(Box::new(file)) }
}

/// Quotes a word for a shell.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,+@%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Prints the messages.
struct Listing {
    output: Rc<RefCell<Output>>,
    json: bool,
    skipped: u64,
    messages: u64,
    /// How many of the messages have no payload.
    empty: u64,
}

#[derive(Serialize)]
struct MessageLine {
    offset: u64,
    frame_len: usize,
    payload_len: usize,
    payload: String,
}

#[derive(Serialize)]
struct TailLine {
    tail: u64,
    error: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    others: Vec<OtherLine>,
}

#[derive(Serialize)]
struct OtherLine {
    framing: String,
    messages: u64,
}

impl Listing {
    fn message(&mut self, offset: usize, wire: &[u8], payload: &[u8]) -> Result<(), Failure> {
        self.messages += 1;
        self.empty += u64::from(payload.is_empty());
        let (frame_len, payload_len) = (wire.len(), payload.len());
        let offset = self.skipped + offset as u64;
        if self.json {
            return self.json_line(&MessageLine { offset, frame_len, payload_len, payload: to_hex(payload) });
        }
        self.line(format_args!("offset {offset}  frame {}  payload {}", bytes(frame_len), bytes(payload_len)))?;
        if payload.is_empty() { Ok(()) } else { self.line(Dump(payload)) }
    }

    /// Prints the end of an input that has only whole messages.
    fn finish(&self, end: usize) -> Result<(), Failure> {
        if !self.json {
            self.line(format_args!("{} in {}, nothing left over", self.count(), bytes(end)))?;
        }
        self.flush()
    }

    /// Names framings that split the input without the empty messages, if there are many: a length of four bytes that
    /// is read as two makes an empty message before each message.
    fn doubts<R>(&self, inspect: &Inspect, read: &ShowBeforeRead<R>) -> Result<(), Failure> {
        let filled = self.messages - self.empty;
        if self.json || filled < 2 || self.empty < filled {
            return Ok(());
        }
        let (mut others, is_all) = that_cut(&read.source(inspect), inspect.framing);
        others.retain(|other| is_all && other.messages == filled);
        self.others(
            inspect,
            &others,
            "many messages are empty; other framings split the whole input without empty messages:",
        )
    }

    /// Prints the error at once, because counting the bytes left over may take long. JSON has both in one object.
    fn fault(&self, end: usize, fault: &Fault<DecodeError>) -> Result<(), Failure> {
        if !self.json {
            self.line(format_args!("offset {}  {fault}", self.skipped + end as u64))?;
        }
        self.flush()
    }

    fn tail(&self, end: usize, tail: u64, fault: &Fault<DecodeError>, others: &[Other]) -> Result<(), Failure> {
        if self.json {
            let line = |other: &Other| OtherLine { framing: other.notation.clone(), messages: other.messages };
            self.json_line(&TailLine { tail, error: fault.to_string(), others: others.iter().map(line).collect() })?;
        } else {
            self.line(format_args!("{} in {}, {} left over", self.count(), bytes(end), Count(tail, "byte")))?;
        }
        self.flush()
    }

    /// Prints the commands that show the whole input as messages.
    fn others(&self, inspect: &Inspect, others: &[Other], heading: &str) -> Result<(), Failure> {
        if self.json || others.is_empty() {
            return Ok(());
        }
        self.line(heading)?;
        let file = quoted(&Line(inspect.file.as_os_str().as_encoded_bytes()).to_string());
        let skip = if inspect.skip > 0 { format!(" --skip {}", inspect.skip) } else { String::new() };
        for other in others {
            let framing = &other.notation;
            let messages = Count(other.messages, "message");
            self.line(format_args!("  framelink inspect --framing {framing}{skip} {file}  ({messages})"))?;
        }
        self.flush()
    }

    const fn count(&self) -> Count {
        Count(self.messages, "message")
    }

    fn json_line(&self, line: &impl Serialize) -> Result<(), Failure> {
        self.line(Json(&serde_json::to_string(line).map_err(Failure::fault)?))
    }

    fn line(&self, line: impl Display) -> Result<(), Failure> {
        self.output.borrow_mut().line(line)
    }

    fn flush(&self) -> Result<(), Failure> {
        self.output.borrow_mut().flush()
    }
}
