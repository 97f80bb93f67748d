//! A single half, on a stream whose other direction belongs to another program.

use std::io::Read;

use framelink_transport::{TryRecv, TrySend, blocking, nonblocking, tokio};

use super::{DEADLINE, framing, on_tokio, sockets};

/// 0x00 0x05 | 'h' 'e' 'l' 'l' 'o'
const WIRE: &[u8] = b"\x00\x05hello";

#[test]
fn a_blocking_half_works_without_the_other() {
    let (ours, theirs) = sockets();
    blocking::SendHalf::new(ours, framing()).send(b"hello").unwrap();
    let message = blocking::RecvHalf::new(theirs, framing()).recv_within(DEADLINE).unwrap();
    assert_eq!(message.into_message().as_deref(), Some(&b"hello"[..]));
}

#[test]
fn a_non_blocking_half_works_without_the_other() {
    let (ours, mut theirs) = sockets();
    ours.set_nonblocking(true).unwrap();
    let mut sender = nonblocking::SendHalf::new(mio::net::TcpStream::from_std(ours), framing());
    assert_eq!(sender.try_send(b"hello").unwrap(), TrySend::Written);
    let mut wire = [0; WIRE.len()];
    theirs.read_exact(&mut wire).unwrap();
    assert_eq!(wire, WIRE);
    let mut receiver = nonblocking::RecvHalf::new(WIRE, framing());
    assert!(matches!(receiver.try_recv().unwrap(), TryRecv::Message(message) if &message[..] == b"hello"));
}

#[test]
fn a_tokio_half_works_without_the_other() {
    on_tokio(async {
        let (ours, theirs) = ::tokio::io::duplex(64);
        tokio::SendHalf::new(ours, framing()).send(b"hello").await.unwrap();
        let mut receiver = tokio::RecvHalf::new(theirs, framing());
        assert_eq!(receiver.recv().await.unwrap().as_deref(), Some(&b"hello"[..]));
        assert!(receiver.recv().await.unwrap().is_none(), "the sending half is dropped");
    });
}
