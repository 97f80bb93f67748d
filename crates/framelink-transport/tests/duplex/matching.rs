//! How replies are matched to calls.

use std::time::{Duration, Instant};

use framelink_transport::session::{Encoding, Key, KeyRule, Matching, NotBegun, Sent};
use framelink_transport::{Cause, Incoming};

use crate::support::many::{DEADLINE, Happened, Many, by_key, on_every_driver, pair};

const SHORT: Duration = Duration::from_millis(100);

on_every_driver!(
    tls:
    replies_in_order_answer_their_calls,
    replies_by_key_answer_their_calls_in_any_order,
    replies_by_a_key_function_answer_their_calls,
    keys_are_assigned,
    unanswered_keys_end_the_link_when_no_key_is_left,
    a_key_in_flight_is_refused_before_anything_is_written,
    a_serialized_key_waits_for_the_earlier_call_with_it,
    a_request_without_a_key_is_refused,
    unsolicited_messages_go_to_the_receiver,
    messages_can_be_sent_beside_calls,
    a_late_reply_is_delivered_with_its_key_and_delay,
    a_key_stays_in_use_until_its_late_reply_arrives,
);

fn replies_in_order_answer_their_calls<M: Many>() {
    let (mut ours, mut peer) = pair::<M>(Matching::in_order());
    for call in 0..3 {
        ours.begin(call, format!("call {call}").as_bytes(), DEADLINE);
    }
    // The calls may arrive in any order. Each has its own reply.
    let requests = [peer.read(), peer.read(), peer.read()];
    for request in &requests {
        peer.send(&[b"re: ", &request[..]].concat());
    }
    let mut seen = Vec::new();
    for _ in 0..3 {
        let Happened::Reply(call, reply) = ours.next() else { panic!("{}: no reply", M::NAME) };
        assert_eq!(&reply[..], format!("re: call {call}").as_bytes(), "{}", M::NAME);
        seen.push(call);
    }
    seen.sort_unstable();
    assert_eq!(seen, [0, 1, 2]);
}

fn replies_by_key_answer_their_calls_in_any_order<M: Many>() {
    let (mut ours, mut peer) = pair::<M>(by_key());
    for call in 0..3 {
        ours.begin(call, format!("{call:02} hello").as_bytes(), DEADLINE);
    }
    ours.wait_for_in_flight(3);
    for _ in 0..3 {
        peer.read();
    }
    for call in [1, 2, 0] {
        peer.send(format!("{call:02} good day").as_bytes());
        assert_eq!(&ours.reply(call)[..], format!("{call:02} good day").as_bytes(), "{}", M::NAME);
    }
    assert_eq!((ours.in_flight(), ours.unanswered()), (0, 0));
}

fn replies_by_a_key_function_answer_their_calls<M: Many>() {
    // The key is at the end of a request and at the start of a reply.
    let at_end = KeyRule::by(|message| Key::new(message.last_chunk::<2>()?));
    let rule = at_end.of_reply(|message| Key::new(message.first_chunk::<2>()?));
    let (mut ours, mut peer) = pair::<M>(Matching::by_key(rule));
    ours.begin(0, b"hello 01", DEADLINE);
    ours.begin(1, b"hello 02", DEADLINE);
    peer.read();
    peer.read();
    peer.send(b"02 to you");
    assert_eq!(&ours.reply(1)[..], b"02 to you");
    peer.send(b"01 too");
    assert_eq!(&ours.reply(0)[..], b"01 too");
}

fn keys_are_assigned<M: Many>() {
    for (assigned, first) in [(Encoding::Binary, *b"\0\x01"), (Encoding::Ascii, *b"01")] {
        let rule = KeyRule::at("2:2".parse().unwrap()).assigned(assigned);
        let (mut ours, mut peer) = pair::<M>(Matching::by_key(rule));
        ours.begin(0, b"a-??-same", DEADLINE);
        let one = peer.read();
        assert_eq!(one, [b"a-", &first[..], b"-same"].concat(), "{}", M::NAME);
        ours.begin(1, b"a-??-same", DEADLINE);
        let other = peer.read();
        assert_ne!(one, other);
        peer.send(&other);
        assert_eq!(&ours.reply(1)[..], other);
        peer.send(&one);
        assert_eq!(&ours.reply(0)[..], one);
    }
}

fn unanswered_keys_end_the_link_when_no_key_is_left<M: Many>() {
    let rule = KeyRule::at("0:1".parse().unwrap()).assigned(Encoding::Ascii);
    let (mut ours, mut peer) = pair::<M>(Matching::by_key(rule).window(4));
    for call in 1..10 {
        ours.begin(call, b"? hello", Duration::from_millis(50));
        peer.read();
        ours.failure(call);
    }
    ours.begin(10, b"? hello", DEADLINE);
    let failure = ours.failure(10);
    assert_eq!(failure.sent(), Sent::Not, "{failure}");
    let Happened::Lost(error) = ours.received() else { panic!("{}: not lost", M::NAME) };
    assert!(error.to_string().contains("too many requests were left unanswered"), "{error}");
}

