//! Keys, reply rules and numbers of a profile.
#![cfg(feature = "toml")]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use framelink_profile::{Duplex, Framing, Numbering, Profile, ProfileBuilder};
use framelink_session::{Encoding, Key, KeyRule, Match, NumberRange};

fn of(framing: &str, duplex: Duplex) -> ProfileBuilder {
    Profile::builder(framing.parse::<Framing>().unwrap()).exchange(duplex)
}

fn keyed(places: &str) -> Duplex {
    Duplex::new().key(places.parse().unwrap())
}

fn rule(text: &str) -> Match {
    text.parse().unwrap()
}

/// Returns the lines of an explanation with this label.
fn lines(profile: &Profile, label: &str) -> Vec<String> {
    let lines = profile.explain();
    let lines =
        lines.lines().filter(|(of, text)| *of == label && !text.starts_with("nothing detects that an idle peer"));
    lines.map(|(_, text)| text.to_owned()).collect()
}

#[test]
fn a_profile_has_keys_a_reply_rule_and_numbers_in_a_file() {
    let text = r#"
        framing = "ascii:4"
        [exchange]
        kind = "duplex"
        key = "4:6+12:8"
        assign = "bcd"
        reply = "0:4=map:0200>0210|0800>0810,4:6=request"
        [numbers]
        range = "1..0x1e240"
        file = "stan.numbers"
    "#;
    let profile = Profile::from_toml(text).unwrap();
    let duplex = profile.exchange().duplex().unwrap();
    assert_eq!((duplex.key.unwrap().to_string(), duplex.assigned), ("4:6+12:8".to_owned(), Some(Encoding::Bcd)));
    assert_eq!(profile.reply_rule().map(Match::request_len), Some(10));
    assert_eq!(profile.number_range(), NumberRange::new(1, 123_456).unwrap());
    assert!(profile.uses_numbers());
    let written = profile.to_toml();
    assert!(written.contains("reply = \"0:4=map:0200>0210|0800>0810,4:6=request\"\n"), "{written}");
    assert!(written.ends_with("[numbers]\nrange = \"1..123456\"\nfile = \"stan.numbers\"\n"), "{written}");
    assert_eq!(Profile::from_toml(&written).unwrap(), profile);
}

#[test]
fn the_old_word_for_ascii_is_read_and_written_anew() {
    let text = "framing = 'line'\nexchange = { kind = 'duplex', key = '4:6', assign = 'digits' }";
    let profile = Profile::from_toml(text).unwrap();
    assert_eq!(profile.exchange().duplex().unwrap().assigned, Some(Encoding::Ascii));
    assert!(profile.to_toml().contains("assign = \"ascii\""));
}

#[test]
fn numbers_go_from_one_to_the_largest_that_fits() {
    let range = |place, encoding| {
        let profile = of("line", keyed(place).assigned(encoding)).build().unwrap();
        (profile.number_range().first(), profile.number_range().last())
    };
    assert_eq!(range("4:6", Encoding::Ascii), (1, 999_999));
    assert_eq!(range("4:3", Encoding::Bcd), (1, 999_999));
    assert_eq!(range("4:4", Encoding::Binary), (1, 0xffff_ffff));
    assert_eq!(range("4:2+20:8", Encoding::BinaryLe), (1, 0xffff));
    assert_eq!(range("4:2", Encoding::Hex), (1, 255));
    assert!(!of("line", keyed("4:6")).build().unwrap().uses_numbers());
}

#[test]
fn numbers_that_do_not_fit_or_last_are_refused() {
    let numbers = |range: &str| Numbering { range: Some(range.parse().unwrap()), file: None };
    let assigned = keyed("4:3").assigned(Encoding::Ascii);
    for (builder, key, with, reason) in [
        (
            of("line", assigned).numbers(numbers("1..1000")),
            "numbers.range",
            "exchange.assign",
            "the numbers go up to 1000, and 3 bytes hold at most 999 there",
        ),
        (
            of("line", assigned).numbers(numbers("10..73")),
            "exchange.in-flight",
            "numbers.range",
            "there are only 64 numbers, for up to 64 requests",
        ),
        (
            of("line", Duplex::new()).exchange(framelink_profile::ExchangeKind::Sync).reply_rule(rule("0:1=text:+")),
            "exchange.reply",
            "exchange.kind",
            "it tells replies from other messages while many requests are in flight, which duplex and simplex have, and this \
             one is sync",
        ),
        (
            of("ascii:1", keyed("0:1")).reply_rule(rule("8:2=text:00")),
            "exchange.reply",
            "framing",
            "it compares 10 bytes of a message, which has at most 9",
        ),
        (
            of("ascii:1", keyed("0:1")).reply_rule(rule("0:2=request:8:2")),
            "exchange.reply",
            "framing",
            "it compares 10 bytes of a request, which has at most 9",
        ),
    ] {
        let error = builder.build().unwrap_err();
        assert_eq!(error.to_string(), format!("{key} does not go with {with}: {reason}"));
    }
    assert!(of("ascii:1", keyed("0:1")).reply_rule(Match::by(|_, _| true)).build().is_ok(), "a function has no places");
}

