//! Row 22: operations that are given up at any point.

use std::io::Write;
use std::time::Duration;

use framelink_transport::Cause;

use crate::cell::{Cell, next};
use crate::ends::Ends;
use crate::peer::Task;

const MESSAGES: [&[u8]; 3] = [b"hello", b"", b"hi"];
/// The longest payload that all framings can carry.
const LONG: usize = 9999;

pub(crate) fn anywhere<D: Ends>(cell: Cell) {
    receiving::<D>(cell);
    sending::<D>(cell);
}

/// A receive is given up after every byte.
fn receiving<D: Ends>(cell: Cell) {
    let (mut ours, peer) = cell.pair::<D>();
    let mut messages = Vec::new();
    for byte in cell.frames(&MESSAGES) {
        (&peer).write_all(&[byte]).unwrap();
        messages.extend((0..2).filter_map(|_| ours.give_up_receiving()));
    }
    while messages.len() < MESSAGES.len() {
        messages.push(next(&mut ours));
    }
    assert!(messages == MESSAGES, "{messages:?}");
}

/// A send is given up inside a frame, because the peer reads nothing. The rest of the frame is written first.
fn sending<D: Ends>(cell: Cell) {
    let (mut ours, peer) = cell.pair::<D>();
    let mut accepted = 0;
    loop {
        let payload = [b'a' + u8::try_from(accepted % 23).unwrap(); LONG];
        match ours.send_within(&payload, Duration::ZERO) {
            Err(error) if matches!(error.cause(), Cause::NoRoom { .. }) => break,
            Err(error) if !matches!(error.cause(), Cause::TimedOut { .. }) => panic!("{error}"),
            _ => accepted += 1,
        }
        assert!(accepted < 10_000, "messages are accepted without bound");
    }
    let reading = Task::start(move || {
        for number in 0..accepted {
            let expected = [b'a' + u8::try_from(number % 23).unwrap(); LONG];
            assert!(cell.read(&peer) == expected, "message {number} of {accepted}");
        }
        cell.read(&peer)
    });
    ours.send(b"end").unwrap();
    assert_eq!(reading.join(), b"end");
}