fn a_key_in_flight_is_refused_before_anything_is_written<M: Many>() {
    let (mut ours, mut peer) = pair::<M>(by_key());
    ours.begin(0, b"01 first", DEADLINE);
    assert_eq!(peer.read(), b"01 first");
    ours.begin(1, b"01 second", DEADLINE);
    let error = ours.failure(1);
    assert_eq!(error.sent(), Sent::Not, "{}", M::NAME);
    assert!(matches!(error.error().cause(), Cause::NotBegun(NotBegun::DuplicateKey)), "{error}");
    peer.expect_nothing();
    peer.send(b"01 reply");
    assert_eq!(&ours.reply(0)[..], b"01 reply");
    ours.begin(2, b"01 third", DEADLINE);
    assert_eq!(peer.read(), b"01 third", "{}: the key can be used again", M::NAME);
}

fn a_serialized_key_waits_for_the_earlier_call_with_it<M: Many>() {
    let (mut ours, mut peer) = pair::<M>(by_key().serialized(true));
    ours.begin(0, b"01 first", DEADLINE);
    assert_eq!(peer.read(), b"01 first");
    ours.begin(1, b"01 second", DEADLINE);
    peer.expect_nothing();
    // Calls with other keys go on meanwhile. On the non-blocking driver the test's own loop keeps the order.
    if M::NAME != "nonblocking" {
        ours.begin(2, b"02 other", DEADLINE);
        assert_eq!(peer.read(), b"02 other");
        peer.send(b"02 reply");
        assert_eq!(&ours.reply(2)[..], b"02 reply", "{}", M::NAME);
    }
    peer.send(b"01 reply");
    assert_eq!(&ours.reply(0)[..], b"01 reply");
    assert!(ours.next_within(Duration::from_millis(10)).is_none());
    assert_eq!(peer.read(), b"01 second");
    peer.send(b"01 reply to it");
    assert_eq!(&ours.reply(1)[..], b"01 reply to it");
}

fn a_request_without_a_key_is_refused<M: Many>() {
    let (mut ours, mut peer) = pair::<M>(by_key());
    ours.begin(0, b"x", DEADLINE);
    let error = ours.failure(0);
    assert_eq!(error.sent(), Sent::Not);
    assert!(error.to_string().ends_with("the request, of 1 bytes, has no key (not sent)"), "{error}");
    peer.expect_nothing();
}

fn unsolicited_messages_go_to_the_receiver<M: Many>() {
    let (mut ours, mut peer) = pair::<M>(by_key());
    ours.begin(0, b"01 hello", DEADLINE);
    peer.read();
    for news in [&b"99 news"[..], b"", b"x"] {
        peer.send(news);
        let Happened::Incoming(Incoming::Message(message)) = ours.received() else { panic!("{}: no news", M::NAME) };
        assert_eq!(&message[..], news);
    }
    peer.send(b"01 reply");
    ours.reply(0);
    // A second reply to an answered call is an unsolicited message.
    peer.send(b"01 reply");
    assert!(matches!(ours.received(), Happened::Incoming(Incoming::Message(message)) if &message[..] == b"01 reply"));
}

fn messages_can_be_sent_beside_calls<M: Many>() {
    let (mut ours, mut peer) = pair::<M>(by_key());
    ours.begin(0, b"01 hello", DEADLINE);
    peer.read();
    ours.send(b"news of ours").unwrap();
    assert_eq!(peer.read(), b"news of ours");
    peer.send(b"01 reply");
    ours.reply(0);
}

fn a_late_reply_is_delivered_with_its_key_and_delay<M: Many>() {
    let (mut ours, mut peer) = pair::<M>(by_key());
    let began = Instant::now();
    ours.begin(0, b"01 hello", SHORT);
    peer.read();
    let error = ours.failure(0);
    assert_eq!(error.sent(), Sent::NoReply, "{}: {error}", M::NAME);
    assert!(error.to_string().ends_with("nothing came within 100ms (sent, no reply)"), "{error}");
    assert_eq!((ours.in_flight(), ours.unanswered()), (0, 1));
    // The link stays usable.
    ours.begin(1, b"02 hello", DEADLINE);
    peer.read();
    peer.send(b"02 reply");
    ours.reply(1);
    peer.send(b"01 late");
    let Happened::Incoming(Incoming::Late(late)) = ours.received() else { panic!("{}: not late", M::NAME) };
    assert_eq!((&late.message()[..], &late.key().unwrap()[..]), (&b"01 late"[..], &b"01"[..]));
    assert!(late.delay() >= SHORT && late.delay() <= began.elapsed(), "{:?}", late.delay());
    assert_eq!(ours.unanswered(), 0);
}

fn a_key_stays_in_use_until_its_late_reply_arrives<M: Many>() {
    let (mut ours, mut peer) = pair::<M>(by_key());
    ours.begin(0, b"01 hello", SHORT);
    peer.read();
    ours.failure(0);
    ours.begin(1, b"01 again", SHORT);
    let error = ours.failure(1);
    assert!(matches!(error.error().cause(), Cause::NotBegun(NotBegun::DuplicateKey)), "{}: {error}", M::NAME);
    peer.send(b"01 late");
    assert!(matches!(ours.received(), Happened::Incoming(Incoming::Late(_))));
    ours.begin(2, b"01 once more", DEADLINE);
    assert_eq!(peer.read(), b"01 once more");
    peer.send(b"01 reply");
    assert_eq!(&ours.reply(2)[..], b"01 reply");
}