#[test]
fn errors_of_rules_and_numbers_have_their_column() {
    for (text, error) in [
        (
            "framing = 'line'\nexchange = { kind = 'duplex', key = '4:6+41', reply = '0:1=text:+' }",
            "line 2, column 42: exchange.key: expected OFFSET:LEN, such as `0:2` for the first two bytes, found `41`",
        ),
        (
            "framing = 'line'\nexchange = { kind = 'duplex', reply = '0:4=text:081' }",
            "line 2, column 49: exchange.reply: expected 4 bytes, as the place has, found 3 bytes",
        ),
        (
            "framing = 'line'\nexchange = { kind = 'sync', reply = '0:4=text:0810' }",
            "line 2, column 37: exchange.reply does not go with exchange.kind: it is about many requests in flight, which \
             duplex and simplex have, and this one is sync",
        ),
        (
            "framing = 'line'\nexchange = { kind = 'duplex', key = '4:6', assign = 'decimal' }",
            "line 2, column 54: exchange.assign: expected one of ascii, binary, binary-le, bcd, ebcdic, hex, found `decimal`",
        ),
        (
            "framing = 'line'\nnumbers.range = '9..1'",
            "line 2, column 21: numbers.range: expected a number from 9, found `1`",
        ),
        (
            "framing = 'line'\nnumbers.file = '..'",
            "line 2, column 16: numbers.file is `..`, expected the name of a file in UTF-8, of up to 4096 bytes, such as \
             `stan.numbers`",
        ),
        (
            "framing = 'line'\nnumbers = 5",
            "line 2, column 11: invalid type: integer `5`, expected a table with `range` and `file`",
        ),
    ] {
        assert_eq!(Profile::from_toml(text).unwrap_err().to_string(), error);
    }
}

#[test]
fn a_key_without_a_reply_rule_causes_a_caution() {
    let without = of("line", keyed("4:6")).build().unwrap();
    let cautions = lines(&without, "careful");
    assert_eq!(cautions.len(), 1, "{cautions:?}");
    assert!(cautions[0].contains("is taken for its reply, also a request of the peer's own"), "{cautions:?}");
    assert!(cautions[0].contains("exchange.reply"), "{cautions:?}");

    let with = of("line", keyed("4:6")).reply_rule(rule("2:1=odd")).build().unwrap();
    assert!(lines(&with, "careful").is_empty());
    assert_eq!(
        lines(&with, "replies"),
        ["only messages that match 2:1=odd; others are unsolicited, whatever their key"]
    );
}

#[test]
fn a_key_behind_fields_causes_a_caution() {
    let profile = of("line", keyed("4:6+41:8")).reply_rule(rule("2:1=odd")).build().unwrap();
    let cautions = lines(&profile, "careful");
    assert_eq!(cautions.len(), 1, "{cautions:?}");
    assert!(
        cautions[0].starts_with("the key at 41:8 is found only if all 41 bytes before it are fixed"),
        "{cautions:?}"
    );
}

#[test]
fn a_rule_in_order_changes_the_caution() {
    let caution = |builder: ProfileBuilder| builder.build().unwrap().mismatch_caution().unwrap();
    let in_order = of("line", Duplex::new());
    assert!(caution(in_order.clone()).contains("leaves out one reply, or sends a message by itself, each reply"));
    assert!(caution(in_order.reply_rule(rule("0:1=text:+"))).contains("leaves out one reply, each reply"));
}

#[test]
fn keys_and_numbers_are_explained() {
    let numbers = |file: Option<&str>| Numbering { range: None, file: file.map(Into::into) };
    let builder = of("line", keyed("4:6+12:1").assigned(Encoding::Ebcdic));
    let profile = builder.clone().build().unwrap();
    assert_eq!(
        lines(&profile, "in flight"),
        [
            "up to 64 requests, answered in any order by the 6 bytes at offset 4 and the 1 byte at offset 12, the first of which \
          framelink chooses and counts in EBCDIC digits; a request whose key is in flight is refused"
        ]
    );
    assert_eq!(
        lines(&profile, "numbers"),
        ["1 to 999999, then again from 1, over all connections; they begin anew when the program starts"]
    );
    let kept = builder.numbers(numbers(Some("stan.numbers"))).build().unwrap();
    assert_eq!(
        lines(&kept, "numbers"),
        [
            "1 to 999999, then again from 1, over all connections; the file stan.numbers, which one program uses at a time, \
          keeps them over restarts"
        ]
    );
    let unused = of("line", keyed("4:6")).numbers(numbers(Some("stan.numbers"))).build().unwrap();
    assert_eq!(
        lines(&unused, "numbers"),
        ["[numbers] is not used: no template has {number:N}, and no key is assigned"]
    );
}

#[test]
fn a_function_finds_keys_that_have_no_place() {
    let rule = KeyRule::by(|message| Key::new(message.rsplit(|byte| *byte == b'|').next()?));
    let builder = of("line", Duplex::new().in_flight(8)).key_rule(rule.clone());
    let profile = builder.build().unwrap();
    assert_eq!(profile.key_rule(), Some(&rule));
    assert!(profile.matching().is_some_and(|matching| !matching.is_in_order()));
    assert_eq!(profile.mismatch_caution(), None);
    let in_flight = "up to 8 requests, answered in any order by a key that a function finds; a request whose key is in flight is \
                     refused";
    assert_eq!(lines(&profile, "in flight"), [in_flight]);
    assert!(lines(&profile, "careful").iter().any(|line| line.contains("say which messages are replies")));
    assert_ne!(profile, of("line", Duplex::new().in_flight(8)).build().unwrap());

    let refused = |builder: ProfileBuilder| {
        let error = builder.key_rule(rule.clone()).build().unwrap_err();
        (error.key(), error.other_key())
    };
    assert_eq!(refused(of("line", keyed("4:6"))), ("exchange.key", Some("exchange")));
    assert_eq!(refused(of("line", Duplex::new().assigned(Encoding::Ascii))), ("exchange.assign", Some("exchange.key")));
    assert_eq!(refused(Profile::builder("line".parse::<Framing>().unwrap())), ("exchange.key", Some("exchange.kind")));
}
