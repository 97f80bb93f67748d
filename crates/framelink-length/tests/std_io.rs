//! Frames over `std::io`: reads and writes of every size, interruptions, `WouldBlock`, and the end.

use std::error::Error;
use std::io::{self, IoSlice, Read, Write};

use framelink_codec::notation::Bytes;
use framelink_codec::{FrameReader, FrameWriter, ReadError, WriteError, read_message, write_message};
use framelink_length::{EndedBy, Fault, Length};

fn length(notation: &str) -> Length {
    notation.parse().unwrap_or_else(|error| panic!("{notation}: {error}"))
}

/// The result of one call of a reader.
#[derive(Clone, Copy, Debug)]
enum Step {
    Bytes(&'static [u8]),
    Fails(io::ErrorKind),
}

/// A reader that follows its steps, then ends.
struct Script {
    steps: Vec<Step>,
    done: usize,
}

impl Script {
    fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self { steps: steps.into_iter().collect(), done: 0 }
    }

    /// One byte in each read, with a failure before each byte and at the end.
    fn failed_flag(stream: &'static [u8], failure: io::ErrorKind) -> Self {
        let each = stream.chunks(1).flat_map(|byte| [Step::Fails(failure), Step::Bytes(byte)]);
        Self::new(each.chain([Step::Fails(failure)]))
    }
}

impl Read for Script {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        assert!(!into.is_empty(), "a read without room would look like the end");
        let Some(step) = self.steps.get_mut(self.done) else { return Ok(0) };
        match *step {
            Step::Fails(kind) => {
                self.done += 1;
                Err(kind.into())
            }
            Step::Bytes(bytes) => {
                let count = bytes.len().min(into.len());
                into[..count].copy_from_slice(&bytes[..count]);
                *step = Step::Bytes(&bytes[count..]);
                self.done += usize::from(count == bytes.len());
                Ok(count)
            }
        }
    }
}

const STREAM: &[u8] = b"0005hello0000000512345";
const MESSAGES: [&[u8]; 3] = [b"hello", b"", b"12345"];

#[test]
fn frames_are_read_one_byte_at_a_time() {
    let mut reader = FrameReader::new(Script::new(STREAM.chunks(1).map(Step::Bytes)), length("ascii:4"));
    let mut offset = 0;
    for message in MESSAGES {
        let frame = reader.read().unwrap().unwrap();
        assert_eq!((frame.payload, frame.offset, frame.ended_by), (message, offset, EndedBy::Count));
        assert_eq!(frame.wire, &STREAM[offset..offset + 4 + message.len()]);
        offset += frame.wire.len();
        assert_eq!((reader.offset(), reader.rest()), (offset, &b""[..]));
    }
    assert!(reader.read().unwrap().is_none());
    assert!(reader.read().unwrap().is_none(), "the end stays");
}

#[test]
fn an_interrupted_read_is_tried_again() {
    let mut reader = FrameReader::new(Script::failed_flag(STREAM, io::ErrorKind::Interrupted), length("ascii:4"));
    for message in MESSAGES {
        assert_eq!(reader.read().unwrap().unwrap().payload, message);
    }
    assert!(reader.read().unwrap().is_none());

    let mut reader = Script::failed_flag(STREAM, io::ErrorKind::Interrupted);
    for message in MESSAGES {
        assert_eq!(read_message(&mut reader, &length("ascii:4")).unwrap().unwrap(), message);
    }
    assert!(read_message(&mut reader, &length("ascii:4")).unwrap().is_none());
}

#[test]
fn a_read_that_would_block_or_timed_out_loses_no_byte() {
    for kind in [io::ErrorKind::WouldBlock, io::ErrorKind::TimedOut, io::ErrorKind::ConnectionReset] {
        let mut reader = FrameReader::new(Script::failed_flag(STREAM, kind), length("ascii:4"));
        let (mut messages, mut failures) = (Vec::new(), 0);
        loop {
            match reader.read() {
                Ok(Some(frame)) => messages.push(frame.payload.to_vec()),
                Ok(None) => break,
                Err(ReadError::Io(error)) => {
                    assert_eq!(error.kind(), kind);
                    failures += 1;
                }
                Err(error) => panic!("{kind}: {error}"),
            }
        }
        assert_eq!(messages, MESSAGES, "{kind}");
        assert_eq!(failures, STREAM.len() + 1, "{kind}: each is passed on");
    }
}

