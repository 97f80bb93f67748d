//! Which messages are replies, and which numbers requests get, on a virtual clock.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use framelink_session::{
    Arrived, CallId, Encoding, Ended, InFlight, Key, KeyPlaces, KeyRule, Match, Matching, NotBegun, NumberRange,
    Numbers, NumbersError, Reserve,
};

const NOW: Duration = Duration::ZERO;
const DEADLINE: Duration = Duration::from_secs(5);

/// ISO 8583: the trace number behind the type.
fn by_trace_number() -> Matching {
    Matching::by_key(KeyRule::at(places("4:6")))
}

/// SMPP without command_length: bit 80 of the command is set in responses.
fn smpp() -> Matching {
    Matching::by_key(KeyRule::at(places("8:4")).assigned(Encoding::Binary)).reply_rule(rule("0:1&80=hex:80"))
}

fn places(text: &str) -> KeyPlaces {
    text.parse().unwrap()
}

fn rule(text: &str) -> Match {
    text.parse().unwrap()
}

/// Begins a call, and returns its number and the request as it is sent.
fn begin(in_flight: &mut InFlight<&'static str>, request: &[u8], waiter: &'static str) -> (CallId, Vec<u8>) {
    let mut request = Cow::Borrowed(request);
    let call = in_flight.begin(&mut request, waiter, NOW, DEADLINE).unwrap();
    (call, request.into_owned())
}

/// A message of SMPP without body.
fn pdu(command: u32, sequence: u32) -> Vec<u8> {
    [command, 0, sequence].map(u32::to_be_bytes).concat()
}

const SUBMIT_SM: u32 = 0x0000_0004;
const DELIVER_SM: u32 = 0x0000_0005;
const RESP: u32 = 0x8000_0000;
const GENERIC_NACK: u32 = RESP;

#[test]
fn a_deliver_sm_with_our_sequence_number_is_unsolicited() {
    let mut in_flight = InFlight::new(smpp());
    begin(&mut in_flight, &pdu(SUBMIT_SM, 0), "submit_sm");
    assert_eq!(in_flight.on_message(&pdu(DELIVER_SM, 1), NOW), Arrived::Unsolicited);
    assert_eq!(in_flight.on_message(&pdu(RESP | SUBMIT_SM, 1), NOW), Arrived::Reply("submit_sm"));
    assert_eq!(in_flight.on_message(&pdu(RESP | SUBMIT_SM, 1), NOW), Arrived::Unsolicited, "a second reply");
}

#[test]
fn a_refused_heartbeat_never_ends_a_call_because_both_draw_from_one_source() {
    let numbers = Numbers::new(1..=0x7fff_ffff).unwrap();
    let enquire_link = numbers.next().unwrap();
    let mut in_flight = InFlight::new(smpp().numbers(numbers.clone()));
    let (_, submit_sm) = begin(&mut in_flight, &pdu(SUBMIT_SM, 0), "submit_sm");
    assert_eq!((enquire_link, submit_sm), (1, pdu(SUBMIT_SM, 2)));
    assert_eq!(in_flight.on_message(&pdu(GENERIC_NACK, 1), NOW), Arrived::Unsolicited);
    assert_eq!(numbers.next(), Ok(3), "the next enquire_link");
    assert_eq!(in_flight.on_message(&pdu(GENERIC_NACK, 2), NOW), Arrived::Reply("submit_sm"));
}

#[test]
fn a_request_of_the_peer_with_our_trace_number_is_unsolicited() {
    for reply_rule in ["2:1=odd", "0:4=map:0200>0210|0800>0810", "0:4=text:0210|text:0810"] {
        let mut in_flight = InFlight::new(by_trace_number().reply_rule(rule(reply_rule)));
        begin(&mut in_flight, b"0200000001 purchase", "purchase");
        assert_eq!(in_flight.on_message(b"0800000001 echo", NOW), Arrived::Unsolicited, "{reply_rule}");
        assert_eq!(in_flight.on_message(b"0210000001 approved", NOW), Arrived::Reply("purchase"), "{reply_rule}");
    }
}

