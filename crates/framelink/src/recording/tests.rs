//! Recordings, and replays with other numbers.

use std::time::Duration;

use framelink_codec::notation::Hex;
use framelink_transport::session::{Inputs, Numbers, Place, ReplyRules};
use framelink_transport::{Framing, Profile, RuleHandler};

use proptest::collection::vec;
use proptest::prelude::*;

use super::Recording;

/// 2027-01-15 08:00:00 UTC.
const NOW: Duration = Duration::from_secs(1_800_000_000);

/// Records exchanges one second apart, and returns the profile.
fn recorded(exchanges: &[(&[u8], &[u8])], keys: &[&str]) -> String {
    let numbers = Numbers::new(1..=1).unwrap();
    let mut recording = Recording::default();
    for (second, (request, reply)) in (0..).zip(exchanges) {
        let now = NOW + Duration::from_secs(second);
        recording.add(request, reply, &Inputs { now, local_offset: 0, ..Inputs::system(&numbers) });
    }
    let clients = Profile::builder("net:2".parse::<Framing>().unwrap()).build().unwrap();
    let keys: Vec<Place> = keys.iter().map(|key| key.parse().unwrap()).collect();
    recording.as_profile(&clients, &keys, "a host").unwrap().expect("exchanges").toml
}

/// Returns the rules without their comment and the framing, each in a line.
fn rules(exchanges: &[(&[u8], &[u8])], keys: &[&str]) -> Vec<String> {
    let toml = recorded(exchanges, keys);
    let rules = toml.split("[[reply]]\n").skip(1);
    rules.map(|rule| rule.trim().replace('\n', "; ")).collect()
}

#[test]
fn one_exchange_makes_a_rule_for_its_kind() {
    let exchange: &[(&[u8], &[u8])] = &[(b"0800000001011508000000", b"0810000001011508000000")];
    let rule = [r#"when = "0:4=text:0800"; say = "text:0810{request:4:18}""#];
    assert_eq!(rules(exchange, &["4:6"]), rule);
    // Without the place of the key, the last digit of the type is copied too.
    let rule = [r#"when = "0:4=text:0800"; say = "text:081{request:3:7}00""#];
    assert_eq!(rules(&[(b"0800000001..", b"081000000100")], &[]), rule);
}

#[test]
fn kinds_have_rules_of_their_own() {
    let exchanges: &[(&[u8], &[u8])] = &[
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
    let exchanges: &[(&[u8], &[u8])] = &[
        (b"0100164111111111111111", b"0110164111111111111111"),
        (b"0100 other", b"0110 card 5500005555555559 of the issuer"),
        (b"\x01\x00\x16\x55\x00\x00\x55\x55\x55\x55\x59", b"\x01\x10\x16\x37\x82\x82\x24\x63\x10\x00\x5f"),
    ];
    let toml = recorded(exchanges, &[]);
    for number in ["4111111111111111", "5500005555555559", "550000555555", "3782822463", "41111111111111"] {
        assert!(!toml.contains(number), "{toml}");
    }
    assert!(toml.contains("550000******5559"), "{toml}");
    assert!(toml.contains("of card numbers are masked"), "{toml}");
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
    assert!(toml.contains("# Left out: "), "{toml}");
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
    ("[1-9][0-9]{11,17}").prop_map(|digits| {
        let sum: u32 = (0_u32..)
            .zip(digits.bytes().rev())
            .map(|(index, digit)| {
                let digit = u32::from(digit - b'0') * (2 - index % 2);
                digit / 10 + digit % 10
            })
            .sum();
        format!("{digits}{}", (10 - sum % 10) % 10)
    })
}

fn packed(digits: &str) -> Vec<u8> {
    let value = |digit: u8| digit - b'0';
    digits
        .as_bytes()
        .chunks(2)
        .map(|pair| value(pair[0]) << 4 | pair.get(1).map_or(15, |digit| value(*digit)))
        .collect()
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
            if toml.contains("# Left out") || toml.contains("masked") || toml.contains("{number") || toml.contains("{random") {
                continue;
            }
            prop_assert_eq!(answer.reply.unwrap().unwrap(), reply.clone(), "{}", toml);
        }
    }

    /// A card number is not written, whatever stands beside it.
    #[test]
    fn no_card_number_is_written(
        number in card_number(), before in vec(byte(), 0..8), behind in vec(byte(), 0..8), is_packed in any::<bool>()
    ) {
        let digits = if is_packed { packed(&number) } else { number.clone().into_bytes() };
        let message = [&before[..], &digits, &behind].concat();
        for exchange in [(&message[..], &b"ok"[..]), (b"number?", &message)] {
            let toml = recorded(&[exchange], &[]);
            let hex = Hex(number.as_bytes()).to_string();
            prop_assert!(!toml.contains(&number) && !toml.contains(&hex), "{} {}", number, toml);
        }
    }
}
