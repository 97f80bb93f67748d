//! Messages in both directions.

use std::io::Write;

use crate::support::driver::{Driver, framing, on_every_driver, pair};
use crate::support::peer::{Task, read_exactly, read_to_end};

on_every_driver!(
    tls:
    messages_of_all_sizes_pass,
    messages_may_arrive_one_byte_at_a_time,
    many_messages_may_arrive_in_one_segment,
    each_direction_may_have_its_own_framing,
    an_existing_socket_can_be_used,
);
// The error names the address of the peer itself.
on_every_driver!(a_message_too_long_for_the_header_is_refused_and_the_connection_stays_usable);

/// Encodes a `net:4` frame by hand.
fn frame(payload: &[u8]) -> Vec<u8> {
    [&u32::try_from(payload.len()).expect("a length").to_be_bytes(), payload].concat()
}

fn payload(len: usize) -> Vec<u8> {
    (0..len).map(|i| u8::try_from(i % 251).expect("a byte")).collect()
}

fn messages_of_all_sizes_pass<D: Driver>() {
    let (mut ours, peer) = pair::<D>(framing("net:4"));
    let sizes = [0, 1, 2, 511, 4096, 8191, 8192, 8193, 16384, 65535, 65536, 1024 * 1024];
    let echo = Task::start(move || {
        for size in sizes {
            let bytes = read_exactly(&peer, 4 + size);
            assert!(bytes == frame(&payload(size)), "{}: the frame of {size} bytes on the wire", D::NAME);
            (&peer).write_all(&bytes).expect("echoing");
        }
        assert_eq!(read_to_end(&peer), b"");
    });
    for size in sizes {
        let payload = payload(size);
        // A megabyte is more than the buffers of both sockets may hold while the peer does not read.
        ours.send(&payload).unwrap();
        assert!(ours.recv().unwrap().unwrap()[..] == payload, "{}: {size} bytes", D::NAME);
    }
    ours.finish().unwrap();
    echo.join();
    assert!(ours.recv().unwrap().is_none());
}

fn messages_may_arrive_one_byte_at_a_time<D: Driver>() {
    let (mut ours, peer) = pair::<D>(framing("ascii:4"));
    let writing = Task::start(move || {
        for byte in b"0005hello00000002hi" {
            (&peer).write_all(&[*byte]).expect("a byte");
        }
    });
    for expected in ["hello", "", "hi"] {
        assert_eq!(&ours.recv().unwrap().unwrap()[..], expected.as_bytes(), "{}", D::NAME);
    }
    assert!(ours.recv().unwrap().is_none());
    writing.join();
}

fn many_messages_may_arrive_in_one_segment<D: Driver>() {
    let (mut ours, peer) = pair::<D>(framing("bcd:2"));
    let count = 10_000;
    let writing = Task::start(move || {
        let bytes: Vec<u8> = (0..count).flat_map(|i| [&b"\0\x08"[..], format!("{i:08}").as_bytes()].concat()).collect();
        (&peer).write_all(&bytes).expect("writing all frames at once");
    });
    for i in 0..count {
        assert_eq!(&ours.recv().unwrap().unwrap()[..], format!("{i:08}").as_bytes(), "{}: in order", D::NAME);
    }
    assert!(ours.recv().unwrap().is_none());
    writing.join();
}

fn each_direction_may_have_its_own_framing<D: Driver>() {
    let mut directions = framing("line");
    directions.send = framing("bcd:1").send;
    let (mut ours, peer) = pair::<D>(directions);
    ours.send(b"hello, world").unwrap();
    assert_eq!(read_exactly(&peer, 13), b"\x12hello, world", "{}", D::NAME);
    (&peer).write_all(b"hello\r\n").unwrap();
    assert_eq!(&ours.recv().unwrap().unwrap()[..], b"hello");
}

fn a_message_too_long_for_the_header_is_refused_and_the_connection_stays_usable<D: Driver>() {
    let (mut ours, peer) = pair::<D>(framing("net:1"));
    let error = ours.send(&[0; 256]).unwrap_err();
    assert!(error.to_string().contains("payload is 256 bytes, the header can announce at most 255"), "{error}");
    assert_eq!(error.peer(), Some(peer.local_addr().unwrap()));
    ours.send(b"hi").unwrap();
    assert_eq!(read_exactly(&peer, 3), b"\x02hi", "{}: no byte of the refused message is written", D::NAME);
}

fn an_existing_socket_can_be_used<D: Driver>() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let peer = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let mut ours = D::adopt(listener.accept().unwrap().0, framing("net:2"));
    (&peer).write_all(b"\0\x02hi").unwrap();
    assert_eq!(&ours.recv().unwrap().unwrap()[..], b"hi", "{}", D::NAME);
    ours.send(b"ok").unwrap();
    assert_eq!(read_exactly(&peer, 4), b"\0\x02ok");
}
