//! Heartbeats of real protocols on a session: which messages are heartbeats, and which ones the application gets.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use framelink_heartbeat::{Heartbeat, Role};
use framelink_length::Length;
use framelink_session::{
    Arrived, Encoding, InFlight, KeyRule, Matching, Numbers, Received, SendRefused, Session, Transmit,
    leave_out_numbers,
};
use framelink_template::{Inputs, NumberSource};

const fn s(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// 2027-01-15 08:00:00 UTC, and no variable is set.
fn inputs(numbers: &dyn NumberSource) -> Inputs<'_> {
    let now = Duration::from_secs(1_800_000_000);
    Inputs { now, local_offset: 0, request: None, numbers, random: &|| 0, variable: &|_| None }
}

/// One end of a connection. Its first heartbeat is due after a whole interval.
struct End(Session<Length, Length>);

impl End {
    fn new(heartbeat: &str, numbers: Option<&Numbers>) -> Self {
        let framing: Length = "net:2".parse().unwrap();
        let heartbeat: Heartbeat = heartbeat.parse().unwrap();
        let mut session = Session::new(framing, framing);
        if let Some(numbers) = numbers {
            session.receiving.set_numbers(numbers.clone());
        }
        session.watch(Arc::new(heartbeat), Role::Client, u32::MAX, s(0));
        Self(session)
    }

    /// Returns the heartbeats that this end sends now.
    fn heartbeats(&mut self, now: Duration) -> Vec<Vec<u8>> {
        self.0.receiving.on_time(now).unwrap();
        let mut sent = Vec::new();
        while self.0.sending.queue_beat(inputs).unwrap() {
            while let Transmit::Write(bytes) = self.0.sending.poll() {
                let (bytes, count) = (bytes[2..].to_vec(), bytes.len());
                self.0.sending.on_written(count, now);
                sent.push(bytes);
            }
        }
        sent
    }

    /// Receives a message. Returns whether the application gets it.
    fn delivers(&mut self, message: &[u8], now: Duration) -> bool {
        let len = u16::try_from(message.len()).unwrap().to_be_bytes();
        self.0.receiving.on_bytes(&[&len[..], message].concat(), now);
        match self.0.receiving.poll().unwrap() {
            Received::Message(received) => {
                assert_eq!(&received[..], message);
                true
            }
            _ => false,
        }
    }

    fn round_trips(&self) -> u64 {
        self.0.receiving.liveness().unwrap().round_trips().count
    }
}

/// Fields 7, 11 and 70 of a network management message.
fn iso(kind: &str, number: u32, code: &str) -> Vec<u8> {
    format!("{kind}822000000000000004000000000000000115080000{number:06}{code}").into_bytes()
}

/// Fields 7, 11, 39 and 70.
fn reply(number: u32, code: &str) -> Vec<u8> {
    format!("0810822000000200000004000000000000000115080000{number:06}00{code}").into_bytes()
}

/// The host has the fields 12 and 13 before its code.
#[test]
fn the_code_of_an_echo_test_can_be_another_one_at_another_place() {
    let numbers = Numbers::new(1..=999_999).unwrap();
    let mut end = End::new("iso8583,code=361,at=62", Some(&numbers));
    let theirs =
        |code: &str| format!("08008238000000000000040000000000000001150800000000731020300115{code}").into_bytes();
    assert_eq!(theirs("361").len(), 65);
    assert!(end.delivers(&theirs("301"), s(1)), "another code");
    assert!(end.delivers(&iso("0800", 74, "361"), s(1)), "the code at another place");
    assert!(!end.delivers(&theirs("361"), s(1)), "an echo test of the peer");
    assert_eq!(end.heartbeats(s(1)), [reply(73, "361")]);
    assert_eq!(end.heartbeats(s(40)), [iso("0800", 1, "361")]);
    let answer = b"0810823800000200000004000000000000000115080000000001102030011500361";
    assert!(!end.delivers(answer, s(42)), "the answer");
    assert_eq!(end.round_trips(), 1);
}

#[test]
fn a_sign_on_and_every_other_0800_reach_the_application() {
    let numbers = Numbers::new(1..=999_999).unwrap();
    let mut end = End::new("iso8583", Some(&numbers));
    let sign_on = u32::try_from(numbers.next().unwrap()).unwrap();
    assert!(end.delivers(&reply(sign_on, "001"), s(1)), "the reply to the sign-on of the application");
    assert!(end.delivers(&iso("0800", 71, "001"), s(1)), "a sign-on of the peer");
    assert!(end.delivers(&iso("0800", 72, "161"), s(1)), "a key change of the peer");
    assert!(!end.delivers(&iso("0800", 73, "301"), s(1)), "an echo test of the peer");
    assert_eq!(end.heartbeats(s(1)), [reply(73, "301")]);

    // Our echo test. The application signs on again meanwhile.
    let echo = end.heartbeats(s(40));
    assert_eq!(echo, [iso("0800", 2, "301")], "its number comes after that of the sign-on");
    let again = u32::try_from(numbers.next().unwrap()).unwrap();
    assert!(end.delivers(&reply(again, "001"), s(41)), "a reply with another number");
    assert!(end.delivers(&iso("0800", 2, "001"), s(41)), "a request of the peer with our number");
    assert_eq!(end.round_trips(), 0);
    assert!(!end.delivers(&reply(2, "301"), s(42)), "the answer");
    assert_eq!(end.round_trips(), 1);
    assert!(end.delivers(&reply(2, "301"), s(43)), "no probe waits for a second answer");
}

