//! Ten thousand calls by key, 64 at a time, with a peer that answers in any order, late, twice, and what nobody asked.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use framelink_transport::Incoming;
use framelink_transport::session::{KeyRule, Matching, Sent};

use crate::many::{DEADLINE, Happened, Many, on_every_driver};
use crate::peer::{Peer, pair};

on_every_driver!(every_reply_finds_its_own_call_or_is_reported);

const CALLS: usize = 10_000;
const WINDOW: usize = 64;
/// Long beside what an answer takes here, and short beside what those take that are held.
const WITHIN: Duration = Duration::from_millis(400);

/// What the peer does with so many of a hundred.
const LATE: u64 = 2;
const TWICE: u64 = 1;
const UNASKED: u64 = 1;

fn every_reply_finds_its_own_call_or_is_reported<M: Many>() {
    let matching = Matching::by_key(KeyRule::at("0:8".parse().unwrap())).window(WINDOW);
    let (mut ours, peer) = pair::<M>(matching);
    let shuffling = std::thread::spawn(move || shuffle(peer));
    let (mut begun, mut over) = (0, 0);
    let (mut answered, mut late, mut unasked) = (HashSet::new(), HashSet::new(), 0);
    let mut given_up = HashSet::new();
    while over < CALLS {
        while begun - over < WINDOW && begun < CALLS {
            ours.begin(begun, format!("{begun:08} please").as_bytes(), WITHIN);
            begun += 1;
        }
        match ours.next() {
            Happened::Reply(call, reply) => {
                assert_eq!(&reply[..], format!("{call:08} here you are").as_bytes(), "{}: a foreign reply", M::NAME);
                assert!(answered.insert(call));
                over += 1;
            }
            Happened::Failed(call, error) => {
                assert_eq!(error.sent(), Sent::NoReply, "{}: {error}", M::NAME);
                assert!(given_up.insert(call));
                over += 1;
            }
            Happened::Incoming(Incoming::Late(reply)) => assert!(late.insert(number(&reply.key().unwrap()[..]))),
            Happened::Incoming(Incoming::Message(_)) => unasked += 1,
            other => panic!("{}: {other:?}", M::NAME),
        }
    }
    // Those that are late still come, and nothing else happens.
    let began = Instant::now();
    while late.len() < given_up.len() {
        match ours.next() {
            Happened::Incoming(Incoming::Late(reply)) => assert!(late.insert(number(&reply.key().unwrap()[..]))),
            Happened::Incoming(Incoming::Message(_)) => unasked += 1,
            other => panic!("{}: {other:?}", M::NAME),
        }
        assert!(began.elapsed() < DEADLINE);
    }
    assert_eq!(late, given_up, "{}", M::NAME);
    assert_eq!(answered.len() + given_up.len(), CALLS);
    assert!(given_up.len() > CALLS / 100 && given_up.len() < CALLS / 20, "{} given up", given_up.len());
    assert_eq!((ours.in_flight(), ours.unanswered()), (0, 0));
    drop(ours);
    let surplus = shuffling.join().unwrap();
    assert!(unasked <= surplus && unasked + 10 >= surplus, "{}: {unasked} unasked, {surplus} sent", M::NAME);
}

/// Answers until the end; how many messages answered nothing.
fn shuffle(mut peer: Peer) -> usize {
    let mut random = Random(1);
    let mut held: Vec<Vec<u8>> = Vec::new();
    let mut late: Vec<(Instant, Vec<u8>)> = Vec::new();
    let mut surplus = 0;
    peer.0.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
    let mut reader = framelink_transport::FrameReader::new(peer.0.try_clone().unwrap(), crate::many::framing("net:2"));
    loop {
        let mut is_quiet = false;
        match reader.read() {
            Ok(Some(request)) => {
                let reply = [&request.payload[..8], b" here you are"].concat();
                match random.below(100) {
                    ..LATE => late.push((Instant::now() + WITHIN * 2, reply)),
                    dice => {
                        if dice < LATE + TWICE {
                            surplus += 1;
                            held.push(reply.clone());
                        } else if dice < LATE + TWICE + UNASKED {
                            surplus += 1;
                            held.push(b"news".to_vec());
                        }
                        held.push(reply);
                    }
                }
            }
            Ok(None) => return surplus,
            Err(framelink_transport::ReadError::Io(error)) if error.kind() == std::io::ErrorKind::WouldBlock => {
                is_quiet = true
            }
            Err(_) => return surplus,
        }
        let due = late.iter().take_while(|(at, _)| *at <= Instant::now()).count();
        held.extend(late.drain(..due).map(|(_, reply)| reply));
        while held.len() > if is_quiet { 0 } else { WINDOW / 2 } {
            let which = usize::try_from(random.below(held.len() as u64)).unwrap();
            let reply = held.swap_remove(which);
            if std::io::Write::write_all(&mut peer.0, &crate::peer::frame(&reply)).is_err() {
                return surplus;
            }
        }
    }
}

fn number(key: &[u8]) -> usize {
    std::str::from_utf8(key).unwrap().parse().unwrap()
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}
