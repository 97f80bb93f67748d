//! Subscribers that read nothing.

use std::time::Instant;

use framelink_transport::session::{Backlog, PushCounts, SlowRule};
use framelink_transport::{Blame, Cause, Registry, Target};

use super::{eventually, number_of, numbered, subscribed};
use crate::support::peer::DEADLINE;
use crate::support::server::{Serve, on_every_driver};

on_every_driver!(
    drop_leaves_out_the_messages_pushed_while_the_backlog_was_full,
    skip_leaves_out_the_messages_that_waited_longest,
    close_closes_only_the_slow_member,
);

/// More messages than the sockets and the backlog hold.
const MESSAGES: usize = 500;
const LEN: usize = 10_000;

fn drop_leaves_out_the_messages_pushed_while_the_backlog_was_full<S: Serve>() {
    let registry = Registry::new(Backlog::new(SlowRule::Drop).messages(8));
    let (_server, mut subscribers) = subscribed::<S>(&registry, 1);
    let (slow, peer) = &mut subscribers[0];
    let mut queued = Vec::new();
    for number in 0..MESSAGES {
        let pushed = registry.push(Target::All, &numbered(number, LEN)).unwrap();
        assert_eq!(pushed.queued + pushed.dropped, 1);
        if pushed.queued == 1 {
            queued.push(number);
        }
    }
    let counts = registry.counts_of(*slow).unwrap();
    assert!(counts.dropped > 0 && counts.dropped == (MESSAGES - queued.len()) as u64, "{}: {counts:?}", S::NAME);
    assert_eq!((counts.skipped, counts.closed), (0, 0));
    for number in &queued {
        assert_eq!(number_of(&peer.read()), *number, "{}", S::NAME);
    }
    // The member has caught up, and receives pushes again.
    registry.push(Target::One(*slow), b"again").unwrap();
    assert_eq!(peer.read(), b"again");
    assert_eq!(registry.counts().dropped, counts.dropped);
}

fn skip_leaves_out_the_messages_that_waited_longest<S: Serve>() {
    let registry = Registry::new(Backlog::new(SlowRule::Skip).messages(8));
    let (_server, mut subscribers) = subscribed::<S>(&registry, 1);
    let (slow, peer) = &mut subscribers[0];
    for number in 0..MESSAGES {
        assert_eq!(registry.push(Target::All, &numbered(number, LEN)).unwrap().queued, 1);
    }
    let counts = registry.counts_of(*slow).unwrap();
    assert!(counts.skipped > 0, "{}: {counts:?}", S::NAME);
    let mut read = Vec::new();
    while read.last() != Some(&(MESSAGES - 1)) {
        read.push(number_of(&peer.read()));
    }
    assert!(read.is_sorted_by(|one, next| one < next), "{}: {read:?}", S::NAME);
    assert_eq!(read.len() as u64 + counts.skipped, MESSAGES as u64, "every message is read or skipped");
    assert_eq!(read[read.len() - 8..], (MESSAGES - 8..MESSAGES).collect::<Vec<_>>(), "the newest are whole");
    peer.expect_nothing();
}

fn close_closes_only_the_slow_member<S: Serve>() {
    let registry = Registry::new(Backlog::new(SlowRule::Close).messages(8));
    let (server, mut subscribers) = subscribed::<S>(&registry, 2);
    let slow = subscribers[0].0;
    let (mut pushed, began) = (0, Instant::now());
    loop {
        // The message is so large that the server is writing one when the limit is reached.
        let outcome = registry.push(Target::All, &numbered(pushed, 6 * LEN)).unwrap();
        // The other subscriber reads each message, so it is never behind.
        assert_eq!(number_of(&subscribers[1].1.read()), pushed, "{}", S::NAME);
        pushed += 1;
        if outcome.closed == 1 {
            break;
        }
        assert!(began.elapsed() < DEADLINE);
    }
    let error = server.outcome().unwrap_err();
    assert!(matches!(error.cause(), Cause::TooSlow), "{}: {error}", S::NAME);
    assert_eq!(error.blame(), Blame::Peer);
    assert!(error.to_string().starts_with("serving 127.0.0.1:"), "{error}");
    assert!(error.to_string().ends_with(": the peer reads too slowly for what is pushed to it"), "{error}");
    assert_eq!(registry.members(), [subscribers[1].0]);
    // A delivery may be counted a moment after the peer has read it.
    let each_once = |counts: PushCounts| counts.delivered + counts.lost + counts.dropped == 2 * pushed as u64;
    let counts = eventually(&registry, each_once);
    assert_eq!((counts.closed, counts.dropped), (1, 1), "{counts:?}");
    assert_eq!(registry.push(Target::One(slow), b"more").unwrap().gone, 1);
    let read = subscribers[0].1.read_to_end();
    assert!(read.len() < pushed * 6 * LEN, "the stream ends at the close");
    registry.push(Target::All, b"on").unwrap();
    assert_eq!(subscribers[1].1.read(), b"on");
}
