//! Which messages are replies: requests of the peer with our numbers are not, on every driver.

use std::collections::BTreeSet;

use framelink_transport::Incoming;
use framelink_transport::session::{Encoding, KeyRule, Match, Matching, Numbers};

use crate::support::many::{DEADLINE, Happened, Many, on_every_driver, pair};
use crate::support::peer::Peer;
use crate::support::peer::small_sockets;

on_every_driver!(
    tls:
    a_deliver_sm_with_our_sequence_number_is_unsolicited,
    a_network_message_with_our_trace_number_reaches_the_application_and_the_reply_its_caller,
    a_reply_to_another_type_of_request_is_unsolicited,
    in_order_a_message_that_fails_the_rule_takes_no_place,
    a_key_of_two_places_finds_its_call,
    a_rule_by_a_function_gets_the_request,
    numbers_go_on_over_connections,
    numbers_wrap_from_the_last_to_one,
);

fn rule(text: &str) -> Match {
    text.parse().unwrap()
}

fn by_key(places: &str) -> KeyRule {
    KeyRule::at(places.parse().unwrap())
}

/// Waits for an unsolicited message.
#[track_caller]
fn unsolicited<M: Many>(ours: &mut M) -> Vec<u8> {
    match ours.received() {
        Happened::Incoming(Incoming::Message(message)) => message.to_vec(),
        other => panic!("{}: not unsolicited: {other:?}", M::NAME),
    }
}

/// A message of SMPP without command_length and without a body.
fn pdu(command: u32, sequence: u32) -> Vec<u8> {
    [command, 0, sequence].map(u32::to_be_bytes).concat()
}

fn a_deliver_sm_with_our_sequence_number_is_unsolicited<M: Many>() {
    let key = by_key("8:4").assigned(Encoding::Binary);
    let (mut ours, mut peer) = pair::<M>(Matching::by_key(key).reply_rule(rule("0:1&80=hex:80")));
    ours.begin(0, &pdu(4, 0), DEADLINE);
    assert_eq!(peer.read(), pdu(4, 1), "{}: submit_sm", M::NAME);
    let deliver_sm = pdu(5, 1);
    peer.send(&deliver_sm);
    assert_eq!(unsolicited(&mut ours), deliver_sm);
    let submit_sm_resp = pdu(0x8000_0004, 1);
    peer.send(&submit_sm_resp);
    assert_eq!(&ours.reply(0)[..], submit_sm_resp, "{}", M::NAME);
}

fn a_network_message_with_our_trace_number_reaches_the_application_and_the_reply_its_caller<M: Many>() {
    let matching = Matching::by_key(by_key("4:6")).reply_rule(rule("2:1=odd"));
    let (mut ours, mut peer) = pair::<M>(matching);
    ours.begin(0, b"0200000001 purchase", DEADLINE);
    assert_eq!(peer.read(), b"0200000001 purchase");
    peer.send(b"0800000001 echo test");
    peer.send(b"0210000001 approved");
    assert_eq!(&ours.reply(0)[..], b"0210000001 approved", "{}", M::NAME);
    assert_eq!(unsolicited(&mut ours), b"0800000001 echo test");
}

fn a_reply_to_another_type_of_request_is_unsolicited<M: Many>() {
    let matching = Matching::by_key(by_key("4:6")).reply_rule(rule("0:4=map:0200>0210|0800>0810"));
    let (mut ours, mut peer) = pair::<M>(matching);
    ours.begin(0, b"0200000001", DEADLINE);
    ours.begin(1, b"0800000002", DEADLINE);
    peer.read();
    peer.read();
    for foreign in [b"0810000001", b"0210000002"] {
        peer.send(foreign);
        assert_eq!(unsolicited(&mut ours), foreign);
    }
    peer.send(b"0810000002");
    assert_eq!(&ours.reply(1)[..], b"0810000002", "{}", M::NAME);
    peer.send(b"0210000001");
    assert_eq!(&ours.reply(0)[..], b"0210000001");
}

fn in_order_a_message_that_fails_the_rule_takes_no_place<M: Many>() {
    let (mut ours, mut peer) = pair::<M>(Matching::in_order().reply_rule(rule("0:1=text:+|text:-")));
    ours.begin(0, b"one", DEADLINE);
    assert_eq!(peer.read(), b"one");
    ours.begin(1, b"two", DEADLINE);
    assert_eq!(peer.read(), b"two");
    for message in [&b"!news"[..], b"+1", b"!more", b"-2"] {
        peer.send(message);
    }
    assert_eq!(&ours.reply(0)[..], b"+1", "{}", M::NAME);
    assert_eq!(&ours.reply(1)[..], b"-2");
    assert_eq!((unsolicited(&mut ours), unsolicited(&mut ours)), (b"!news".to_vec(), b"!more".to_vec()));
}

fn a_key_of_two_places_finds_its_call<M: Many>() {
    let (mut ours, mut peer) = pair::<M>(Matching::by_key(by_key("4:6+10:2")));
    ours.begin(0, b"0200000001T1", DEADLINE);
    ours.begin(1, b"0200000001T2", DEADLINE);
    peer.read();
    peer.read();
    peer.send(b"0210000001T2");
    assert_eq!(&ours.reply(1)[..], b"0210000001T2", "{}", M::NAME);
    peer.send(b"0210000001T1");
    assert_eq!(&ours.reply(0)[..], b"0210000001T1");
}

fn a_rule_by_a_function_gets_the_request<M: Many>() {
    let same_end = Match::by(|message, request| request.is_some_and(|request| request.last() == message.last()));
    let (mut ours, mut peer) = pair::<M>(Matching::by_key(by_key("0:2")).reply_rule(same_end));
    ours.begin(0, b"01 hello A", DEADLINE);
    peer.read();
    peer.send(b"01 for another B");
    assert_eq!(unsolicited(&mut ours), b"01 for another B");
    peer.send(b"01 for us A");
    assert_eq!(&ours.reply(0)[..], b"01 for us A", "{}", M::NAME);
}

fn numbers_go_on_over_connections<M: Many>() {
    let numbers = Numbers::new(1..=999_999).unwrap();
    let connect = || {
        let (ours, theirs) = small_sockets();
        let key = by_key("4:6").assigned(Encoding::Ascii);
        let matching = Matching::by_key(key).numbers(numbers.clone());
        (M::new(ours, crate::support::many::framing("net:2"), matching), Peer(theirs))
    };
    let mut seen = BTreeSet::new();
    let mut both = [connect(), connect()];
    for round in 0..4 {
        for (ours, peer) in &mut both {
            ours.begin(round, b"0200?????? hello", DEADLINE);
            let request = peer.read();
            peer.send(&request);
            ours.reply(round);
            assert!(seen.insert(request), "{}: a number repeats", M::NAME);
        }
        both[round % 2] = connect();
    }
    let expected = (1..=8).map(|number| format!("0200{number:06} hello").into_bytes()).collect();
    assert_eq!(seen, expected, "{}", M::NAME);
}

fn numbers_wrap_from_the_last_to_one<M: Many>() {
    let numbers = Numbers::new(1..=9).unwrap();
    let key = by_key("0:1").assigned(Encoding::Ascii);
    let (mut ours, mut peer) = pair::<M>(Matching::by_key(key).numbers(numbers));
    let requests = (0..12).map(|call| {
        ours.begin(call, b"?", DEADLINE);
        let request = peer.read();
        peer.send(&request);
        ours.reply(call);
        request[0]
    });
    assert_eq!(requests.collect::<Vec<_>>(), b"123456789123", "{}", M::NAME);
}
