//! `framelink inspect`: cuts the bytes of a file into messages.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

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

    let is_live = inspect.file == Path::new("-");
    let mut listing = Listing { output: Output::new(), json: inspect.json, skipped, messages: 0 };
    let mut reader = FrameReader::new(file, inspect.framing);
    let fault = loop {
        match reader.read() {
            Ok(Some(frame)) => listing.message(frame.offset, frame.wire, frame.payload)?,
            Ok(None) => break None,
            Err(ReadError::Fault(fault)) => break Some(fault),
            Err(error) => {
                listing.output.flush()?;
                // The name says what was being read.
                let error = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
                return Err(Failure::fault(format!("{name}: {error}")));
            }
        }
        // Someone may be typing, or watching a live connection: nothing that came whole waits for more to come.
        if is_live && reader.rest().is_empty() {
            listing.output.flush()?;
        }
    };
    let end = reader.offset();
    let rest = reader.rest().len() as u64;
    match fault {
        None => listing.finish(end),
        Some(fault) => {
            listing.output.flush()?;
            let unread = io::copy(reader.get_mut(), &mut io::sink())
                .map_err(|error| Failure::fault(format!("{name}: {error}")))?;
            listing.fault(end, rest + unread, &fault)
        }
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
    output: Output,
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
        self.output.line(format_args!(
            "offset {offset}  frame {}  payload {}",
            bytes(frame_len),
            bytes(payload_len)
        ))?;
        if payload.is_empty() { Ok(()) } else { self.output.line(Dump(payload)) }
    }

    fn finish(mut self, end: usize) -> Result<(), Failure> {
        if !self.json {
            self.output.line(format_args!("{} in {}, nothing left over", self.count(), bytes(end)))?;
        }
        self.output.flush()
    }

    fn fault(mut self, end: usize, tail: u64, fault: &Fault<DecodeError>) -> Result<(), Failure> {
        if self.json {
            self.json_line(&TailLine { tail, error: fault.to_string() })?;
        } else {
            let offset = self.skipped + end as u64;
            self.output.line(format_args!("offset {offset}  tail {}  {fault}", Count(tail, "byte")))?;
            self.output.line(format_args!("{} in {}, {tail} left over", self.count(), bytes(end)))?;
        }
        self.output.flush()?;
        Err(Failure::Reported)
    }

    const fn count(&self) -> Count {
        Count(self.messages, "message")
    }

    fn json_line(&mut self, line: &impl Serialize) -> Result<(), Failure> {
        let json = serde_json::to_string(line).map_err(Failure::fault)?;
        self.output.line(json)
    }
}
