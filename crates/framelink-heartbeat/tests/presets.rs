//! The heartbeats of real protocols: what they recognise, what they answer, and what they leave to the application.

use std::time::Duration;

use framelink_heartbeat::{Form, Heartbeat, PRESETS, Seen};
use framelink_template::{Inputs, NumberSource, NumbersError};

/// Numbers that are always 7.
struct Seven;

impl NumberSource for Seven {
    fn next_of(&self, _name: Option<&str>) -> Result<u64, NumbersError> {
        Ok(7)
    }
}

fn variable(name: &str) -> Option<Vec<u8>> {
    match name {
        "DIAMETER_ORIGIN_HOST" => Some(b"client.example.com".to_vec()),
        "DIAMETER_ORIGIN_REALM" => Some(b"example.com".to_vec()),
        _ => None,
    }
}

/// 2027-01-15 08:00:00 UTC.
fn inputs() -> Inputs<'static> {
    let now = Duration::from_secs(1_800_000_000);
    Inputs { now, local_offset: 0, request: None, numbers: &Seven, random: &|| 9, variable: &variable }
}

fn form(notation: &str) -> Form {
    notation.parse::<Heartbeat>().expect(notation).form().clone()
}

/// Bytes of hex digits, without spaces.
fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<_> = text.chars().filter_map(|c| c.to_digit(16)).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair[0] << 4 | pair[1]).expect("a byte")).collect()
}

const BITS: &str = "82200000000000000400000000000000";
const ORIGIN: &str =
    "00000108 4000001a 636c69656e742e6578616d706c652e636f6d 0000 00000128 40000013 6578616d706c652e636f6d 00";

/// What a message is beside our probe with the number 7, and our answer to it.
#[derive(Debug, PartialEq)]
enum Is {
    Probe(Vec<u8>),
    Beat,
    Answer,
    OfTheApplication,
}

fn told(form: &Form, message: &[u8]) -> Is {
    let probe = form.compose_probe(7, Duration::ZERO, b"", &inputs()).expect("a probe");
    match form.recognise_after(message, Some(&probe)) {
        Some(Seen::Probe) => Is::Probe(form.compose_answer(message, &inputs()).expect("composed").expect("an answer")),
        Some(Seen::Answer { .. }) => Is::Answer,
        Some(_) => Is::Beat,
        None => Is::OfTheApplication,
    }
}

#[test]
fn probes() {
    let echo = [b"0800", BITS.as_bytes(), b"0115080000000007301"].concat();
    for (preset, probe) in [
        ("smpp", hex("00000010 00000015 00000000 00000007")),
        ("iso8583", echo),
        ("kannel", hex("00000000 00000000")),
        ("diameter", hex(&format!("01000044 80000118 00000000 00000007 09090909 {ORIGIN}"))),
    ] {
        assert_eq!(form(preset).compose_probe(1, Duration::ZERO, b"", &inputs()).expect(preset), probe, "{preset}");
    }
}

#[test]
fn messages() {
    let pdu = |command: &str, number: &str| hex(&format!("00000010 {command} 00000000 {number}"));
    let iso = |kind: &str, bits: &str, fields: &str| [kind, bits, fields].concat().into_bytes();
    let in_reply = "82200000020000000400000000000000";
    let watchdog = |head: &str| hex(&format!("{head} {ORIGIN}"));
    let dwa = "01000050 00000118 00000000 000000aa 000000bb 0000010c 4000000c 000007d1";
    for (preset, message, expected) in [
        ("smpp", pdu("00000015", "00000003"), Is::Probe(pdu("80000015", "00000003"))),
        ("smpp", pdu("80000015", "00000007"), Is::Answer),
        // A peer without enquire_link refuses it, and lives.
        ("smpp", pdu("80000000", "00000007"), Is::Answer),
        ("smpp", pdu("80000015", "00000008"), Is::OfTheApplication),
        ("smpp", pdu("80000000", "00000001"), Is::OfTheApplication),
        ("smpp", pdu("00000005", "00000007"), Is::OfTheApplication),
        ("smpp", hex("00000008 00000015"), Is::OfTheApplication),
        // The echo test of the peer, with its trace number.
        (
            "iso8583",
            iso("0800", BITS, "0115080001000042301"),
            Is::Probe(iso("0810", in_reply, "011508000100004200301")),
        ),
        ("iso8583", iso("0810", in_reply, "011508000000000700301"), Is::Answer),
        // An answer without field 39, and one that is refused: the peer lives.
        ("iso8583", iso("0810", BITS, "0115080000000007301"), Is::Answer),
        ("iso8583", iso("0810", in_reply, "011508000000000791301"), Is::Answer),
        // The reply to another 0800, a sign-on of the peer, and a purchase with our trace number.
        ("iso8583", iso("0810", in_reply, "011508000000000800001"), Is::OfTheApplication),
        ("iso8583", iso("0800", BITS, "0115080001000042001"), Is::OfTheApplication),
        ("iso8583", iso("0210", BITS, "0115080000000007301"), Is::OfTheApplication),
        ("iso8583", b"0800".to_vec(), Is::OfTheApplication),
        // The load of the peer is not compared. An sms has the type 2, an admin message 1.
        ("kannel", hex("00000000 00000005"), Is::Beat),
        ("kannel", hex("00000000 00000005 00"), Is::OfTheApplication),
        ("kannel", hex("00000001 00000003 ffffffff"), Is::OfTheApplication),
        ("kannel", hex("00000002 ffffffff"), Is::OfTheApplication),
        ("diameter", watchdog("01000044 80000118 00000000 000000aa 000000bb"), Is::Probe(watchdog(dwa))),
        ("diameter", watchdog("01000050 00000118 00000000 00000007 09090909 0000010c 4000000c 000007d1"), Is::Answer),
        // A peer that refuses the request with the flag E lives.
        ("diameter", hex("01000020 20000118 00000000 00000007 09090909 0000010c 4000000c 00000bc1"), Is::Answer),
        (
            "diameter",
            watchdog("01000050 00000118 00000000 00000008 09090909 0000010c 4000000c 000007d1"),
            Is::OfTheApplication,
        ),
        ("diameter", hex("01000014 80000101 00000000 00000007 09090909"), Is::OfTheApplication),
    ] {
        assert_eq!(told(&form(preset), &message), expected, "{preset}: {}", message.escape_ascii());
    }
}

#[test]
fn without_a_probe_no_message_is_an_answer() {
    for preset in PRESETS {
        let form = form(preset.name);
        let Form::Pattern(pattern) = &form else { continue };
        let probe = pattern.probe(&inputs()).expect("a probe");
        let Some(answer) = pattern.answer(&probe, &inputs()).expect("composed") else { continue };
        assert_eq!(form.recognise_after(&answer, Some(&probe)), Some(Seen::Answer { number: None }), "{}", preset.name);
        assert_eq!(form.recognise_after(&answer, None), None, "{}", preset.name);
    }
}

#[test]
fn a_variable_that_is_not_set_is_an_error() {
    let unset = Inputs { variable: &|_| None, ..inputs() };
    let error = form("diameter").compose_probe(1, Duration::ZERO, b"", &unset).unwrap_err();
    assert!(error.to_string().contains("DIAMETER_ORIGIN_HOST"), "{error}");
}
