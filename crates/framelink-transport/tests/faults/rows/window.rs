//! Row 16: a peer that reads nothing.

use std::time::{Duration, Instant};

use framelink_transport::Cause;

use crate::cell::{Cell, next};
use crate::driver::DEADLINE;
use crate::ends::Ends;

/// The longest payload that all framings can carry.
const LONG: usize = 9999;
/// The most bytes that may wait to be written, with the message that is being written.
const MOST_QUEUED: usize = 64 * 1024 + 2 * LONG;

pub(crate) fn closed<D: Ends>(cell: Cell) {
    let (mut ours, peer) = cell.pair::<D>();
    let (mut other, honest) = cell.pair::<D>();
    let mut accepted = 0;
    let error = loop {
        match ours.send_within(&[7; LONG], Duration::from_millis(5)) {
            Err(error) if matches!(error.cause(), Cause::NoRoom { .. }) => break error,
            Err(error) if !matches!(error.cause(), Cause::TimedOut { .. }) => panic!("{error}"),
            _ => accepted += 1,
        }
        assert!(accepted < 10_000, "messages are accepted without bound");
    };
    let Cause::NoRoom { queued_bytes, .. } = error.cause() else { unreachable!("the loop ends with this cause") };
    assert!((1..=MOST_QUEUED).contains(queued_bytes), "{queued_bytes} bytes wait");
    // A call does not wait longer either. (The system may find room for some more bytes, so how much of the call is
    // sent varies.)
    let began = Instant::now();
    ours.call(b"hello", Duration::from_millis(5)).unwrap_err();
    assert!(began.elapsed() < DEADLINE, "{:?}", began.elapsed());
    // The other connection is still usable.
    other.send_within(b"hello", DEADLINE).unwrap();
    assert_eq!(cell.read(&honest), b"hello");
    cell.write(&honest, b"hello");
    assert_eq!(next(&mut other), b"hello");
    drop(peer);
}