#[test]
fn a_rule_compares_with_the_request_of_the_call_that_has_the_key() {
    // The terminal is repeated, and the type answers the type of the request.
    let matching = by_trace_number().reply_rule(rule("0:4=map:0200>0210|0800>0810,10:2=request"));
    let mut in_flight = InFlight::new(matching);
    begin(&mut in_flight, b"0200000001T1 purchase", "purchase");
    begin(&mut in_flight, b"0800000002T2 echo", "echo");
    for foreign in [&b"0210000002T2"[..], b"0810000001T1", b"0210000001T2", b"0210000001T", b"0210000003T1"] {
        assert_eq!(in_flight.on_message(foreign, NOW), Arrived::Unsolicited, "{}", foreign.escape_ascii());
    }
    assert_eq!(in_flight.on_message(b"0810000002T2", NOW), Arrived::Reply("echo"));
    assert_eq!(in_flight.on_message(b"0210000001T1", NOW), Arrived::Reply("purchase"));
}

#[test]
fn a_rule_compares_with_the_number_that_was_assigned() {
    let rule_of_places = KeyRule::at(places("0:2")).assigned(Encoding::Ascii);
    // The reply repeats the number at its end.
    let mut in_flight = InFlight::new(Matching::by_key(rule_of_places).reply_rule(rule("2:2=request:0:2")));
    begin(&mut in_flight, b"??", "call");
    assert_eq!(in_flight.on_message(b"01??", NOW), Arrived::Unsolicited);
    assert_eq!(in_flight.on_message(b"0101", NOW), Arrived::Reply("call"));
}

#[test]
fn a_function_gets_the_whole_request() {
    let same_end = Match::by(|message, request| request.is_some_and(|request| request.last() == message.last()));
    let mut in_flight = InFlight::new(by_trace_number().reply_rule(same_end));
    begin(&mut in_flight, b"0200000001 a long request Z", "call");
    assert_eq!(in_flight.on_message(b"0210000001 Y", NOW), Arrived::Unsolicited);
    assert_eq!(in_flight.on_message(b"0210000001 Z", NOW), Arrived::Reply("call"));
}

#[test]
fn a_late_reply_obeys_the_rule_too() {
    let mut in_flight = InFlight::new(by_trace_number().reply_rule(rule("0:4=map:0200>0210")));
    let (call, _) = begin(&mut in_flight, b"0200000001", "call");
    in_flight.give_up(call);
    assert_eq!(in_flight.on_message(b"0800000001", NOW), Arrived::Unsolicited);
    let Arrived::Late(late) = in_flight.on_message(b"0210000001", DEADLINE) else { panic!("not late") };
    assert_eq!(late.call, call);
}

#[test]
fn in_order_a_message_that_fails_the_rule_takes_no_place_in_the_line() {
    let mut in_flight = InFlight::new(Matching::in_order().reply_rule(rule("0:1=text:+|text:-")));
    begin(&mut in_flight, b"one", "one");
    begin(&mut in_flight, b"two", "two");
    assert_eq!(in_flight.on_message(b"!news", NOW), Arrived::Unsolicited);
    assert_eq!(in_flight.on_message(b"+1", NOW), Arrived::Reply("one"));
    assert_eq!(in_flight.on_message(b"!news", NOW), Arrived::Unsolicited);
    assert_eq!(in_flight.on_message(b"-2", NOW), Arrived::Reply("two"));
    assert_eq!(in_flight.on_message(b"+3", NOW), Arrived::Unsolicited);
}

#[test]
fn in_order_a_message_that_can_be_no_reply_is_never_untold() {
    let mut in_flight = InFlight::new(Matching::in_order().reply_rule(rule("0:1=text:+")));
    let (call, _) = begin(&mut in_flight, b"one", "one");
    in_flight.give_up(call);
    assert_eq!(in_flight.ended(), Some(Ended::InOrder));
    assert_eq!(in_flight.on_message(b"!news", DEADLINE), Arrived::Unsolicited);
    assert_eq!(in_flight.on_message(b"+late", DEADLINE), Arrived::Untold);
}

#[test]
fn a_key_of_two_places_is_both_joined() {
    let mut in_flight = InFlight::new(Matching::by_key(KeyRule::at(places("4:6+10:2"))));
    begin(&mut in_flight, b"0200000001T1", "one");
    begin(&mut in_flight, b"0200000001T2", "other");
    let request = &mut Cow::Borrowed(&b"0200000001T1"[..]);
    assert_eq!(in_flight.begin(request, "again", NOW, DEADLINE), Err(NotBegun::DuplicateKey));
    let request = &mut Cow::Borrowed(&b"0200000001"[..]);
    assert_eq!(in_flight.begin(request, "short", NOW, DEADLINE), Err(NotBegun::NoKey { payload_len: 10 }));
    assert_eq!(in_flight.on_message(b"0210000001T2", NOW), Arrived::Reply("other"));
    assert_eq!(in_flight.on_message(b"0210000001T3", NOW), Arrived::Unsolicited);
    let (call, _) = begin(&mut in_flight, b"0200000002T1", "two");
    in_flight.give_up(call);
    let Arrived::Late(late) = in_flight.on_message(b"0210000002T1", NOW) else { panic!("not late") };
    assert_eq!(late.key.as_deref(), Some(&b"000002T1"[..]));
}