/// The notation that takes any 0800 for a probe still does so. It takes no 0810 without a probe.
#[test]
fn a_pattern_of_bytes_takes_an_0810_only_after_a_probe() {
    let mut end = End::new("pattern:30383030303030303031,answer=0:30383130,number=4:4", None);
    assert!(end.delivers(b"08100000\0\0", s(1)));
    assert!(!end.delivers(b"0800xxxx01", s(1)));
    assert_eq!(end.heartbeats(s(1)), [b"0810xxxx01"]);
    assert_eq!(end.heartbeats(s(40)), [b"0800\0\0\0\x0101"]);
    assert!(end.delivers(b"0810\0\0\0\x0201", s(41)));
    assert!(!end.delivers(b"0810\0\0\0\x0101", s(41)));
}

#[test]
fn a_refused_enquire_link_never_ends_a_submit_sm() {
    let numbers = Numbers::new(1..=0x7fff_ffff).unwrap();
    let mut end = End::new("smpp", Some(&numbers));
    let pdu = |command: u32, number: u32| [16, command, 0, number].map(u32::to_be_bytes).concat();
    let rule = KeyRule::at("12:4".parse().unwrap()).assigned(Encoding::Binary);
    let matching = Matching::by_key(rule).reply_rule("4:1&80=hex:80".parse().unwrap());
    let mut in_flight = InFlight::new(matching.or_numbers(end.0.receiving.numbers()));

    assert_eq!(end.heartbeats(s(30)), [pdu(0x15, 1)]);
    let mut submit_sm = Cow::Owned(pdu(4, 0));
    in_flight.begin(&mut submit_sm, "submit_sm", s(31), s(60)).unwrap();
    assert_eq!(*submit_sm, pdu(4, 2), "enquire_link has the number 1");
    assert!(!end.delivers(&pdu(0x8000_0000, 1), s(32)), "generic_nack shows that the peer lives");
    assert!(end.delivers(&pdu(0x8000_0000, 1), s(33)), "a second one answers nothing");
    assert_eq!(in_flight.on_message(&pdu(0x8000_0000, 1), s(33)), Arrived::Unsolicited);
    assert!(end.delivers(&pdu(0x8000_0004, 2), s(34)));
    assert_eq!(in_flight.on_message(&pdu(0x8000_0004, 2), s(34)), Arrived::Reply("submit_sm"));
    assert_eq!(end.heartbeats(s(70)), [pdu(0x15, 3)]);
}

#[test]
fn each_of_several_probes_has_its_answer_in_any_order() {
    let mut end = End::new(
        "pattern:'text:P{number:2}',answered-by='0:1=text:A,1:2=request',tries=3,life=heartbeats,by=client",
        None,
    );
    for (at, probe) in [(30, b"P01"), (40, b"P02"), (50, b"P03")] {
        assert_eq!(end.heartbeats(s(at)), [probe]);
    }
    assert!(!end.delivers(b"A02", s(51)));
    assert_eq!(end.round_trips(), 0, "an answer to an earlier try has no round trip");
    assert!(end.delivers(b"A02", s(51)));
    assert!(!end.delivers(b"A03", s(52)) && !end.delivers(b"A01", s(53)));
    assert!(end.delivers(b"A03", s(54)) && end.delivers(b"A01", s(54)));
}

/// A peer that sends messages and answers no probe is alive. Its old answers become messages, and take no memory here.
#[test]
fn the_last_16_probes_are_remembered() {
    let mut end = End::new("pattern:'text:P{number:2}',answered-by='0:1=text:A,1:2=request'", None);
    for probe in 1..=17_u64 {
        assert_eq!(end.heartbeats(s(probe * 40)), [format!("P{probe:02}").into_bytes()]);
        assert!(end.delivers(b"message", s(probe * 40 + 1)));
    }
    assert!(end.delivers(b"A01", s(700)));
    for probe in (2..=17_u64).rev() {
        assert!(!end.delivers(format!("A{probe:02}").as_bytes(), s(701)));
    }
}

