//! Waiting with a time limit, and peers that do not read.

use std::io::Write;
use std::time::{Duration, Instant};

use framelink_transport::{Cause, TryRecv};

use crate::support::driver::{DEADLINE, Driver, framing, on_every_driver, pair};
use crate::support::peer::{Task, read_exactly};

on_every_driver!(
    tls:
    waiting_reports_that_no_message_arrived,
    a_receive_that_times_out_keeps_the_bytes_of_a_partial_message,
    a_message_that_has_arrived_is_received_with_a_limit_of_zero,
    sends_stop_at_a_peer_that_does_not_read_and_a_begun_message_is_finished_first,
);

fn waiting_reports_that_no_message_arrived<D: Driver>() {
    let (mut ours, _peer) = pair::<D>(framing("net:2"));
    for limit in [Duration::from_millis(30), Duration::from_millis(60)] {
        let began = Instant::now();
        assert_eq!(ours.recv_within(limit).unwrap(), TryRecv::Nothing, "{}", D::NAME);
        assert!(began.elapsed() >= limit && began.elapsed() < DEADLINE, "{}: {:?}", D::NAME, began.elapsed());
    }
}

fn a_receive_that_times_out_keeps_the_bytes_of_a_partial_message<D: Driver>() {
    let (mut ours, peer) = pair::<D>(framing("ascii:4"));
    let writing = Task::start(move || {
        for byte in b"0005hello0002hi" {
            (&peer).write_all(&[*byte]).expect("a byte");
            std::thread::sleep(Duration::from_millis(3));
        }
        peer
    });
    let (mut messages, mut in_vain) = (Vec::new(), 0);
    while messages.len() < 2 {
        match ours.recv_within(Duration::from_millis(1)).unwrap() {
            TryRecv::Message(message) => messages.push(message.to_vec()),
            TryRecv::Nothing => in_vain += 1,
            TryRecv::Closed => panic!("{}: the peer has not closed yet", D::NAME),
        }
    }
    assert_eq!(messages, [&b"hello"[..], b"hi"], "{}", D::NAME);
    assert!(in_vain > 0, "some receives end inside a message");
    writing.join();
}

fn a_message_that_has_arrived_is_received_with_a_limit_of_zero<D: Driver>() {
    let (mut ours, peer) = pair::<D>(framing("net:2"));
    (&peer).write_all(b"\0\x02hi\0\x02ho").unwrap();
    assert_eq!(&ours.recv().unwrap().unwrap()[..], b"hi");
    // The message was read together with the first one, so no time is needed for it.
    let received = ours.recv_within(Duration::ZERO).unwrap();
    assert!(matches!(received, TryRecv::Message(message) if &message[..] == b"ho"), "{}", D::NAME);
}

fn sends_stop_at_a_peer_that_does_not_read_and_a_begun_message_is_finished_first<D: Driver>() {
    let (mut ours, peer) = pair::<D>(framing("net:4"));
    let payload = vec![7; 60_000];
    let mut accepted = 0;
    let error = loop {
        match ours.send_within(&payload, Duration::from_millis(50)) {
            Err(error) if matches!(error.cause(), Cause::NoRoom { .. }) => break error,
            Err(error) if !matches!(error.cause(), Cause::TimedOut { .. }) => panic!("{}: {error}", D::NAME),
            // The message is accepted, whether or not all of it has been written.
            Ok(()) | Err(_) => accepted += 1,
        }
        assert!(accepted < 1000, "{}: messages are accepted without bound", D::NAME);
    };
    assert!(error.to_string().contains("the message was not accepted within 50ms: "), "{}: {error}", D::NAME);
    // The message that the time limit interrupted continues where it stopped, and the others follow.
    let reading = Task::start(move || {
        let mut count = 0;
        loop {
            let len = u32::from_be_bytes(read_exactly(&peer, 4).try_into().expect("four bytes"));
            let bytes = read_exactly(&peer, usize::try_from(len).expect("a length"));
            match bytes.len() {
                3 => return count,
                _ => assert!(bytes == vec![7; 60_000]),
            }
            count += 1;
        }
    });
    ours.send(b"end").unwrap();
    let arrived = reading.join();
    assert_eq!(arrived, accepted, "{}", D::NAME);
}
