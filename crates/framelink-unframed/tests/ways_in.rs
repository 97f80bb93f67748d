//! `FrameReader`, `FrameWriter` and tokio-util with messages that silence, a read or the close ends.
#![cfg(all(feature = "std", feature = "tokio-util"))]

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read};

use bytes::BytesMut;
use framelink_unframed::{EndedBy, FrameReader, FrameWriter, Unframed, WriteError};
use tokio_util::codec::{Decoder, Encoder};

#[track_caller]
fn framing(notation: &str) -> Unframed {
    notation.parse().expect("a notation")
}

/// A socket: the bytes or the error of each read, then the close.
struct Reads(VecDeque<Result<&'static [u8], ErrorKind>>);

impl Read for Reads {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let Some(next) = self.0.pop_front() else { return Ok(0) };
        let bytes = next?;
        let (now, later) = bytes.split_at(space.len().min(bytes.len()));
        space[..now.len()].copy_from_slice(now);
        if !later.is_empty() {
            self.0.push_front(Ok(later));
        }
        Ok(now.len())
    }
}

fn messages(notation: &str, reads: &[Result<&'static [u8], ErrorKind>]) -> Vec<(Vec<u8>, EndedBy)> {
    let mut reader = FrameReader::new(Reads(reads.iter().copied().collect()), framing(notation));
    let mut messages = Vec::new();
    while let Some(frame) = reader.read().expect("a message or the end") {
        messages.push((frame.payload.to_vec(), frame.ended_by));
    }
    messages
}

#[test]
fn a_read_timeout_ends_a_quiet_message_and_the_close_ends_the_last_one() {
    let got = messages("quiet:50ms", &[Ok(b"hel"), Ok(b"lo"), Err(ErrorKind::WouldBlock), Ok(b"bye")]);
    assert_eq!(got, [(b"hello".to_vec(), EndedBy::Quiet), (b"bye".to_vec(), EndedBy::Close)]);
}

#[test]
fn every_read_is_a_message_of_at_most_the_limit() {
    let got = messages("each-read", &[Ok(b"hel"), Ok(b"lo")]);
    assert_eq!(got, [(b"hel".to_vec(), EndedBy::Read), (b"lo".to_vec(), EndedBy::Read)]);
    let got = messages("each-read,max=4", &[Ok(b"hello")]);
    assert_eq!(got, [(b"hell".to_vec(), EndedBy::Read), (b"o".to_vec(), EndedBy::Read)]);
}

#[test]
fn the_close_ends_the_only_message_of_until_close() {
    let got = messages("until-close", &[Ok(b"hel"), Ok(b"lo")]);
    assert_eq!(got, [(b"hello".to_vec(), EndedBy::Close)]);
    assert_eq!(messages("until-close", &[]), []);
}

#[test]
fn no_byte_is_written_after_the_message_of_until_close() {
    let mut writer = FrameWriter::new(Vec::new(), framing("until-close"));
    writer.write(b"hello").unwrap();
    assert!(matches!(writer.write(b"more"), Err(WriteError::Ended)));
    assert_eq!(writer.into_inner(), b"hello");
}

#[test]
fn tokio_util_reads_and_writes_the_same() {
    let mut codec = framing("mllp").codec();
    let mut wire = BytesMut::new();
    codec.encode(b"hello", &mut wire).unwrap();
    assert_eq!(wire, &b"\x0bhello\x1c\x0d"[..]);
    assert_eq!(codec.decode(&mut wire).unwrap().unwrap(), &b"hello"[..]);
    assert_eq!(codec.decode_eof(&mut wire).unwrap(), None);
}

#[test]
fn tokio_util_ends_until_close_with_the_stream() {
    let mut codec = framing("until-close").codec();
    let mut wire = BytesMut::from(&b"hello"[..]);
    assert_eq!(codec.decode(&mut wire).unwrap(), None);
    assert_eq!(codec.decode_eof(&mut wire).unwrap().unwrap(), &b"hello"[..]);
    assert_eq!(codec.decode_eof(&mut wire).unwrap(), None);
}