#[test]
fn waiting_bytes_are_visible_while_a_read_would_block() {
    let steps = [Step::Bytes(b"0005hel"), Step::Fails(io::ErrorKind::WouldBlock), Step::Bytes(b"lo0004")];
    let mut reader = FrameReader::new(Script::new(steps), length("ascii:4"));
    assert!(matches!(reader.read(), Err(ReadError::Io(_))));
    assert_eq!((reader.offset(), reader.rest()), (0, &b"0005hel"[..]));
    assert_eq!(reader.read().unwrap().unwrap().payload, b"hello");
    assert_eq!((reader.offset(), reader.rest()), (9, &b"0004"[..]));
}

#[test]
fn many_frames_are_read_at_once() {
    let mut reader = FrameReader::new(Script::new([Step::Bytes(STREAM)]), length("ascii:4"));
    let mut rest = STREAM.len();
    for message in MESSAGES {
        assert_eq!(reader.read().unwrap().unwrap().payload, message);
        rest -= 4 + message.len();
        assert_eq!((reader.offset(), reader.rest()), (STREAM.len() - rest, &STREAM[STREAM.len() - rest..]));
        assert_eq!(reader.get_ref().done, 1, "no other read is needed");
    }
}

#[test]
fn a_frame_longer_than_any_buffer_is_read_whole() {
    let payload: Vec<u8> = (0..=250).cycle().take(700_000).collect();
    let wire = [&700_000_u32.to_be_bytes()[..], &payload].concat();
    let stream = [&wire[..], &wire].concat();
    let mut reader = FrameReader::new(&stream[..], length("net:4"));
    for _ in 0..2 {
        assert!(reader.read().unwrap().unwrap().payload == payload);
    }
    assert!(reader.read().unwrap().is_none());
    assert!(read_message(&mut &stream[..], &length("net:4")).unwrap().unwrap() == payload);
}

#[test]
fn an_end_between_frames_is_clean() {
    for stream in [&b""[..], b"0000", b"0005hello"] {
        let mut reader = FrameReader::new(stream, length("ascii:4"));
        while reader.read().unwrap().is_some() {}
        assert_eq!((reader.offset(), reader.rest()), (stream.len(), &b""[..]));
    }
    assert!(read_message(&mut &b""[..], &length("ascii:4")).unwrap().is_none());
}

#[test]
fn an_end_inside_a_frame_has_the_received_and_the_missing_bytes() {
    for (stream, came, missing) in
        [(&b"0005hello00"[..], 2, 2), (b"0005hello0", 1, 3), (b"0005hello0005", 4, 5), (b"0005hello0005worl", 8, 1)]
    {
        let mut reader = FrameReader::new(stream, length("ascii:4"));
        assert_eq!(reader.read().unwrap().unwrap().payload, b"hello", "what came whole is delivered first");
        for _ in 0..2 {
            let error = reader.read().unwrap_err();
            let ReadError::Fault(Fault::Truncated { came: said, missing: owed, guess: None }) = error else {
                panic!("{error}")
            };
            assert_eq!((said, owed), (came, missing), "{stream:?}");
            let text = format!("stream ended inside a frame: {} came, at least {missing} more were owed", Bytes(came));
            assert_eq!(error.to_string(), text);
        }
        assert_eq!((reader.offset(), reader.rest()), (9, &stream[9..]));

        let mut stream = &stream[9..];
        let error = read_message(&mut stream, &length("ascii:4")).unwrap_err();
        let text = format!("stream ended inside a frame: {} came, at least {missing} more were owed", Bytes(came));
        assert_eq!(error.to_string(), text);
    }
}

