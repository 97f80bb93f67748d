//! The rules by which a server answers: which rule, with which reply, after which time.

use std::time::Duration;

use framelink_codec::example::OneByte;
use framelink_codec::{Decode, Encode};
use framelink_length::Length;
use framelink_session::{Inputs, Match, Numbers, ReplyFault, ReplyHeader, ReplyRule, ReplyRules, Template};

fn when(text: &str) -> ReplyRule {
    ReplyRule::new(text.parse::<Match>().expect("a match"))
}

fn say(text: &str) -> Template {
    text.parse().expect("a template")
}

fn numbers() -> Numbers {
    Numbers::new(1..=999).expect("not empty")
}

/// Requests, each with the index of its rule and its reply.
type Answers<'a> = &'a [(&'a str, Option<usize>, Option<&'a str>)];

fn check(rules: &[ReplyRule], answers: Answers<'_>) {
    let (numbers, mut state) = (numbers(), ReplyRules::new(rules));
    for (request, rule, reply) in answers {
        let answer = state.answer(request.as_bytes(), &Inputs::system(&numbers)).expect("a reply");
        assert_eq!(answer.rule, *rule, "{request}");
        assert_eq!(answer.message.as_deref(), reply.map(str::as_bytes), "{request}");
    }
}

#[test]
fn the_first_rule_answers_that_matches_and_is_not_used_up() {
    let rules = [
        when("0:2=text:08").say(say("text:first")).times(2),
        when("0:2=text:08").say(say("text:then {number:3}")),
        when("0:2=text:04"),
        when("0:2=text:04|text:02").say(say("text:{request:2:1}")),
    ];
    check(
        &rules,
        &[
            ("08", Some(0), Some("first")),
            ("02x", Some(3), Some("x")),
            ("08", Some(0), Some("first")),
            ("08", Some(1), Some("then 001")),
            ("08", Some(1), Some("then 002")),
            ("04x", Some(2), None),
            ("99", None, None),
            ("", None, None),
        ],
    );
    check(&rules, &[("08", Some(0), Some("first"))]);
    check(&[], &[("08", None, None)]);
}

#[test]
fn a_rule_says_when_the_reply_is_sent_and_what_goes_wrong() {
    let rule = when("any").say(say("text:ok")).after(Duration::from_secs(2)).fault(ReplyFault::CutFin);
    let (numbers, mut state) = (numbers(), ReplyRules::new([rule]));
    let answer = state.answer(b"", &Inputs::system(&numbers)).expect("a reply");
    assert_eq!((answer.after, answer.fault), (Duration::from_secs(2), Some(ReplyFault::CutFin)));
}

#[test]
fn a_request_that_is_too_short_for_the_reply_counts() {
    let rules = [when("any").say(say("text:{request:4:2}")).times(1), when("any").say(say("text:next"))];
    let (numbers, mut state) = (numbers(), ReplyRules::new(rules));
    let inputs = Inputs::system(&numbers);
    let error = state.answer(b"0800", &inputs).unwrap_err();
    assert!(error.to_string().ends_with("needs a message of 6 bytes or more to answer, received 4 bytes"), "{error}");
    assert_eq!(state.answer(b"0800", &inputs).unwrap().message.as_deref(), Some(&b"next"[..]));
}

#[test]
fn rules_behind_one_that_takes_all_their_requests_are_found() {
    let all = || when("any").say(say("text:ok"));
    for (rules, unreachable) in [
        (vec![all(), when("0:1=text:a"), all()], vec![(1, 0), (2, 0)]),
        (vec![all().times(1), when("0:1=text:a"), all()], vec![]),
        (vec![when("0:1=text:a"), when("0:1=text:b"), when("0:1=text:a").times(1)], vec![(2, 0)]),
        (vec![], vec![]),
    ] {
        assert_eq!(ReplyRules::unreachable(&rules).collect::<Vec<_>>(), unreachable);
    }
}

#[test]
fn a_cut_sends_half_of_a_frame_at_most() {
    for len in [0, 1, 2, 9, 255] {
        let reply = vec![b'x'; len];
        let mut frame = Vec::new();
        OneByte.append_frame(&reply, &mut frame).expect("a frame");
        for fault in [ReplyFault::Slam, ReplyFault::CutFin, ReplyFault::CutReset] {
            let last = fault.of_reply(&OneByte, Some(&reply)).expect("a frame");
            let half = if fault == ReplyFault::Slam { 0 } else { frame.len() / 2 };
            assert_eq!((last.bytes(), last.resets()), (&frame[..half], fault == ReplyFault::CutReset));
            assert!(fault.of_reply(&OneByte, None).expect("no frame").bytes().is_empty());
        }
    }
    assert!(ReplyFault::CutFin.of_reply(&OneByte, Some(&[0; 256])).is_err());
}

#[test]
fn a_header_that_is_no_length_is_refused_by_its_framing() {
    let fault = ReplyFault::GarbageLength;
    for (framing, bytes) in [("ascii:4", &b"\x00005hello"[..]), ("net:2,prefix=03", b"\x00\x00\x05hello")] {
        let framing: Length = framing.parse().expect("a framing");
        assert!(fault.fits(&framing));
        let last = fault.of_reply(&framing, Some(b"hello")).expect("a frame");
        assert!(framing.decode(last.bytes(), 0, None).is_err() && !last.resets());
        assert_eq!(last.bytes(), bytes);
    }
    let every: Length = "net:2".parse().expect("a framing");
    assert!(!fault.fits(&every) && ReplyFault::CutFin.fits(&every), "every header is a length");
}

#[test]
fn a_header_is_kept_aside_and_carried_back() {
    let header = ReplyHeader::new(5, say("hex:60{request:3:2}{request:1:2}"));
    let numbers = numbers();
    for (request, kept) in [(&b""[..], None), (b"abcd", None), (b"abcde", Some(&b""[..])), (b"abcdefg", Some(b"fg"))] {
        assert_eq!(header.split(request).map(|(_, rest)| rest), kept);
    }
    let (kept, _) = header.split(b"\x60\0\x01\x80\x02rest").expect("a header");
    let reply = header.join(kept, b"reply", &Inputs::system(&numbers)).expect("a reply");
    assert_eq!(reply, b"\x60\x80\x02\0\x01reply");
}

#[test]
fn a_length_in_a_header_counts_the_reply_behind_it() {
    // Modbus: transaction, protocol, length of the rest, unit.
    let header = ReplyHeader::new(7, say("hex:{request:0:4}{length:2,binary,of=rest}{request:6:1}"));
    let (kept, message) = header.split(b"\x00\x07\x00\x00\x00\x06\x11\x03\x00\x6b\x00\x02").expect("a header");
    assert_eq!(message.len(), 5);
    let reply = header.join(kept, b"\x03\x02\x00\x2a", &Inputs::system(&numbers())).expect("a reply");
    assert_eq!(reply, b"\x00\x07\x00\x00\x00\x05\x11\x03\x02\x00\x2a");
    let header = ReplyHeader::new(1, say("text:{length:2,of=all}"));
    let reply = |len: usize| header.join(b"x", &vec![b'.'; len], &Inputs::system(&numbers()));
    assert!(reply(97).expect("a reply").starts_with(b"99."));
    assert!(
        reply(98)
            .unwrap_err()
            .to_string()
            .ends_with("is too short: 100 does not fit 2 bytes of ascii, at most 99 does")
    );
}
