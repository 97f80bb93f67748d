//! A million calls by key on a virtual clock, 64 at a time. Replies arrive in any order, late, or twice. Some messages
//! are unsolicited.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::alloc::System;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use framelink_session::{Arrived, InFlight, KeyRule, Matching};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The bytes that are allocated now.
fn held() -> isize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated.cast_signed() - stats.bytes_deallocated.cast_signed()
}

const CALLS: u64 = 1_000_000;
const WINDOW: usize = 64;
const WITHIN: Duration = Duration::from_secs(5);

#[test]
fn every_reply_of_a_million_finds_its_own_call_or_is_reported() {
    let mut in_flight = InFlight::new(Matching::by_key(KeyRule::at("0:8".parse().unwrap())).window(WINDOW));
    let mut peer = Peer { random: 1, replies: BTreeMap::new(), sent: 0 };
    let (mut now, mut begun) = (Duration::ZERO, 0);
    let (mut answered, mut given_up, mut late, mut unsolicited) = (0, 0, 0, 0);
    let mut most_unanswered = 0;
    let (mut held_early, mut at_the_end) = (None, None);
    while begun < CALLS || !peer.replies.is_empty() {
        while begun < CALLS && in_flight.room() > 0 {
            let request = begun.to_be_bytes();
            in_flight.begin(&mut Cow::Borrowed(&request), begun, now, now + WITHIN).unwrap();
            peer.is_asked(begun, now);
            begun += 1;
        }
        let next = peer.replies.first_key_value().map(|((at, _), _)| *at);
        now = [next, in_flight.deadline()].into_iter().flatten().min().unwrap().max(now);
        // Received messages are handled before the time.
        while let Some(reply) = peer.reply(now) {
            match in_flight.on_message(&reply, now) {
                Arrived::Reply(call) => {
                    assert_eq!(reply, call.to_be_bytes(), "a foreign reply");
                    answered += 1;
                }
                Arrived::Late(reply_to) => {
                    assert_eq!(reply_to.key.unwrap()[..], reply);
                    assert!(reply_to.delay > WITHIN);
                    late += 1;
                }
                Arrived::Unsolicited => unsolicited += 1,
                Arrived::Untold => panic!("by key each can be told"),
            }
        }
        given_up += in_flight.expire(now).len() as u64;
        most_unanswered = most_unanswered.max(in_flight.unanswered());
        if begun > CALLS / 10 {
            held_early.get_or_insert_with(held);
        }
        if begun == CALLS {
            at_the_end.get_or_insert_with(held);
        }
    }
    let (early, late_on) = (held_early.unwrap(), at_the_end.unwrap());
    assert!(late_on < early + 64 * 1024, "{early} bytes after a tenth of the calls, {late_on} after all");
    assert_eq!((answered + given_up, late), (CALLS, given_up));
    assert_eq!(answered + late + unsolicited, peer.sent);
    assert!(given_up > CALLS / 60 && unsolicited > CALLS / 60, "{given_up} given up, {unsolicited} unsolicited");
    assert!(most_unanswered <= 2 * WINDOW, "{most_unanswered} remembered at once");
    assert_eq!((in_flight.len(), in_flight.unanswered(), in_flight.ended()), (0, 0, None));
}

/// Replies after 0 to 999 ms. Of 100 replies, 2 are late, 1 is sent twice, and 1 follows an unsolicited message.
struct Peer {
    random: u64,
    /// When replies are sent, with a number that makes the key unique.
    replies: BTreeMap<(Duration, u64), [u8; 8]>,
    sent: u64,
}

impl Peer {
    fn is_asked(&mut self, call: u64, now: Duration) {
        let soon = now + Duration::from_millis(self.below(1000));
        match self.below(100) {
            0 | 1 => return self.sends(now + WITHIN + Duration::from_millis(1 + self.random % 2000), call),
            2 => self.sends(soon, call),
            3 => self.sends(soon, u64::MAX - call),
            _ => {}
        }
        self.sends(soon, call);
    }

    fn sends(&mut self, at: Duration, call: u64) {
        self.sent += 1;
        self.replies.insert((at, self.sent), call.to_be_bytes());
    }

    fn reply(&mut self, now: Duration) -> Option<[u8; 8]> {
        let next = self.replies.first_entry()?;
        (next.key().0 <= now).then(|| next.remove())
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % bound
    }
}
