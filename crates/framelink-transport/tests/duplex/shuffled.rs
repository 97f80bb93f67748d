//! Ten thousand calls by key, 64 at a time. The peer answers in any order, late and twice, and sends unsolicited
//! messages.

use std::collections::HashSet;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use framelink_testkit::{Fault, Hostile};
use framelink_transport::session::{KeyRule, Matching, Sent};
use framelink_transport::{Incoming, Length};

use crate::support::many::{DEADLINE, Happened, Many, framing, on_every_driver};

on_every_driver!(
    tls:every_reply_answers_its_own_call_or_is_reported);

const CALLS: usize = 10_000;
const WINDOW: usize = 64;
/// Longer than an answer takes here, and shorter than the peer holds a late answer.
const WITHIN: Duration = Duration::from_millis(400);

fn every_reply_answers_its_own_call_or_is_reported<M: Many>() {
    let matching = Matching::by_key(KeyRule::at("0:8".parse().unwrap())).window(WINDOW);
    let length: Length = "net:2".parse().unwrap();
    let peer =
        Hostile::builder(length, Fault::Shuffled).delay(WITHIN * 2).messages(["news"]).listen("127.0.0.1:0").unwrap();
    let mut ours = M::new(TcpStream::connect(peer.local_addr()).unwrap(), framing("net:2"), matching);
    let (mut begun, mut over) = (0, 0);
    let (mut answered, mut late, mut unsolicited) = (HashSet::new(), HashSet::new(), 0_u64);
    let mut given_up = HashSet::new();
    while over < CALLS {
        while begun - over < WINDOW && begun < CALLS {
            ours.begin(begun, format!("{begun:08} please").as_bytes(), WITHIN);
            begun += 1;
        }
        match ours.next() {
            Happened::Reply(call, reply) => {
                assert_eq!(
                    &reply[..],
                    format!("{call:08} please").as_bytes(),
                    "{}: the reply of another call",
                    M::NAME
                );
                assert!(answered.insert(call));
                over += 1;
            }
            Happened::Failed(call, error) => {
                assert_eq!(error.sent(), Sent::NoReply, "{}: {error}", M::NAME);
                assert!(given_up.insert(call));
                over += 1;
            }
            Happened::Incoming(Incoming::Late(reply)) => assert!(late.insert(number(&reply.key().unwrap()[..]))),
            Happened::Incoming(Incoming::Message(_)) => unsolicited += 1,
            other => panic!("{}: {other:?}", M::NAME),
        }
    }
    // The late replies still arrive, and no other event happens.
    let began = Instant::now();
    while late.len() < given_up.len() {
        match ours.next() {
            Happened::Incoming(Incoming::Late(reply)) => assert!(late.insert(number(&reply.key().unwrap()[..]))),
            Happened::Incoming(Incoming::Message(_)) => unsolicited += 1,
            other => panic!("{}: {other:?}", M::NAME),
        }
        assert!(began.elapsed() < DEADLINE);
    }
    assert_eq!(late, given_up, "{}", M::NAME);
    assert_eq!(answered.len() + given_up.len(), CALLS);
    assert!(given_up.len() > CALLS / 100 && given_up.len() < CALLS / 20, "{} given up", given_up.len());
    assert_eq!((ours.in_flight(), ours.unanswered()), (0, 0));
    // The peer counts a message a moment after it is sent.
    assert!(peer.wait_for(DEADLINE, |counts| counts.messages_sent - counts.messages_received >= unsolicited));
    let counts = peer.counts();
    let surplus = counts.messages_sent - counts.messages_received;
    assert!(
        surplus > 100 && unsolicited <= surplus && unsolicited + 10 >= surplus,
        "{}: {unsolicited} of {surplus}",
        M::NAME
    );
}

fn number(key: &[u8]) -> usize {
    std::str::from_utf8(key).unwrap().parse().unwrap()
}
