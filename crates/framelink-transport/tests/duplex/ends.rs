//! What happens to the calls in flight when a connection ends.

use std::net::Shutdown;
use std::time::Duration;

use framelink_transport::session::{Matching, Sent};
use framelink_transport::{Blame, Cause, Incoming};

use crate::support::many::{DEADLINE, Happened, Many, by_key, on_every_driver, pair};
use crate::support::peer::Peer;

const SHORT: Duration = Duration::from_millis(200);

on_every_driver!(
    tls:
    in_order_one_timeout_ends_the_link_and_fails_every_call,
    a_peer_that_closes_fails_every_call,
    a_peer_that_resets_fails_every_call,
    whole_messages_are_delivered_before_the_end,
    garbage_fails_every_call,
    half_a_frame_at_the_end_is_an_error,
    after_the_peers_end_ours_can_still_send,
    a_request_queued_when_the_peer_ends_its_side_is_perhaps_sent,
);

/// Begins `count` calls, and waits until the peer has all of them.
fn begin<M: Many>(ours: &mut M, peer: &mut Peer, count: usize, within: Duration) {
    for call in 0..count {
        ours.begin(call, format!("{call:02}").as_bytes(), within);
        peer.read();
    }
    ours.wait_for_in_flight(count);
}

/// Returns the errors of `count` calls in any order, and the end.
fn failures<M: Many>(ours: &mut M, count: usize) -> (Vec<framelink_transport::CallError>, Option<Happened>) {
    let (mut failures, mut end) = (Vec::new(), None);
    while failures.len() < count || end.is_none() {
        match ours.next() {
            Happened::Failed(call, error) => failures.push((call, error)),
            happened @ (Happened::Closed | Happened::Lost(_)) => end = Some(happened),
            other => panic!("{}: {other:?}", M::NAME),
        }
    }
    failures.sort_by_key(|(call, _)| *call);
    (failures.into_iter().map(|(_, error)| error).collect(), end)
}

fn in_order_one_timeout_ends_the_link_and_fails_every_call<M: Many>() {
    let (mut ours, mut peer) = pair::<M>(Matching::in_order());
    ours.begin(0, b"00", SHORT);
    peer.read();
    for call in 1..4 {
        ours.begin(call, format!("{call:02}").as_bytes(), DEADLINE);
        peer.read();
    }
    let (failures, end) = failures(&mut ours, 4);
    assert!(matches!(failures[0].error().cause(), Cause::TimedOut { .. }), "{}: {}", M::NAME, failures[0]);
    assert_eq!(failures[0].sent(), Sent::NoReply);
    for failure in &failures[1..] {
        assert!(matches!(failure.error().cause(), Cause::Unclean(_)), "{}: {failure}", M::NAME);
        assert_eq!(failure.sent(), Sent::Perhaps);
    }
    assert!(matches!(end, Some(Happened::Lost(error)) if matches!(error.cause(), Cause::Unclean(_))));
    assert!(peer.read_to_end().is_empty(), "{}: the socket is closed", M::NAME);
    // A late reply finds no call, and no call can be made any more.
    ours.begin(9, b"09", DEADLINE);
    assert_eq!(ours.failure(9).sent(), Sent::Not);
}

fn a_peer_that_closes_fails_every_call<M: Many>() {
    let (mut ours, mut peer) = pair::<M>(by_key());
    begin(&mut ours, &mut peer, 3, DEADLINE);
    drop(peer);
    let (failures, end) = failures(&mut ours, 3);
    for failure in failures {
        assert_eq!((failure.sent(), failure.error().blame()), (Sent::Perhaps, Blame::Peer), "{}", M::NAME);
        assert!(matches!(failure.error().cause(), Cause::NoReply), "{failure}");
    }
    assert!(matches!(end, Some(Happened::Closed)));
    ours.begin(9, b"09", DEADLINE);
    let error = ours.failure(9);
    assert_eq!(error.sent(), Sent::Not, "{error}");
}

fn a_peer_that_resets_fails_every_call<M: Many>() {
    let (mut ours, mut peer) = pair::<M>(Matching::in_order());
    begin(&mut ours, &mut peer, 3, DEADLINE);
    socket2::SockRef::from(&peer.0).set_linger(Some(Duration::ZERO)).unwrap();
    drop(peer);
    let (failures, end) = failures(&mut ours, 3);
    for failure in failures {
        assert_eq!((failure.sent(), failure.error().blame()), (Sent::Perhaps, Blame::Network), "{}", M::NAME);
        assert!(matches!(failure.error().cause(), Cause::Reset(_)), "{failure}");
    }
    assert!(matches!(end, Some(Happened::Lost(error)) if matches!(error.cause(), Cause::Reset(_))));
}

