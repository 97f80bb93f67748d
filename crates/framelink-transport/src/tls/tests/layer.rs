//! Bytes arrive as they were sent, however the wire cuts them.

use std::io;

use super::certificates::{ALL, TLS12, TLS13, pair_of};
use super::wire::{AT_ONCE, End, Manner, again, ends, error_of, shaken};
use crate::tls::{TlsEnd, TlsError};

const MANNERS: [Manner; 6] = [
    AT_ONCE,
    Manner { most: 1, blocks: false },
    Manner { most: 1, blocks: true },
    Manner { most: 7, blocks: true },
    Manner { most: 1000, blocks: true },
    Manner { most: usize::MAX, blocks: true },
];

fn payload(len: usize) -> Vec<u8> {
    (0..len).map(|at| u8::try_from(at % 251).unwrap()).collect()
}

/// Sends bytes through the wire while the other end reads. Returns what arrived.
fn through(sender: &mut End, receiver: &mut End, bytes: &[u8]) -> Vec<u8> {
    let (mut sent, mut arrived) = (0, Vec::new());
    while arrived.len() < bytes.len() {
        if sent < bytes.len() {
            sent += again(|| sender.write(&bytes[sent..])).unwrap().unwrap_or(0);
        }
        arrived.extend(receiver.drain().unwrap().0);
    }
    arrived
}

#[test]
fn payload_arrives_as_it_was_sent_however_the_wire_cuts_it() {
    for (versions, name) in [(TLS12, "TLSv1.2"), (TLS13, "TLSv1.3")] {
        let configs = pair_of(versions);
        for manner in MANNERS {
            let (mut client, mut server) = shaken(configs.clone(), manner);
            for end in [&client, &server] {
                let facts = end.reader.facts().unwrap();
                assert_eq!((facts.version, facts.end), (name, TlsEnd::Open));
            }
            // A wire that passes single bytes takes long.
            let most = if manner.most < 100 { 2_000 } else { 100_000 };
            for len in [1, 2, 1000, 16 * 1024, 16 * 1024 + 1, most].into_iter().filter(|len| *len <= most) {
                let bytes = payload(len);
                assert!(through(&mut client, &mut server, &bytes) == bytes, "{len} bytes, {manner:?}, {name}");
                assert!(through(&mut server, &mut client, &bytes) == bytes, "{len} bytes back, {manner:?}, {name}");
            }
        }
    }
}

/// A message counts as sent only if the peer can read it.
#[test]
fn payload_counts_as_written_when_the_wire_has_taken_its_record() {
    let configs = pair_of(ALL);
    let bytes = payload(40_000);
    for room in (0..41_000).step_by(1009) {
        let (mut client, mut server) = shaken(configs.clone(), AT_ONCE);
        server.drain().unwrap();
        client.wire.to.lock().unwrap().room = Some(room);
        let written = again(|| client.write(&bytes)).unwrap().unwrap_or(0);
        let (readable, _) = server.drain().unwrap();
        assert_eq!(written, readable.len(), "with room for {room} bytes");
        assert_eq!(readable, bytes[..written]);
        // What is left follows, and is not encrypted twice.
        client.wire.to.lock().unwrap().room = None;
        client.write_all(&bytes[written..]);
        assert_eq!(server.drain().unwrap().0, bytes[written..]);
    }
}

#[test]
fn a_flush_writes_staged_records_and_the_next_write_reports_them() {
    let (mut client, mut server) = shaken(pair_of(ALL), AT_ONCE);
    client.wire.to.lock().unwrap().room = Some(3);
    assert!(again(|| client.write(b"hello")).unwrap().is_none());
    client.wire.to.lock().unwrap().room = None;
    client.flush().unwrap();
    assert_eq!(server.drain().unwrap().0, b"hello");
    assert_eq!(client.write(b"hello, and more").unwrap(), 5, "the same bytes come first");
    assert!(server.drain().unwrap().0.is_empty());
    client.write_all(b", and more");
    assert_eq!(server.drain().unwrap().0, b", and more");
}

