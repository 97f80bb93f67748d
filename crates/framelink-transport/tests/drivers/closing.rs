//! How connections end: closes, half-closes and resets.

use std::io::{Read, Write};
use std::time::Duration;

use framelink_transport::{Blame, Cause, Operation};

use crate::support::driver::{DEADLINE, Driver, framing, on_every_driver, pair};
use crate::support::peer::{Task, half_close, read_exactly, read_to_end, reset};

on_every_driver!(
    tls:
    a_close_between_messages_is_an_orderly_end_for_good,
    a_close_inside_a_message_is_an_error_with_byte_counts,
    whole_messages_are_delivered_before_an_error_that_stays,
    a_reset_is_not_reported_as_a_close,
    messages_that_arrived_before_a_reset_are_delivered,
    writing_to_a_peer_that_is_gone_is_an_error,
    the_peers_half_close_leaves_us_sending,
    our_half_close_leaves_us_receiving,
    closing_reads_what_the_peer_still_sends,
    closing_gives_up_at_its_timeout,
    closing_is_not_held_by_a_peer_that_never_stops_sending,
    closing_reads_what_the_peer_writes_before_it_reads,
    closing_after_a_reset_reports_it_at_once,
    a_reset_during_a_send_is_a_reset_for_recv_too,
);

fn a_close_between_messages_is_an_orderly_end_for_good<D: Driver>() {
    let (mut ours, peer) = pair::<D>(framing("net:2"));
    (&peer).write_all(b"\0\x02hi").unwrap();
    drop(peer);
    assert_eq!(&ours.recv().unwrap().unwrap()[..], b"hi");
    for _ in 0..3 {
        assert!(ours.recv().unwrap().is_none(), "{}", D::NAME);
    }
}

fn a_close_inside_a_message_is_an_error_with_byte_counts<D: Driver>() {
    for (bytes, complaint) in
        [(&b"\0"[..], "1 byte came, at least 1 more"), (b"\0\x05hel", "5 bytes came, at least 2 more were owed")]
    {
        let (mut ours, peer) = pair::<D>(framing("net:2"));
        (&peer).write_all(bytes).unwrap();
        drop(peer);
        let error = ours.recv().unwrap_err();
        assert!(error.to_string().contains("stream ended inside a frame"), "{}: {error}", D::NAME);
        assert!(error.to_string().contains(complaint), "{}: {error}", D::NAME);
        assert_eq!((error.operation(), error.blame()), (Operation::Receive, Blame::Peer));
    }
}

fn whole_messages_are_delivered_before_an_error_that_stays<D: Driver>() {
    let (mut ours, peer) = pair::<D>(framing("ascii:4"));
    (&peer).write_all(b"0002hi0002hoGET / HTTP/1.1\r\n\r\n0002no").unwrap();
    assert_eq!(&ours.recv().unwrap().unwrap()[..], b"hi");
    assert_eq!(&ours.recv().unwrap().unwrap()[..], b"ho");
    let first = ours.recv().unwrap_err().to_string();
    assert!(first.contains("header byte 0 is 0x47") && first.contains("HTTP"), "{first}");
    assert_eq!(
        ours.recv().unwrap_err().to_string(),
        first,
        "{}: the error stays, and no new start of a frame is searched for",
        D::NAME
    );
}

fn a_reset_is_not_reported_as_a_close<D: Driver>() {
    for bytes in [&b""[..], b"\0\x05hel"] {
        let (mut ours, peer) = pair::<D>(framing("net:2"));
        (&peer).write_all(bytes).unwrap();
        reset(peer);
        let error = ours.recv().unwrap_err();
        assert!(matches!(error.cause(), Cause::Reset(_)), "{}: {error}", D::NAME);
        assert_eq!(error.blame(), Blame::Network);
        assert!(ours.recv().is_err(), "{}: the error never becomes an orderly end", D::NAME);
    }
}

fn messages_that_arrived_before_a_reset_are_delivered<D: Driver>() {
    let (mut ours, peer) = pair::<D>(framing("net:2"));
    (&peer).write_all(b"\0\x02hi\0\x02ho").unwrap();
    // A message that has been read cannot be lost to the reset.
    assert_eq!(&ours.recv().unwrap().unwrap()[..], b"hi");
    reset(peer);
    assert_eq!(&ours.recv().unwrap().unwrap()[..], b"ho", "{}", D::NAME);
    assert!(matches!(ours.recv().unwrap_err().cause(), Cause::Reset(_)));
}