#[test]
fn the_first_wrong_header_ends_reading_and_stays_in_the_buffer() {
    let mut reader = FrameReader::new(&b"0002hi00x5hello0002hi"[..], length("ascii:4"));
    assert_eq!(reader.read().unwrap().unwrap().payload, b"hi");
    for _ in 0..3 {
        let error = reader.read().unwrap_err();
        assert!(matches!(error, ReadError::Fault(Fault::Wrong { .. })));
        assert_eq!(error.to_string(), "header byte 2 is 0x78, expected an ASCII digit");
        assert!(error.source().is_none());
    }
    assert_eq!((reader.offset(), reader.rest()), (6, &b"00x5hello0002hi"[..]));
}

#[test]
fn an_error_of_the_reader_is_its_source() {
    let mut reader = FrameReader::new(Script::new([Step::Fails(io::ErrorKind::ConnectionReset)]), length("net:2"));
    let error = reader.read().unwrap_err();
    assert_eq!(error.to_string(), "reading a message failed");
    let source = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    assert_eq!(source.map(io::Error::kind), Some(io::ErrorKind::ConnectionReset));
}

#[test]
fn read_message_reads_no_byte_after_its_message() {
    for (notation, wire, message) in [
        ("ascii:4", &b"0005hello"[..], &b"hello"[..]),
        ("net:2,at=2,infix=6001,tail=3", b"\0\0\0\x0a\x60\x01hello\0\0\0", b"hello"),
        ("decimal:3a,suffix=2c,counts=payload", b"12:hello world!,", b"hello world!"),
        ("varint", b"\x05hello", b"hello"),
        ("net:2,counts=self,zero=empty", b"\0\0", b""),
        ("net:2,keep", b"\0\x05hello", b"\0\x05hello"),
    ] {
        let stream = [wire, b"and more"].concat();
        let mut rest = &stream[..];
        assert_eq!(read_message(&mut rest, &length(notation)).unwrap().unwrap(), message, "{notation}");
        assert_eq!(rest, b"and more", "{notation}");
    }
}

#[test]
fn the_inner_reader_can_be_used_and_taken_back() {
    let mut reader = FrameReader::new(&b"0002hi"[..], length("ascii:4"));
    assert_eq!(reader.get_ref().len(), 6);
    assert_eq!(reader.read().unwrap().unwrap().payload, b"hi");
    *reader.get_mut() = b"0003and";
    assert_eq!(reader.read().unwrap().unwrap().payload, b"and");
    assert_eq!(reader.into_inner(), b"");
}

/// The result of one call of a writer.
#[derive(Clone, Copy, Debug)]
enum Take {
    /// Takes at most this many bytes.
    Bytes(usize),
    Fails(io::ErrorKind),
}

/// A writer that repeats its steps and counts its calls.
struct Sink {
    taken: Vec<u8>,
    calls: usize,
    steps: Vec<Take>,
    vectored: bool,
}

impl Sink {
    fn new(steps: &[Take], vectored: bool) -> Self {
        Self { taken: Vec::new(), calls: 0, steps: steps.to_vec(), vectored }
    }
}

impl Write for Sink {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(from)])
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let step = self.steps[self.calls % self.steps.len()];
        self.calls += 1;
        let most = match step {
            Take::Bytes(most) => most,
            Take::Fails(kind) => return Err(kind.into()),
        };
        let mut offered: Vec<u8> = if self.vectored {
            slices.iter().flat_map(|slice| slice.iter().copied()).collect()
        } else {
            // Like the default of the standard library: the first slice that is not empty.
            slices.iter().find(|slice| !slice.is_empty()).map(|slice| slice.to_vec()).unwrap_or_default()
        };
        offered.truncate(most);
        self.taken.extend(&offered);
        Ok(offered.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Err(io::Error::other("flushed"))
    }
}

