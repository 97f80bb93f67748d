//! Recordings, and replays with other numbers.

use std::collections::HashSet;
use std::time::Duration;

use framelink_codec::notation::Hex;
use framelink_transport::session::{Inputs, Numbers, Place, ReplyRules};
use framelink_transport::{Framing, Profile, RuleHandler};

use proptest::collection::vec;
use proptest::prelude::*;

use super::Recording;
use super::work::Work;

/// 2027-01-15 08:00:00 UTC.
const NOW: Duration = Duration::from_secs(1_800_000_000);

/// A request and its reply.
type Pair<'a> = (&'a [u8], &'a [u8]);

/// Records exchanges one second apart, and returns the profile.
fn recorded(exchanges: &[Pair<'_>], keys: &[&str]) -> String {
    recorded_with(exchanges, keys, &Work::default())
}

fn recorded_with(exchanges: &[Pair<'_>], keys: &[&str], work: &Work) -> String {
    let numbers = Numbers::new(1..=1).unwrap();
    let mut recording = Recording::default();
    for (second, (request, reply)) in (0..).zip(exchanges) {
        let now = NOW + Duration::from_secs(second);
        recording.add(request, reply, &Inputs { now, local_offset: 0, ..Inputs::system(&numbers) });
    }
    let server = Profile::builder("net:2".parse::<Framing>().unwrap());
    let keys: Vec<Place> = keys.iter().map(|key| key.parse().unwrap()).collect();
    recording.as_profile(server, &keys, "a host", work).unwrap().expect("exchanges").toml
}

/// Returns the rules without their comment and the framing, each in a line.
fn rules(exchanges: &[Pair<'_>], keys: &[&str]) -> Vec<String> {
    let toml = recorded(exchanges, keys);
    let rules = toml.split("[[reply]]\n").skip(1);
    rules.map(|rule| rule.trim().replace('\n', "; ")).collect()
}

#[test]
fn one_exchange_makes_a_rule_for_its_kind() {
    let exchange: &[Pair<'_>] = &[(b"0800000001011508000000", b"0810000001011508000000")];
    let rule = [r#"when = "0:4=text:0800"; say = "text:0810{request:4:16}00""#];
    assert_eq!(rules(exchange, &["4:6"]), rule);
    // The response code is no copy, also if the request goes on with such digits.
    let code = rules(&[(b"08000000010115080000001", b"0810000001011508000000")], &["4:6"]);
    assert_eq!(code, rule);
    // Without the place of the key, the last digit of the type is copied too.
    let rule = [r#"when = "0:4=text:0800"; say = "text:081{request:3:7}00""#];
    assert_eq!(rules(&[(b"0800000001..", b"081000000100")], &[]), rule);
}

#[test]
fn kinds_have_rules_of_their_own() {
    let exchanges: &[Pair<'_>] = &[
        (b"08000000010115080000", b"0810000001011508000000"),
        (b"0200000002011508000199100", b"021000000201150800010012AB"),
        (b"0200000007011508000299250", b"021000000701150800020012AB"),
    ];
    assert_eq!(
        rules(exchanges, &["4:6"]),
        [
            r#"when = "0:4=text:0800"; say = "text:0810{request:4:16}00""#,
            r#"when = "0:4=text:0200"; say = "text:0210{request:4:16}0012AB""#,
        ]
    );
}

/// Behind the 00 of a response code, each approval code begins with the digit that stands behind zeros in the request too.
#[test]
fn one_random_digit_that_a_request_has_too_is_no_copy() {
    let exchanges: &[Pair<'_>] = &[
        (b"02000000020120143001164111", b"0210000002012014300100137295"),
        (b"02000000030120143002164111", b"0210000003012014300200284016"),
    ];
    let rule = [r#"when = "0:4=text:0200"; say = "text:0210{request:4:16}00{random:6}""#];
    assert_eq!(rules(exchanges, &["4:6"]), rule);
}

#[test]
fn replays_answer_other_numbers() {
    let toml = recorded(&[(b"0800000001", b"081000000120270115080000")], &["4:6"]);
    let handler = RuleHandler::of(&Profile::from_toml(&toml).unwrap());
    let reply = handler.answer(b"0800987654").unwrap().reply.unwrap().unwrap();
    assert_eq!((&reply[..10], reply.len()), (&b"0810987654"[..], 24));
    assert!(!reply.ends_with(b"20270115080000"), "the time is that of the replay");
    assert_eq!(handler.answer(b"0200987654").unwrap().rule, None);
}

#[test]
fn card_numbers_are_never_written() {
    let exchanges: &[Pair<'_>] = &[
        (b"0100164111111111111111", b"0110164111111111111111"),
        (b"0100 other", b"0110 card 5500005555555559 of the issuer"),
        (b"\x01\x00\x16\x55\x00\x00\x55\x55\x55\x55\x59", b"\x01\x10\x16\x37\x82\x82\x24\x63\x10\x00\x5f"),
    ];
    let toml = recorded(exchanges, &[]);
    for number in ["4111111111111111", "5500005555555559", "550000555555", "3782822463", "41111111111111"] {
        assert!(!toml.contains(number), "{toml}");
    }
    assert!(toml.contains("550000******5559"), "{toml}");
    assert!(toml.contains("# Masked: "), "{toml}");
}

#[test]
fn a_card_number_is_hidden_also_where_a_part_of_it_is_copied_or_varies() {
    let cases: [(&[Pair<'_>], &str); 7] = [
        (&[(b"BAL 1486", b"OK 4539578763621486 00")], "text:OK 453957******{request:4:4} 00"),
        (&[(b"BIN 453957", b"card 4539578763621486")], "text:card{request:3:7}******1486"),
        (&[(b"A1", b"card 4111111111111111"), (b"A2", b"card 4111111111112222")], "text:card 411111******{random:4}"),
        (
            &[(b"A1", b"pan=4111111111111103"), (b"A2", b"pan=4111111111111111"), (b"A3", b"pan=4111111111111129")],
            "text:pan=411111******11{number:2}",
        ),
        (&[(b"CARD?", b"4111 1111 1111 1111")], "text:4111 11** **** 1111"),
        // The whole request between fixed bytes, which are hidden in one reply.
        (&[(b"76362", b"<4539578763621486>"), (b"x", b"<4539578x1486>")], "text:<453957*{request}1486>"),
        // Few digits of a number are written: fields that look like one together stay.
        (&[(b"0200453957876362.", b"4539578763621486")], "text:{request:4:12}1486"),
    ];
    for (exchanges, say) in cases {
        let rules = rules(exchanges, &[]);
        assert!(rules[0].ends_with(&format!("say = \"{say}\"")), "{rules:?} {say}");
    }
}

#[test]
fn there_are_at_most_as_many_rules_as_a_profile_has() {
    let exchanges: Vec<_> = (0..6_u8)
        .flat_map(|kind| {
            (0..8_u8).map(move |reply| (vec![kind, 0, 0, 0], vec![kind, 100 + reply * (7 + reply) % 50, reply]))
        })
        .collect();
    let exchanges: Vec<(&[u8], &[u8])> = exchanges.iter().map(|(request, reply)| (&request[..], &reply[..])).collect();
    let toml = recorded(&exchanges, &[]);
    assert_eq!(toml.matches("[[reply]]").count(), ReplyRules::MOST, "{toml}");
    assert!(toml.contains("# Left out: 16 exchanges, because a profile has at most 32 rules.\n"), "{toml}");
    assert!(!toml.contains("one kind of request have"), "{toml}");
}

#[test]
fn what_is_left_out_has_its_own_reason() {
    let long = [0; super::MOST_LEN + 1];
    let differ: [&[u8]; 11] = [b"a", b"bb", b"c", b"dd", b"e", b"ff", b"g", b"hh", b"i", b"jj", b"k"];
    let exchanges: Vec<_> =
        differ.iter().map(|reply| (&b"ask"[..], *reply)).chain([(&b"ask"[..], &long[..])]).collect();
    let toml = recorded(&exchanges, &[]);
    assert!(
        toml.contains(
            "# Left out: 1 exchange, because only 512 exchanges are recorded, with up to 2048 bytes a message.\n"
        ),
        "{toml}"
    );
    let why = "replies to one kind of request have at most 8 rules, one after the other.\n";
    assert!(toml.contains(&format!("# Left out: 3 exchanges, because {why}")), "{toml}");
}

/// Before, each byte was compared with each other one, for each number of exchanges: minutes for these.
#[test]
fn messages_with_equal_bytes_take_little_work() {
    let requests: Vec<_> = (0..128_u32).map(|number| [&number.to_be_bytes()[..], &[b'a'; 508]].concat()).collect();
    for (most, reply) in [(1 << 22, &[b'a'; 512][..]), (1 << 23, &b"ab".repeat(256)), (1 << 20, b"ok")] {
        let last = [b'b'; 512];
        let replies = (1..requests.len()).map(|_| reply).chain([&last[..]]);
        let exchanges: Vec<_> = requests.iter().map(|request| &request[..]).zip(replies).collect();
        let work = Work::default();
        let toml = recorded_with(&exchanges, &[], &work);
        assert!(work.done() < most, "{} of {most}: {toml}", work.done());
        assert!(toml.contains("times = 127"), "{toml}");
    }
}

#[test]
fn a_recording_whose_search_was_ended_is_written() {
    let work = Work::default();
    work.stop();
    let toml =
        recorded_with(&[(b"0800000001", b"0810000001 hello"), (b"0800000002", b"0810000002 hello")], &["4:6"], &work);
    assert!(toml.contains("not all copied bytes"), "{toml}");
    assert!(toml.contains(r#"say = "text:0810{request:4:6} hello""#), "{toml}");
}

/// What a message is made of: letters, digits, and bytes that are no text.
fn byte() -> impl Strategy<Value = u8> {
    prop_oneof![4 => b'a'..=b'f', 4 => b'0'..=b'9', 1 => any::<u8>()]
}

fn exchanges() -> impl Strategy<Value = Vec<(Vec<u8>, Vec<u8>)>> {
    vec((vec(byte(), 0..12), vec(byte(), 0..16)), 1..20)
}

/// A card number, with its check digit.
fn card_number() -> impl Strategy<Value = String> {
    "[1-9][0-9]{11,17}".prop_map(|digits| with_check_digit(&digits))
}

fn with_check_digit(digits: &str) -> String {
    let sum: u32 = (0_u32..)
        .zip(digits.bytes().rev())
        .map(|(index, digit)| {
            let digit = u32::from(digit - b'0') * (2 - index % 2);
            digit / 10 + digit % 10
        })
        .sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}

/// Digits as text, in EBCDIC, packed, or in groups of four.
fn written(digits: &str, form: u8) -> Vec<u8> {
    let value = |digit: u8| digit - b'0';
    let groups = digits.as_bytes().chunks(4).map(<[u8]>::to_vec).collect::<Vec<_>>();
    match form {
        0 => digits.as_bytes().to_vec(),
        1 => digits.bytes().map(|digit| value(digit) + 0xf0).collect(),
        2 => {
            let pairs = digits.as_bytes().chunks(2);
            pairs.map(|pair| value(pair[0]) << 4 | pair.get(1).map_or(15, |digit| value(*digit))).collect()
        }
        _ => groups.join(&b' '),
    }
}

/// Returns the runs of hidden digits of a number that are no accident in another place: six, three of them different.
fn hidden_digits(number: &str) -> Vec<&str> {
    let hidden = &number[6..number.len() - 4];
    let runs = (0..hidden.len()).filter_map(|at| hidden.get(at..at + 6));
    runs.filter(|run| run.chars().collect::<HashSet<_>>().len() >= 3).collect()
}
proptest! {
    /// Whatever was recorded is a profile, whose rules answer each recorded request.
    #[test]
    fn every_recording_is_a_profile(exchanges in exchanges()) {
        let borrowed: Vec<_> = exchanges.iter().map(|(request, reply)| (&request[..], &reply[..])).collect();
        let toml = recorded(&borrowed, &[]);
        let handler = RuleHandler::of(&Profile::from_toml(&toml).unwrap());
        for (request, reply) in &exchanges {
            let answer = handler.answer(request).unwrap();
            prop_assert!(answer.rule.is_some() || toml.contains("# Left out"), "{}", toml);
            if toml.contains("# Left out") || toml.contains("Masked") || toml.contains("{number") || toml.contains("{random") {
                continue;
            }
            prop_assert_eq!(answer.reply.unwrap().unwrap(), reply.clone(), "{}", toml);
        }
    }

    /// No hidden digits of a card number are written, whatever stands beside them, and whatever other messages have.
    #[test]
    fn no_card_number_is_written(
        numbers in vec(card_number(), 1..4), share in 0..=10_usize, form in 0..4_u8, before in vec(byte(), 0..8),
        behind in vec(byte(), 0..8), copied in any::<(prop::sample::Index, prop::sample::Index)>(), in_request in any::<bool>()
    ) {
        // Numbers may begin alike, and the other message may have a part of a number.
        let exchanges: Vec<_> = numbers.iter().map(|number| {
            let number = with_check_digit(&[&numbers[0][..share], &number[share..number.len() - 1]].concat());
            let message = [&before[..], &written(&number, form), &behind].concat();
            let ends = [copied.0.index(message.len()), copied.1.index(message.len())];
            let part = &message[ends[0].min(ends[1])..ends[0].max(ends[1])];
            let other = [b"ask ", part].concat();
            (number, if in_request { (message, other) } else { (other, message) })
        }).collect();
        let borrowed: Vec<_> = exchanges.iter().map(|(_, (request, reply))| (&request[..], &reply[..])).collect();
        let toml = recorded(&borrowed, &[]);
        let rules: String = toml.lines().filter(|line| line.starts_with("when") || line.starts_with("say")).collect();
        for (number, _) in &exchanges {
            for digits in hidden_digits(number) {
                let shown = [digits.to_owned(), Hex(digits.as_bytes()).to_string(), Hex(&written(digits, 1)).to_string()];
                prop_assert!(!shown.iter().any(|digits| rules.contains(&**digits)), "{} {} {}", number, digits, toml);
            }
        }
    }
}
