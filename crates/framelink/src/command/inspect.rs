//! `framelink inspect`: cuts the bytes of a file into messages.

use std::cell::RefCell;
use std::fmt::Display;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::rc::Rc;

use framelink_transport::{DecodeError, Ends, Fault, FrameReader, Framing, ReadError};
use serde::Serialize;

use crate::arguments::Inspect;
use crate::bytes_text::{Dump, to_hex};
use crate::failure::Failure;
use crate::output::{Count, Output};

pub(crate) fn run(inspect: &Inspect) -> Result<(), Failure> {
    refuse_what_files_do_not_show(inspect.framing)?;
    let name = inspect.file.display();
    let mut file = open(&inspect.file).map_err(|error| Failure::usage(format!("{name}: {error}")))?;
    let skipped = io::copy(&mut (&mut file).take(inspect.skip), &mut io::sink())
        .map_err(|error| Failure::fault(format!("{name}: {error}")))?;
    if skipped < inspect.skip {
        return Err(Failure::fault(format!("{name} has {skipped} bytes, fewer than the {} to skip", inspect.skip)));
    }

    let output = Rc::new(RefCell::new(Output::new()));
    let input = ShowBeforeRead { input: file, output: Rc::clone(&output) };
    let mut listing = Listing { output, json: inspect.json, skipped, messages: 0 };
    let mut reader = FrameReader::new(input, inspect.framing);
    let fault = loop {
        match reader.read() {
            Ok(Some(frame)) => listing.message(frame.offset, frame.wire, frame.payload)?,
            Ok(None) => return listing.finish(reader.offset()),
            Err(ReadError::Fault(fault)) => break fault,
            Err(error) => {
                listing.flush()?;
                // The name says what was being read.
                let error = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
                return Err(Failure::fault(format!("{name}: {error}")));
            }
        }
    };
    let (end, rest) = (reader.offset(), reader.rest().len() as u64);
    listing.fault(end, &fault)?;
    let mut tail = CountingSink(rest);
    let counted = io::copy(reader.get_mut(), &mut tail);
    listing.tail(end, tail.0, &fault)?;
    match counted {
        Ok(_) => Err(Failure::Reported),
        Err(error) => Err(Failure::fault(format!("{name}: {error}"))),
    }
}

/// Shows what was cut before it waits for more: someone may be typing, or watching a live connection.
struct ShowBeforeRead<R> {
    input: R,
    output: Rc<RefCell<Output>>,
}

impl<R: Read> Read for ShowBeforeRead<R> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        // An output that fails keeps what it holds, and fails again when the next line is written.
        let _ = self.output.borrow_mut().flush();
        self.input.read(space)
    }
}

/// Counts what is written to it.
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

/// A file shows neither when bytes came nor what one read brought.
fn refuse_what_files_do_not_show(framing: Framing) -> Result<(), Failure> {
    use framelink_transport::Decode;
    match framing.ends() {
        Ends::Quiet(_) => Err(Failure::usage(format!(
            "--framing {framing}: its messages end when nothing comes for a while, which a file does not show"
        ))),
        Ends::Read(_) => Err(Failure::usage(format!(
            "--framing {framing}: its messages are what one read brought, which a file does not show"
        ))),
        _ => Ok(()),
    }
}

const fn bytes(count: usize) -> Count {
    Count(count as u64, "byte")
}

fn open(path: &Path) -> io::Result<Box<dyn Read>> {
    if path == Path::new("-") { Ok(Box::new(io::stdin().lock())) } else { Ok(Box::new(File::open(path)?)) }
}

/// What is printed.
struct Listing {
    output: Rc<RefCell<Output>>,
    json: bool,
    skipped: u64,
    messages: u64,
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
}

impl Listing {
    fn message(&mut self, offset: usize, wire: &[u8], payload: &[u8]) -> Result<(), Failure> {
        self.messages += 1;
        let (frame_len, payload_len) = (wire.len(), payload.len());
        let offset = self.skipped + offset as u64;
        if self.json {
            return self.json_line(&MessageLine { offset, frame_len, payload_len, payload: to_hex(payload) });
        }
        self.line(format_args!("offset {offset}  frame {}  payload {}", bytes(frame_len), bytes(payload_len)))?;
        if payload.is_empty() { Ok(()) } else { self.line(Dump(payload)) }
    }

    /// The end of an input that is all messages.
    fn finish(self, end: usize) -> Result<(), Failure> {
        if !self.json {
            self.line(format_args!("{} in {}, nothing left over", self.count(), bytes(end)))?;
        }
        self.flush()
    }

    /// What is wrong, at once: counting what is left over may take long. An object says both.
    fn fault(&self, end: usize, fault: &Fault<DecodeError>) -> Result<(), Failure> {
        if !self.json {
            self.line(format_args!("offset {}  {fault}", self.skipped + end as u64))?;
        }
        self.flush()
    }

    fn tail(&self, end: usize, tail: u64, fault: &Fault<DecodeError>) -> Result<(), Failure> {
        if self.json {
            self.json_line(&TailLine { tail, error: fault.to_string() })?;
        } else {
            self.line(format_args!("{} in {}, {} left over", self.count(), bytes(end), Count(tail, "byte")))?;
        }
        self.flush()
    }

    const fn count(&self) -> Count {
        Count(self.messages, "message")
    }

    fn json_line(&self, line: &impl Serialize) -> Result<(), Failure> {
        self.line(serde_json::to_string(line).map_err(Failure::fault)?)
    }

    fn line(&self, line: impl Display) -> Result<(), Failure> {
        self.output.borrow_mut().line(line)
    }

    fn flush(&self) -> Result<(), Failure> {
        self.output.borrow_mut().flush()
    }
}
