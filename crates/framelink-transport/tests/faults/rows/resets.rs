//! Rows 7 to 10: peers that reset or close, and the messages in transit.

use std::io::Write;
use std::thread;
use std::time::Duration;

use framelink_transport::session::Sent;
use framelink_transport::{Blame, Cause};

use crate::cell::{Cell, next};
use crate::driver::DEADLINE;
use crate::ends::Ends;
use crate::peer::{Task, read_exactly, reset};

pub(crate) fn inside_a_frame<D: Ends>(cell: Cell) {
    let frame = cell.frame(b"hello");
    for came in 0..frame.len() {
        let (mut ours, peer) = cell.pair::<D>();
        (&peer).write_all(&frame[..came]).unwrap();
        reset(peer);
        let error = ours.recv().unwrap_err();
        assert!(matches!(error.cause(), Cause::Reset(_)), "after {came} bytes: {error}");
        assert_eq!(error.blame(), Blame::Network);
        assert!(ours.recv().is_err(), "the error never becomes an orderly end");
    }
}

pub(crate) fn behind_whole_messages<D: Ends>(cell: Cell) {
    let (mut ours, peer) = cell.pair::<D>();
    (&peer).write_all(&[&cell.frames(&[b"one", b"two"])[..], &cell.frame(b"three")[..3]].concat()).unwrap();
    reset(peer);
    // Only Linux still delivers bytes that arrived before the reset and were not yet read.
    if cfg!(target_os = "linux") {
        assert_eq!(next(&mut ours), b"one");
        assert_eq!(next(&mut ours), b"two");
    }
    let error = ours.recv().unwrap_err();
    assert!(matches!(error.cause(), Cause::Reset(_)), "{error}");

    // A reply before the reset is delivered too.
    let (mut ours, peer) = cell.pair::<D>();
    let replying = Task::start(move || {
        read_exactly(&peer, cell.frame(b"hi").len());
        (&peer).write_all(&cell.frame(b"reply")).unwrap();
        reset(peer);
    });
    assert_eq!(&ours.call(b"hi", DEADLINE).unwrap()[..], b"reply");
    replying.join();
    assert!(matches!(ours.recv().unwrap_err().cause(), Cause::Reset(_)));
}

pub(crate) fn with_unread_data<D: Ends>(cell: Cell) {
    let (mut ours, peer) = cell.pair::<D>();
    let closing = Task::start(move || {
        // The peer's socket has the message, and the peer does not read it.
        while peer.peek(&mut [0; 64]).unwrap() < cell.frame(b"hi").len() {}
        drop(peer);
    });
    let error = ours.call(b"hi", DEADLINE).unwrap_err();
    closing.join();
    assert!(matches!(error.error().cause(), Cause::Reset(_)), "{error}");
    assert_eq!(error.sent(), Sent::Perhaps, "{error}");
    assert!(ours.send(b"hi").is_err() || ours.send(b"hi").is_err(), "sending fails from now on");
}

pub(crate) fn writing_after_the_close<D: Ends>(cell: Cell) {
    let (mut ours, peer) = cell.pair::<D>();
    drop(peer);
    assert!(ours.recv().unwrap().is_none());
    // The system accepts the first write. The peer's system answers it with a reset.
    let _ = ours.send(b"first");
    let mut failed = ours.send(b"second");
    while failed.is_ok() {
        thread::sleep(Duration::from_millis(1));
        failed = ours.send(b"another");
    }
    let error = failed.unwrap_err();
    assert!(matches!(error.cause(), Cause::Reset(_)), "{error}");
    for _ in 0..2 {
        assert!(ours.send(b"again").is_err(), "sending stays an error");
    }
    assert_eq!(ours.call(b"again", DEADLINE).unwrap_err().sent(), Sent::Not);
}