#[test]
fn only_the_first_place_of_a_key_is_assigned() {
    let key = KeyRule::at(places("4:6+0:2")).assigned(Encoding::Ascii);
    let mut in_flight = InFlight::new(Matching::by_key(key).numbers(Numbers::new(1..=2).unwrap()));
    let (_, one) = begin(&mut in_flight, b"T1..??????", "one");
    let (_, two) = begin(&mut in_flight, b"T1..??????", "two");
    let (_, three) = begin(&mut in_flight, b"T2..??????", "three");
    assert_eq!([&one[..], &two, &three], [&b"T1..000001"[..], b"T1..000002", b"T2..000001"]);
    assert_eq!(in_flight.on_message(&three, NOW), Arrived::Reply("three"));
    assert_eq!(in_flight.on_message(&one, NOW), Arrived::Reply("one"));
}

#[test]
fn numbers_are_written_in_each_encoding() {
    for (encoding, place, written) in [
        (Encoding::Ascii, "0:3", &b"042"[..]),
        (Encoding::Binary, "0:3", b"\x00\x00\x2a"),
        (Encoding::BinaryLe, "0:3", b"\x2a\x00\x00"),
        (Encoding::Bcd, "0:3", b"\x00\x00\x42"),
        (Encoding::Ebcdic, "0:3", b"\xf0\xf4\xf2"),
        (Encoding::Hex, "0:3", b"02A"),
    ] {
        let matching = Matching::by_key(KeyRule::at(places(place)).assigned(encoding));
        let mut in_flight = InFlight::new(matching.numbers(Numbers::new(42..=99).unwrap()));
        let (_, request) = begin(&mut in_flight, b"???", "call");
        assert_eq!(request, written, "{encoding}");
        assert_eq!(in_flight.on_message(written, NOW), Arrived::Reply("call"), "{encoding}");
    }
}

/// Makes a source whose next number is `next`.
fn numbers_from(next: u64, last: u64) -> Numbers {
    struct From(AtomicU64, u64);
    impl Reserve for From {
        fn reserve(
            &self,
            _after: Option<u64>,
            _count: u64,
        ) -> Result<std::ops::RangeInclusive<u64>, Box<dyn std::error::Error>> {
            Ok(self.0.swap(1, Ordering::Relaxed)..=self.1)
        }
    }
    Numbers::reserved(NumberRange::new(1, last).unwrap(), 1, From(AtomicU64::new(next), last))
}

#[test]
fn keys_wrap_from_the_last_number_to_one() {
    let of = |place, encoding, numbers: Numbers| {
        let matching = Matching::by_key(KeyRule::at(places(place)).assigned(encoding));
        let mut in_flight = InFlight::new(matching.numbers(numbers));
        ["one", "two"].map(|waiter| begin(&mut in_flight, b"??????", waiter).1)
    };
    assert_eq!(of("0:6", Encoding::Ascii, numbers_from(999_999, 999_999)), [b"999999", b"000001"]);
    let sequences = of("0:4", Encoding::Binary, numbers_from(0x7fff_ffff, 0x7fff_ffff));
    assert_eq!(sequences, [b"\x7f\xff\xff\xff??", b"\x00\x00\x00\x01??"]);
    // By default a connection counts to the largest number that fits, and never assigns 0.
    let matching = Matching::by_key(KeyRule::at(places("0:1")).assigned(Encoding::Ascii));
    let mut in_flight = InFlight::new(matching);
    let keys: Vec<u8> = (0..20)
        .map(|_| {
            let (call, request) = begin(&mut in_flight, b"?", "call");
            in_flight.forget(call);
            request[0]
        })
        .collect();
    assert_eq!(keys, b"12345678912345678912");
}