/// Has a head, a payload and a suffix, and empty parts.
const AROUND: &str = "net:2,prefix=0300,suffix=03,counts=payload";
const AROUND_WIRE: &[u8] = b"\x03\0\0\x05hello\x03\x03\0\0\0\x03\x03\0\0\x01!\x03";
const AROUND_MESSAGES: [&[u8]; 3] = [b"hello", b"", b"!"];

#[test]
fn a_frame_is_one_write_if_the_writer_takes_all_of_it() {
    let mut writer = FrameWriter::new(Sink::new(&[Take::Bytes(usize::MAX)], true), length(AROUND));
    for message in AROUND_MESSAGES {
        writer.write(message).unwrap();
    }
    assert_eq!((&writer.get_ref().taken[..], writer.get_ref().calls), (AROUND_WIRE, 3));
}

#[test]
fn short_writes_go_on_where_they_stopped() {
    for vectored in [true, false] {
        for most in 1..12 {
            for steps in [&[Take::Bytes(most)][..], &[Take::Fails(io::ErrorKind::Interrupted), Take::Bytes(most)]] {
                let mut writer = FrameWriter::new(Sink::new(steps, vectored), length(AROUND));
                let mut sink = Sink::new(steps, vectored);
                for message in AROUND_MESSAGES {
                    writer.write(message).unwrap();
                    write_message(&mut sink, &length(AROUND), message).unwrap();
                }
                assert_eq!(writer.into_inner().taken, AROUND_WIRE, "{steps:?}, vectored: {vectored}");
                assert_eq!(sink.taken, AROUND_WIRE, "{steps:?}, vectored: {vectored}");
            }
        }
    }
}

#[test]
fn no_frame_follows_half_a_frame() {
    for failure in [Take::Fails(io::ErrorKind::WouldBlock), Take::Bytes(0)] {
        let mut writer = FrameWriter::new(Sink::new(&[Take::Bytes(3), failure], true), length("ascii:4"));
        let error = writer.write(b"hello").unwrap_err();
        assert_eq!(error.to_string(), "writing a message failed");
        let kind = error.source().and_then(|source| source.downcast_ref::<io::Error>()).map(io::Error::kind);
        let expected = if let Take::Fails(kind) = failure { kind } else { io::ErrorKind::WriteZero };
        assert_eq!(kind, Some(expected), "{failure:?}");
        for _ in 0..2 {
            let error = writer.write(b"and").unwrap_err();
            assert!(matches!(error, WriteError::Broken));
            assert_eq!(error.to_string(), "an earlier message was written in part, no other may follow it");
        }
        assert_eq!(writer.into_inner().taken, b"000");
    }
}

#[test]
fn a_payload_that_cannot_be_sent_leaves_the_writer_unchanged() {
    let mut writer = FrameWriter::new(Sink::new(&[Take::Bytes(usize::MAX)], true), length("ascii:4,max=5"));
    let error = writer.write(b"hello!").unwrap_err();
    assert!(matches!(error, WriteError::Encode(_)));
    assert_eq!(error.to_string(), "payload is 6 bytes, limit is 5");
    assert_eq!(writer.get_ref().calls, 0, "nothing was written");
    writer.write(b"hello").unwrap();
    assert_eq!(writer.into_inner().taken, b"0005hello");
}

#[test]
fn a_kept_message_is_written_unchanged() {
    let mut writer = FrameWriter::new(Vec::new(), length("modbus"));
    let request = b"\x15\x01\0\0\0\x06\xff\x03\0\x04\0\x01";
    writer.write(request).unwrap();
    let error = writer.write(&request[..8]).unwrap_err();
    assert_eq!(error.to_string(), "message is not a whole frame: it is 8 bytes, its header asks for at least 4 more");
    assert_eq!(writer.into_inner(), request);
}

#[test]
fn flushing_is_left_to_the_caller() {
    let mut writer = FrameWriter::new(Sink::new(&[Take::Bytes(usize::MAX)], true), length("net:2"));
    writer.write(b"hello").unwrap();
    assert_eq!(writer.flush().unwrap_err().to_string(), "flushed");
}