/// Otherwise a message that lies in the buffers of TLS would wait for the next one.
#[test]
fn nothing_that_was_read_waits_for_the_wire() {
    let (mut client, mut server) = shaken(pair_of(ALL), AT_ONCE);
    for message in [b"one", b"two", b"six"] {
        client.write_all(message);
    }
    client.write_all(&payload(50_000));
    let mut arrived = Vec::new();
    // A small space, so that payload stays behind each time.
    while let Some(count) = server.read_into(&mut [0; 5]).unwrap() {
        arrived.push(count);
    }
    assert_eq!(arrived.iter().sum::<usize>(), 50_009);
    assert!(server.wire.from.lock().unwrap().bytes.is_empty());
}

#[test]
fn close_notify_ends_one_direction_in_good_order() {
    for versions in [TLS12, TLS13] {
        for manner in MANNERS {
            let (mut client, mut server) = shaken(pair_of(versions), manner);
            client.write_all(b"last");
            while again(|| client.shut_down()).unwrap().is_none() {}
            let mut all = Vec::new();
            let ended = loop {
                let (bytes, has_ended) = server.drain().unwrap();
                all.extend(bytes);
                if has_ended {
                    break server.reader.facts().unwrap().end;
                }
            };
            assert_eq!((&all[..], ended), (&b"last"[..], TlsEnd::CloseNotify));
            let reply = through(&mut server, &mut client, b"the other direction goes on");
            assert_eq!(reply, b"the other direction goes on");
        }
    }
}

#[test]
fn a_close_without_close_notify_is_told_from_an_orderly_one() {
    let (mut client, mut server) = shaken(pair_of(ALL), AT_ONCE);
    client.write_all(b"cut");
    client.wire.to.lock().unwrap().is_closed = true;
    assert_eq!(server.read_into(&mut [0; 8]).unwrap(), Some(3), "what came before is returned first");
    for _ in 0..2 {
        let error = server.read_into(&mut [0; 8]).unwrap_err();
        assert!(matches!(error_of(&error), TlsError::CutOff), "{error}");
        assert_eq!(server.reader.facts().unwrap().end, TlsEnd::CutOff);
    }
}

#[test]
fn a_key_update_is_answered_before_the_next_payload() {
    let (mut client, mut server) = shaken(pair_of(TLS13), Manner { most: 3, blocks: true });
    let sent = |server: &mut End, client: &mut End| {
        let before = server.wire.to.lock().unwrap().written;
        assert_eq!(through(server, client, b"a reply"), b"a reply");
        server.wire.to.lock().unwrap().written - before
    };
    let usual = sent(&mut server, &mut client);
    client.writer.request_key_update().unwrap();
    assert_eq!(through(&mut client, &mut server, b"with new keys"), b"with new keys");
    assert!(sent(&mut server, &mut client) > usual, "the reply follows the answer");
    assert_eq!(sent(&mut server, &mut client), usual);
}

/// The payload of the records before a bad one is delivered first.
#[test]
fn a_changed_byte_is_an_error_after_what_came_before() {
    let configs = pair_of(ALL);
    // TLS 1.3 does not protect the first three bytes of a record, because they are always the same.
    for at in 3..30 {
        let (mut client, mut server) = shaken(configs.clone(), AT_ONCE);
        server.drain().unwrap();
        client.write_all(b"good");
        let good = client.wire.to.lock().unwrap().bytes.len();
        client.write_all(b"changed");
        let mut to = client.wire.to.lock().unwrap();
        to.is_closed = true;
        let Some(byte) = to.bytes.get_mut(good + at) else { continue };
        *byte ^= 1;
        drop(to);
        assert_eq!(server.read_into(&mut [0; 8]).unwrap(), Some(4), "byte {at}");
        let error = server.read_into(&mut [0; 8]).unwrap_err();
        assert!(TlsError::in_io(&error).is_some(), "byte {at}: {error}");
        assert!(server.read_into(&mut [0; 8]).is_err(), "the error stays");
    }
}

#[test]
fn a_half_alone_cannot_finish_the_handshake() {
    let (mut client, _server) = ends(pair_of(ALL), AT_ONCE);
    assert!(again(|| client.write(b"early")).unwrap().is_none(), "payload waits for the handshake");
    client.reader.end_handshake();
    for error in [client.write(b"early").unwrap_err(), client.read_into(&mut [0; 8]).unwrap_err()] {
        assert!(matches!(error_of(&error), TlsError::Unfinished), "{error}");
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
}