fn whole_messages_are_delivered_before_the_end<M: Many>() {
    let (mut ours, mut peer) = pair::<M>(by_key());
    begin(&mut ours, &mut peer, 2, DEADLINE);
    peer.send(b"99 news");
    peer.send(b"01 reply");
    drop(peer);
    let mut seen = Vec::new();
    loop {
        match ours.next() {
            Happened::Reply(1, reply) => seen.push(reply.to_vec()),
            Happened::Incoming(Incoming::Message(news)) => seen.push(news.to_vec()),
            Happened::Failed(0, _) => {}
            Happened::Closed => break,
            other => panic!("{}: {other:?}", M::NAME),
        }
    }
    // The thread of the call reports the reply. That thread may be slower than the receiving one.
    if seen.len() < 2 {
        loop {
            match ours.next() {
                Happened::Reply(1, reply) => break seen.push(reply.to_vec()),
                Happened::Failed(0, _) => {}
                other => panic!("{}: {other:?}", M::NAME),
            }
        }
    }
    seen.sort();
    assert_eq!(seen, [&b"01 reply"[..], b"99 news"], "{}", M::NAME);
}

fn garbage_fails_every_call<M: Many>() {
    let (ours, theirs) = crate::support::peer::small_sockets();
    let (mut ours, mut peer) = (M::new(ours, crate::support::many::framing("ascii:2"), by_key()), Peer(theirs));
    ours.begin(0, b"00", DEADLINE);
    std::io::Read::read_exact(&mut peer.0, &mut [0; 4]).unwrap();
    std::io::Write::write_all(&mut peer.0, b"GET / HTTP/1.1\r\n").unwrap();
    let (failures, end) = failures(&mut ours, 1);
    assert!(failures[0].to_string().contains("HTTP"), "{}: {}", M::NAME, failures[0]);
    assert!(matches!(end, Some(Happened::Lost(error)) if error.blame() == Blame::Peer));
    peer.read_to_end();
}

fn half_a_frame_at_the_end_is_an_error<M: Many>() {
    let (mut ours, mut peer) = pair::<M>(by_key());
    begin(&mut ours, &mut peer, 1, DEADLINE);
    std::io::Write::write_all(&mut peer.0, b"\0\x0900 re").unwrap();
    drop(peer);
    let (failures, end) = failures(&mut ours, 1);
    assert!(failures[0].to_string().contains("stream ended inside a frame"), "{}: {}", M::NAME, failures[0]);
    assert!(matches!(end, Some(Happened::Lost(_))));
}

fn after_the_peers_end_ours_can_still_send<M: Many>() {
    let (mut ours, mut peer) = pair::<M>(by_key());
    peer.0.shutdown(Shutdown::Write).unwrap();
    assert!(matches!(ours.received(), Happened::Closed), "{}", M::NAME);
    ours.send(b"good-bye").unwrap();
    assert_eq!(peer.read(), b"good-bye");
}

fn a_request_queued_when_the_peer_ends_its_side_is_perhaps_sent<M: Many>() {
    let (mut ours, mut peer) = pair::<M>(by_key());
    let request = |call: usize| [format!("{call:02}").as_bytes(), &[b'x'; 60_000]].concat();
    for call in 0..30 {
        ours.begin(call, &request(call), DEADLINE);
    }
    // Some requests wait in the queue.
    std::thread::sleep(Duration::from_millis(100));
    peer.0.shutdown(Shutdown::Write).unwrap();
    let reading = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(100));
        let mut came = Vec::new();
        let mut head = [0; 2];
        while std::io::Read::read_exact(&mut peer.0, &mut head).is_ok() {
            let mut payload = vec![0; usize::from(u16::from_be_bytes(head))];
            if std::io::Read::read_exact(&mut peer.0, &mut payload).is_err() {
                break;
            }
            came.push(String::from_utf8(payload[..2].to_vec()).unwrap());
        }
        came
    });
    let mut not_sent = Vec::new();
    let mut over = 0;
    while over < 30 {
        if let Happened::Failed(call, error) = ours.next() {
            over += 1;
            if error.sent() == Sent::Not {
                not_sent.push(format!("{call:02}"));
            }
        }
    }
    let _ = ours.send(b"zz");
    drop(ours);
    let came = reading.join().unwrap();
    assert!(
        came.iter().all(|call| !not_sent.contains(call)),
        "{}: {not_sent:?} were not sent, {came:?} arrived",
        M::NAME
    );
}
