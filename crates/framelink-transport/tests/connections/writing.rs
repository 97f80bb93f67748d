//! How frames are written: in one write where the writer can gather parts, and an error where the writer takes nothing.

use std::io;

use framelink_transport::tokio::{Cause, Connection};

use crate::support::streams::{MANNERS, Reader, Step, Then, Writer, framing, run, scripted};

#[test]
fn a_frame_is_one_write_even_if_the_writer_cannot_gather_parts() {
    for (writer, written) in [Writer::new(&[Step::Bytes(usize::MAX)]), Writer::plain(&[Step::Bytes(usize::MAX)])] {
        let reader = Reader::new(b"", &[Step::Pending], Then::Wait);
        let mut connection = Connection::from_parts(reader, writer, framing("net:2,suffix=03"));
        run(connection.send(b"hello")).unwrap();
        run(connection.send(b"")).unwrap();
        assert_eq!(written.writes(), [&b"\0\x06hello\x03"[..], b"\0\x01\x03"]);
    }
}

#[test]
fn a_writer_that_takes_nothing_is_an_error_and_not_a_busy_loop() {
    for steps in [&[Step::Bytes(0)][..], &[Step::Pending, Step::Bytes(0)]] {
        let (mut connection, written) = scripted("net:2", Reader::new(b"", &[Step::Pending], Then::Wait), steps);
        let error = run(connection.send(b"hello")).unwrap_err();
        assert!(matches!(error.cause(), Cause::Io(error) if error.kind() == io::ErrorKind::WriteZero), "{error}");
        assert!(written.writes().len() <= 2);
        // The queued bytes are lost, and a later flush fails too.
        assert!(run(connection.flush()).is_err());
        assert!(run(connection.finish()).is_err());
        assert!(!written.is_shut_down());
    }
}

#[test]
fn fed_messages_share_a_write() {
    let (mut connection, written) =
        scripted("net:2", Reader::new(b"", &[Step::Pending], Then::Wait), &[Step::Bytes(usize::MAX)]);
    for message in [&b"one"[..], b"two"] {
        run(connection.feed(message)).unwrap();
    }
    run(connection.send(b"three")).unwrap();
    assert_eq!(written.writes(), [b"\0\x03one\0\x03two\0\x05three"]);
}

#[test]
fn short_writes_and_interruptions_change_nothing() {
    for manner in MANNERS {
        let (mut connection, written) = scripted("net:2", Reader::new(b"", manner, Then::Wait), manner);
        for message in [&b"one"[..], b"", b"three"] {
            run(connection.send(message)).unwrap();
        }
        run(connection.finish()).unwrap();
        assert_eq!(written.all(), b"\0\x03one\0\0\0\x05three", "{manner:?}");
        assert!(written.is_shut_down(), "{manner:?}");
    }
}

#[test]
fn a_message_that_ends_the_direction_shuts_writing_down() {
    for manner in MANNERS {
        let (mut connection, written) = scripted("until-close", Reader::new(b"", manner, Then::Wait), manner);
        run(connection.send(b"all there is")).unwrap();
        assert!(written.is_shut_down(), "{manner:?}");
        let error = run(connection.send(b"more")).unwrap_err();
        assert!(matches!(error.cause(), Cause::Refused(_)), "{error}");
        assert_eq!(written.all(), b"all there is", "{manner:?}");
    }
}
