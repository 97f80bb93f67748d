//! The limit of calls in flight.

use std::time::Duration;

use framelink_transport::session::{Ended, Matching, NotBegun, Sent};
use framelink_transport::{Cause, Incoming};

use crate::support::many::{DEADLINE, Happened, Many, by_key, on_every_driver, pair};

const SHORT: Duration = Duration::from_millis(100);

on_every_driver!(
    tls:
    calls_beyond_the_window_wait,
    waiting_for_room_counts_towards_the_timeout,
    too_many_unanswered_calls_end_the_link,
);
// Over TLS, a helper reads for the peer.
on_every_driver!(the_queue_for_a_peer_that_reads_nothing_is_bounded);

fn calls_beyond_the_window_wait<M: Many>() {
    for matching in [Matching::in_order().window(2), by_key().window(2)] {
        let (mut ours, mut peer) = pair::<M>(matching);
        for call in 0..5 {
            ours.begin(call, format!("{call:02}").as_bytes(), DEADLINE);
        }
        let mut owed = vec![peer.read(), peer.read()];
        for left in (0..5).rev() {
            peer.expect_nothing();
            assert!(ours.in_flight() <= 2, "{}", M::NAME);
            let request = owed.remove(0);
            peer.send(&request);
            let Happened::Reply(call, reply) = ours.next() else { panic!("{}: no reply", M::NAME) };
            assert_eq!((&reply[..], &reply[..]), (&request[..], format!("{call:02}").as_bytes()));
            ours.next_within(Duration::from_millis(1));
            if left >= 2 {
                owed.push(peer.read());
            }
        }
    }
}

fn waiting_for_room_counts_towards_the_timeout<M: Many>() {
    let (mut ours, mut peer) = pair::<M>(by_key().window(1));
    ours.begin(0, b"01", DEADLINE);
    peer.read();
    if M::NAME == "nonblocking" {
        return; // this driver reports that the window is full, and the program waits
    }
    ours.begin(1, b"02", SHORT);
    let error = ours.failure(1);
    assert_eq!(error.sent(), Sent::Not);
    assert!(matches!(error.error().cause(), Cause::NotBegun(NotBegun::Full { window: 1 })), "{}: {error}", M::NAME);
    peer.expect_nothing();
    peer.send(b"01");
    ours.reply(0);
    // The failed call leaves no trace in the window.
    ours.begin(2, b"03", DEADLINE);
    assert_eq!(peer.read(), b"03");
}

fn the_queue_for_a_peer_that_reads_nothing_is_bounded<M: Many>() {
    let (mut ours, mut peer) = pair::<M>(by_key());
    let request = |call: usize| [format!("{call:02}").as_bytes(), &[b'x'; 60_000]].concat();
    let calls = 60;
    for call in 0..calls {
        ours.begin(call, &request(call), Duration::from_millis(500));
    }
    let mut not_sent = 0;
    let mut not_sent_calls = Vec::new();
    let mut others = 0;
    // On the non-blocking driver, calls for which there is no room are not begun.
    while let Some(happened) = ours.next_within(Duration::from_secs(2)) {
        let Happened::Failed(call, error) = happened else { panic!("{}: {happened:?}", M::NAME) };
        match error.sent() {
            Sent::Not => {
                not_sent += 1;
                not_sent_calls.push(call);
            }
            Sent::Perhaps | Sent::NoReply => others += 1,
        }
    }
    assert!(others > 0, "{}: {not_sent} not sent", M::NAME);
    assert!(others < calls || not_sent > 0, "{}: the system accepted every request", M::NAME);
    // A begun request is written whole when the peer reads again. A request that is reported as not sent is never
    // written.
    ours.begin(99, b"99 the last", DEADLINE);
    let reading = std::thread::spawn(move || {
        let mut came = Vec::new();
        while came.last().is_none_or(|message| message != b"99 the last") {
            came.push(peer.read());
        }
        peer.send(&came[0][..2]);
        peer.send(b"99");
        (peer, came)
    });
    assert!(matches!(ours.received(), Happened::Incoming(Incoming::Late(_))), "{}", M::NAME);
    ours.reply(99);
    for message in &reading.join().unwrap().1 {
        let call = std::str::from_utf8(&message[..2]).unwrap();
        let is_not_sent = call.parse().is_ok_and(|call: usize| not_sent_calls.contains(&call));
        assert!(!is_not_sent, "{}: {call} was not sent, and arrived", M::NAME);
        assert!(call == "99" || message.len() == 60_002, "whole");
    }
}

fn too_many_unanswered_calls_end_the_link<M: Many>() {
    let (mut ours, mut peer) = pair::<M>(by_key().unanswered(2));
    for call in 0..2 {
        ours.begin(call, format!("{call:02}").as_bytes(), SHORT);
        peer.read();
        assert_eq!(ours.failure(call).sent(), Sent::NoReply);
    }
    ours.begin(2, b"02", SHORT);
    peer.read();
    assert_eq!(ours.failure(2).sent(), Sent::NoReply);
    let Happened::Lost(error) = ours.received() else { panic!("{}: not lost", M::NAME) };
    assert!(matches!(error.cause(), Cause::NotBegun(NotBegun::Ended(Ended::Unanswered))), "{error}");
    assert!(peer.read_to_end().is_empty());
}