#[test]
fn no_number_repeats_over_connections_and_reconnects() {
    let numbers = Numbers::new(1..=99).unwrap();
    let connect = || {
        let matching = Matching::by_key(KeyRule::at(places("0:2")).assigned(Encoding::Ascii));
        InFlight::new(matching.numbers(numbers.clone()))
    };
    let (mut one, mut other) = (connect(), connect());
    let mut all = Vec::new();
    for round in 0..33 {
        all.push(begin(&mut one, b"??", "one").1);
        all.push(begin(&mut other, b"??", "other").1);
        one = connect();
        all.push(begin(&mut one, b"??", "reconnected").1);
        assert_eq!(all.len(), 3 * (round + 1));
    }
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 99, "each number of the range once");
}

#[test]
fn a_number_in_use_is_left_out() {
    let matching = Matching::by_key(KeyRule::at(places("0:1")).assigned(Encoding::Ascii));
    let mut in_flight = InFlight::new(matching.numbers(Numbers::new(1..=3).unwrap()));
    begin(&mut in_flight, b"?", "stays");
    for expected in [b"2", b"3", b"2", b"3"] {
        let (call, request) = begin(&mut in_flight, b"?", "call");
        assert_eq!(request, expected);
        in_flight.forget(call);
    }
}

#[test]
fn a_call_without_a_number_fails_and_the_connection_stays() {
    struct Full;
    impl Reserve for Full {
        fn reserve(&self, _: Option<u64>, _: u64) -> Result<std::ops::RangeInclusive<u64>, Box<dyn std::error::Error>> {
            Err("no space left".into())
        }
    }
    let range = NumberRange::new(1, 9).unwrap();
    let matching = Matching::by_key(KeyRule::at(places("0:1")).assigned(Encoding::Ascii));
    let mut in_flight = InFlight::new(matching.numbers(Numbers::reserved(range, 1, Full)));
    let refused = in_flight.begin(&mut Cow::Borrowed(b"?"), "call", NOW, DEADLINE).unwrap_err();
    assert!(matches!(&refused, NotBegun::NoNumber(error) if matches!(**error, NumbersError::NotReserved(_))));
    assert_eq!(refused.to_string(), "the request has no number: no numbers could be reserved: no space left");
    assert_eq!((in_flight.ended(), in_flight.len()), (None, 0));

    let matching = Matching::by_key(KeyRule::at(places("0:1")).assigned(Encoding::Ascii));
    let mut in_flight = InFlight::new(matching.numbers(Numbers::new(10..=u64::MAX).unwrap()));
    let refused = in_flight.begin(&mut Cow::Borrowed(b"?"), "call", NOW, DEADLINE).unwrap_err();
    assert!(refused.to_string().contains("10 does not fit 1 byte of ascii, at most 9 does"), "{refused}");
}

#[test]
fn a_rule_holds_no_request_of_a_call_that_is_over() {
    let judged = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&judged);
    let matching = Matching::by_key(KeyRule::by(|message| Key::new(message.get(..1)?)));
    let mut in_flight = InFlight::new(matching.reply_rule(Match::by(move |_, request| {
        counted.fetch_add(1, Ordering::Relaxed);
        request.is_some()
    })));
    let (call, _) = begin(&mut in_flight, b"1", "call");
    assert_eq!(in_flight.forget(call), Some("call"));
    assert_eq!(in_flight.on_message(b"1", NOW), Arrived::Unsolicited);
    assert_eq!(judged.load(Ordering::Relaxed), 0, "no call has this key");
    begin(&mut in_flight, b"1", "again");
    assert_eq!(in_flight.on_message(b"1", NOW), Arrived::Reply("again"));
}

#[test]
fn places_are_parsed_with_columns() {
    for (text, error) in [
        ("4", "column 1: expected OFFSET:LEN, such as `0:2` for the first two bytes, found `4`"),
        ("4:6+", "column 5: expected OFFSET:LEN, such as `0:2` for the first two bytes, found ``"),
        ("4:6+41:0", "column 8: expected 1 to 64 bytes, found `0`"),
        ("4:6+70000:1", "column 5: expected 0 to 65536 bytes before the place, found `70000`"),
        ("0:40+50:40", "column 6: expected up to 4 places with 64 bytes in all, found one more, `50:40`"),
        ("0:1+1:1+2:1+3:1+4:1", "column 17: expected up to 4 places with 64 bytes in all, found one more, `4:1`"),
    ] {
        assert_eq!(text.parse::<KeyPlaces>().unwrap_err().to_string(), error);
    }
    for text in ["4:6", "4:6+41:8", "65536:1+0:63"] {
        assert_eq!(places(text).to_string(), text);
    }
    assert_eq!((places("4:6+41:8").end(), places("4:6+41:8").key_len()), (49, 14));
}