fn writing_to_a_peer_that_is_gone_is_an_error<D: Driver>() {
    let (mut ours, peer) = pair::<D>(framing("net:2"));
    drop(peer);
    assert!(ours.recv().unwrap().is_none());
    // The peer's system answers the first message with a reset.
    let _ = ours.send(b"hi");
    let error = loop {
        if let Err(error) = ours.send(b"hi") {
            break error;
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    assert!(matches!(error.cause(), Cause::Reset(_)), "{}: {error}", D::NAME);
    assert!(ours.send(b"hi").is_err(), "writing fails again");
}

fn the_peers_half_close_leaves_us_sending<D: Driver>() {
    let (mut ours, peer) = pair::<D>(framing("net:2"));
    half_close(&peer);
    assert!(ours.recv().unwrap().is_none());
    ours.send(b"late").unwrap();
    ours.finish().unwrap();
    assert_eq!(read_to_end(&peer), b"\0\x04late", "{}", D::NAME);
    assert!(ours.send(b"later").unwrap_err().to_string().contains("our side of the connection has ended"));
}

fn our_half_close_leaves_us_receiving<D: Driver>() {
    let (mut ours, peer) = pair::<D>(framing("net:2"));
    ours.send(b"hi").unwrap();
    ours.finish().unwrap();
    assert_eq!(read_to_end(&peer), b"\0\x02hi");
    (&peer).write_all(b"\0\x02ok").unwrap();
    drop(peer);
    assert_eq!(&ours.recv().unwrap().unwrap()[..], b"ok", "{}", D::NAME);
    assert!(ours.recv().unwrap().is_none());
}

fn closing_reads_what_the_peer_still_sends<D: Driver>() {
    let (mut ours, peer) = pair::<D>(framing("net:2"));
    ours.send(b"hi").unwrap();
    let talking = Task::start(move || {
        // If the peer closed with unread bytes of ours, its system would reset the connection, and our side would lose
        // bytes.
        (&peer).write_all(&b"\0\x04more".repeat(100)).expect("sending");
        assert_eq!(read_to_end(&peer), b"\0\x02hi");
    });
    let report = ours.close(DEADLINE).unwrap();
    assert!(report.peer_closed, "{}", D::NAME);
    assert_eq!(report.discarded, 100);
    talking.join();
}

fn closing_gives_up_at_its_timeout<D: Driver>() {
    let (mut ours, peer) = pair::<D>(framing("net:2"));
    ours.send(b"hi").unwrap();
    let began = std::time::Instant::now();
    let report = ours.close(Duration::from_millis(100)).unwrap();
    assert!(!report.peer_closed, "{}: the peer is silent", D::NAME);
    assert!(began.elapsed() >= Duration::from_millis(100) && began.elapsed() < DEADLINE);
    assert_eq!(read_exactly(&peer, 4), b"\0\x02hi");
    assert_eq!((&peer).read(&mut [0]).unwrap(), 0);
}

fn closing_is_not_held_by_a_peer_that_never_stops_sending<D: Driver>() {
    // Empty messages, and bytes that are no message.
    for unit in [b'0', b'X'] {
        let (ours, peer) = pair::<D>(framing("ascii:4"));
        let flood = Task::start(move || while (&peer).write_all(&[unit; 64 * 1024]).is_ok() {});
        let began = std::time::Instant::now();
        let report = ours.close(Duration::from_millis(100)).unwrap();
        assert!(!report.peer_closed, "{}", D::NAME);
        assert!(began.elapsed() < DEADLINE / 2, "{}: {:?}", D::NAME, began.elapsed());
        flood.join();
    }
}

fn closing_reads_what_the_peer_writes_before_it_reads<D: Driver>() {
    const LARGE: usize = 16 * 1024 * 1024;
    let (mut ours, peer) = pair::<D>(framing("net:4,max=64MiB"));
    // The message does not fit into the socket buffers, so a part of it stays to be written.
    let _ = ours.send_within(&vec![1; LARGE], Duration::from_millis(50)).unwrap_err();
    let message = [&1020_u32.to_be_bytes()[..], &[0; 1020]].concat();
    let talking = Task::start(move || {
        (&peer).write_all(&message.repeat(LARGE / 1024)).expect("sending");
        read_to_end(&peer).len()
    });
    let report = ours.close(DEADLINE).unwrap();
    assert!(report.peer_closed, "{}", D::NAME);
    assert_eq!((report.discarded, talking.join()), (LARGE / 1024, 4 + LARGE), "{}", D::NAME);
}

fn closing_after_a_reset_reports_it_at_once<D: Driver>() {
    let (mut ours, peer) = pair::<D>(framing("net:2"));
    (&peer).write_all(b"\0\x02hi").unwrap();
    ours.recv().unwrap();
    reset(peer);
    std::thread::sleep(Duration::from_millis(50));
    let began = std::time::Instant::now();
    let error = ours.close(DEADLINE).unwrap_err();
    assert!(matches!(error.cause(), Cause::Reset(_)), "{}: {error}", D::NAME);
    assert_eq!(error.operation(), Operation::Close);
    assert!(began.elapsed() < DEADLINE / 2, "{}", D::NAME);
}

fn a_reset_during_a_send_is_a_reset_for_recv_too<D: Driver>() {
    let (mut ours, peer) = pair::<D>(framing("net:2"));
    reset(peer);
    while ours.send(b"hi").is_ok() {
        std::thread::sleep(Duration::from_millis(1));
    }
    let error = ours.recv().unwrap_err();
    assert!(matches!(error.cause(), Cause::Reset(_)), "{}: {error}", D::NAME);
}
