//! Waiting up to a limit, and what a peer that does not read costs.

use std::io::Write;
use std::time::{Duration, Instant};

use framelink_transport::{Cause, TryRecv};

use crate::support::driver::{DEADLINE, Driver, framing, on_every_driver, pair};
use crate::support::peer::{Task, read_exactly};

on_every_driver!(
    waiting_says_when_nothing_came,
    what_has_come_of_a_message_is_kept,
    a_message_that_is_there_is_received_in_no_time,
    a_peer_that_does_not_read_stops_us_and_the_rest_leaves_first,
);

fn waiting_says_when_nothing_came<D: Driver>() {
    let (mut ours, _peer) = pair::<D>(framing("net:2"));
    for limit in [Duration::from_millis(30), Duration::from_millis(60)] {
        let began = Instant::now();
        assert_eq!(ours.recv_within(limit).unwrap(), TryRecv::Nothing, "{}", D::NAME);
        assert!(began.elapsed() >= limit && began.elapsed() < DEADLINE, "{}: {:?}", D::NAME, began.elapsed());
    }
}

fn what_has_come_of_a_message_is_kept<D: Driver>() {
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
            TryRecv::Closed => panic!("{}: no end yet", D::NAME),
        }
    }
    assert_eq!(messages, [&b"hello"[..], b"hi"], "{}", D::NAME);
    assert!(in_vain > 0, "it was given up in the middle of a message");
    writing.join();
}

fn a_message_that_is_there_is_received_in_no_time<D: Driver>() {
    let (mut ours, peer) = pair::<D>(framing("net:2"));
    (&peer).write_all(b"\0\x02hi\0\x02ho").unwrap();
    assert_eq!(&ours.recv().unwrap().unwrap()[..], b"hi");
    // It was read together with the first, so no time is needed for it.
    let received = ours.recv_within(Duration::ZERO).unwrap();
    assert!(matches!(received, TryRecv::Message(message) if &message[..] == b"ho"), "{}", D::NAME);
}

fn a_peer_that_does_not_read_stops_us_and_the_rest_leaves_first<D: Driver>() {
    let (mut ours, peer) = pair::<D>(framing("net:4"));
    let payload = vec![7; 60_000];
    let mut accepted = 0;
    let error = loop {
        match ours.send_within(&payload, Duration::from_millis(50)) {
            Err(error) if matches!(error.cause(), Cause::NoRoom { .. }) => break error,
            Err(error) if !matches!(error.cause(), Cause::TimedOut { .. }) => panic!("{}: {error}", D::NAME),
            // Accepted, all of it written or not.
            Ok(()) | Err(_) => accepted += 1,
        }
        assert!(accepted < 1000, "{}: nothing stopped us", D::NAME);
    };
    assert!(error.to_string().contains("the message was not accepted within 50ms: "), "{}: {error}", D::NAME);
    // The message that was cut off by the time goes on where it stopped, and others follow.
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
