//! The errors of readers, writers and codecs as `io::Error`, as `?` converts them.
#![cfg(feature = "tokio-util")]

use std::error::Error;
use std::io::{self, ErrorKind};

use framelink_codec::example::TooLong;
use framelink_codec::{CodecError, Encode, Fault, FrameReader, FrameWriter, ReadError, WriteError, example::OneByte};

/// `ECONNRESET` on Linux. Any number works, because it only passes through.
const NUMBER: i32 = 104;

fn of_system() -> io::Error {
    io::Error::from_raw_os_error(NUMBER)
}

fn too_long() -> TooLong {
    OneByte.envelope(&[0; 256]).expect_err("it is too long")
}

const TRUNCATED: Fault<TooLong> = Fault::Truncated { came: 3, missing: 3, guess: None };

/// The error's name, the error as an `io::Error`, its kind and its text.
fn table() -> Vec<(&'static str, io::Error, ErrorKind, String)> {
    let wrong = Fault::Wrong { error: too_long(), guess: None };
    let truncated = TRUNCATED.to_string();
    let (ended, broken) = (WriteError::<TooLong>::Ended, WriteError::<TooLong>::Broken);
    let (ended_text, broken_text) = (ended.to_string(), broken.to_string());
    let (reset, reset_text) = (of_system().kind(), of_system().to_string());
    type Read = ReadError<TooLong>;
    type Write = WriteError<TooLong>;
    type Both = CodecError<TooLong, TooLong>;
    vec![
        ("a fault, wrong", wrong.into(), ErrorKind::InvalidData, wrong.to_string()),
        ("a fault, truncated", TRUNCATED.into(), ErrorKind::UnexpectedEof, truncated.clone()),
        ("reading, wrong", Read::Fault(wrong).into(), ErrorKind::InvalidData, wrong.to_string()),
        ("reading, truncated", Read::Fault(TRUNCATED).into(), ErrorKind::UnexpectedEof, truncated.clone()),
        ("reading, the reader's", Read::Io(of_system()).into(), reset, reset_text.clone()),
        ("writing, refused", Write::Encode(too_long()).into(), ErrorKind::InvalidInput, too_long().to_string()),
        ("writing, ended", ended.into(), ErrorKind::BrokenPipe, ended_text.clone()),
        ("writing, broken", broken.into(), ErrorKind::BrokenPipe, broken_text),
        ("writing, the writer's", Write::Io(of_system()).into(), reset, reset_text.clone()),
        ("a codec, wrong", Both::Fault(wrong).into(), ErrorKind::InvalidData, wrong.to_string()),
        ("a codec, truncated", Both::Fault(TRUNCATED).into(), ErrorKind::UnexpectedEof, truncated),
        ("a codec, refused", Both::Encode(too_long()).into(), ErrorKind::InvalidInput, too_long().to_string()),
        ("a codec, ended", Both::Ended.into(), ErrorKind::BrokenPipe, ended_text),
        ("a codec, the stream's", Both::Io(of_system()).into(), reset, reset_text),
    ]
}

#[test]
fn each_error_is_an_io_error_of_its_kind_with_its_text() {
    for (name, error, kind, text) in table() {
        assert_eq!((error.kind(), error.to_string()), (kind, text), "{name}");
        let is_of_system = name.ends_with("'s");
        assert_eq!(error.raw_os_error(), is_of_system.then_some(NUMBER), "{name}: the number of the system stays");
    }
}

#[test]
fn the_fault_can_be_taken_out_of_the_io_error_again() {
    let error = io::Error::from(ReadError::Fault(TRUNCATED));
    assert_eq!(error.get_ref().and_then(|error| error.downcast_ref()), Some(&TRUNCATED));
    let error = io::Error::from(CodecError::<TooLong, TooLong>::Fault(TRUNCATED));
    assert_eq!(error.get_ref().and_then(|error| error.downcast_ref()), Some(&TRUNCATED));
}

#[test]
fn a_function_that_fails_with_io_errors_reads_and_writes_messages() {
    fn copy(from: &[u8]) -> io::Result<Vec<u8>> {
        let (mut reader, mut writer) = (FrameReader::new(from, OneByte), FrameWriter::new(Vec::new(), OneByte));
        while let Some(frame) = reader.read()? {
            writer.write(frame.payload)?;
        }
        Ok(writer.into_inner())
    }
    assert_eq!(copy(b"\x05hello\x00").unwrap(), b"\x05hello\x00");
    assert_eq!(copy(b"\x05he").unwrap_err().kind(), ErrorKind::UnexpectedEof);
}

#[test]
fn the_error_of_the_stream_is_the_source() {
    let errors: [Box<dyn Error>; 3] = [
        Box::new(ReadError::<TooLong>::Io(of_system())),
        Box::new(WriteError::<TooLong>::Io(of_system())),
        Box::new(CodecError::<TooLong, TooLong>::Io(of_system())),
    ];
    for error in errors {
        let source = error.source().and_then(|source| source.downcast_ref::<io::Error>()).expect("a source");
        assert_eq!(source.raw_os_error(), Some(NUMBER));
        assert!(!error.to_string().contains(&source.to_string()), "{error}: a chain would say it twice");
    }
}