#[test]
fn connections_of_one_role_number_their_probes_in_turn() {
    let numbers = Numbers::new(1..=3).unwrap();
    let notation = "pattern:'text:P{number:1}{utc:%H}',answered-by='0:2=request'";
    let mut ends = [(); 2].map(|()| End::new(notation, Some(&numbers)));
    let mut sent = Vec::new();
    for at in [30, 70] {
        for end in &mut ends {
            let probe = end.heartbeats(s(at)).concat();
            assert!(!end.delivers(&probe, s(at + 1)));
            sent.push(String::from_utf8(probe).unwrap());
        }
    }
    assert_eq!(sent, ["P108", "P208", "P308", "P108"], "from the last to the first");
}

/// An end with heartbeats and calls, whose numbers are 1 to 3.
fn with_calls(key: KeyRule) -> (End, InFlight<&'static str>) {
    let numbers = Numbers::new(1..=3).unwrap();
    let end = End::new("pattern:'text:P{number:1}',answered-by='0:1=text:A,1:1=request'", Some(&numbers));
    let matching = Matching::by_key(key).or_numbers(end.0.receiving.numbers());
    let in_flight = InFlight::new(leave_out_numbers(&end.0.receiving, matching));
    (end, in_flight)
}

fn begin(in_flight: &mut InFlight<&'static str>, request: &'static [u8], now: Duration) -> Vec<u8> {
    let mut request = Cow::Borrowed(request);
    in_flight.begin(&mut request, "call", now, now + s(5)).unwrap();
    request.into_owned()
}

#[test]
fn a_probe_leaves_out_the_numbers_of_calls_in_flight() {
    let (mut end, mut in_flight) = with_calls(KeyRule::at("1:1".parse().unwrap()).assigned(Encoding::Ascii));
    assert_eq!(begin(&mut in_flight, b"R?", s(1)), b"R1");
    assert_eq!(begin(&mut in_flight, b"R?", s(1)), b"R2");
    assert_eq!(in_flight.on_message(b"A1", s(2)), Arrived::Reply("call"));
    assert_eq!(begin(&mut in_flight, b"R?", s(2)), b"R3");
    // The next number is 1, then 2 and 3 are in use.
    for at in [30, 70, 110] {
        assert_eq!(end.heartbeats(s(at)), [b"P1"], "2 and 3 are in use");
        assert!(!end.delivers(b"A1", s(at + 1)));
    }
    assert_eq!(in_flight.on_message(b"A2", s(112)), Arrived::Reply("call"));
    assert_eq!(end.heartbeats(s(150)), [b"P2"], "it is free again");
    assert_eq!(in_flight.fail().len(), 1);
    assert!(!end.delivers(b"A2", s(151)));
    assert_eq!(end.heartbeats(s(190)), [b"P3"], "a lost connection frees all numbers");
}

#[test]
fn a_probe_leaves_out_the_keys_that_the_application_chose_and_those_of_unanswered_calls() {
    let (mut end, mut in_flight) = with_calls(KeyRule::at("1:1".parse().unwrap()));
    begin(&mut in_flight, b"R1", s(1));
    begin(&mut in_flight, b"R2", s(1));
    assert_eq!(in_flight.expire(s(9)).len(), 2, "both were given up");
    assert_eq!(end.heartbeats(s(30)), [b"P3"]);
    assert!(!end.delivers(b"A3", s(31)));
    begin(&mut in_flight, b"R3", s(32));
    assert_eq!(end.heartbeats(s(72)).len(), 1, "with all numbers in use, a probe repeats one");
}

#[test]
fn a_call_leaves_out_the_number_of_the_last_probe() {
    let (mut end, mut in_flight) = with_calls(KeyRule::at("1:1".parse().unwrap()).assigned(Encoding::Ascii));
    assert_eq!(end.heartbeats(s(30)), [b"P1"]);
    for number in [b"R2", b"R3", b"R2"] {
        assert_eq!(begin(&mut in_flight, b"R?", s(31)), number);
        assert_eq!(in_flight.on_message(&[b'A', number[1]], s(31)), Arrived::Reply("call"));
    }
    // A call that finds no other number takes that of the probe.
    for number in [b"R3", b"R2", b"R1"] {
        assert_eq!(begin(&mut in_flight, b"R?", s(32)), number);
    }
}

#[test]
fn a_probe_that_cannot_be_composed_is_an_error() {
    let mut end = End::new("diameter", None);
    end.0.receiving.on_time(s(30)).unwrap();
    let refused = end.0.sending.queue_beat(inputs);
    assert_eq!(refused, Err(SendRefused::NotComposed));
    let text = "its template could not be composed: a variable is not set, or there is no number";
    assert_eq!(refused.unwrap_err().to_string(), text);
}

#[test]
fn a_probe_too_short_for_its_answer_reaches_the_application() {
    let mut end = End::new("iso8583,answer='text:0810{request:60:8}'", None);
    assert!(end.delivers(&iso("0800", 1, "301"), s(1)));
    let long = [iso("0800", 1, "301"), b"TERMINAL99999".to_vec()].concat();
    assert!(!end.delivers(&long, s(2)));
    assert_eq!(end.heartbeats(s(2)), [b"0810NAL99999"]);
}
