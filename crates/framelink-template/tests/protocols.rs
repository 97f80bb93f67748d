//! Messages of real protocols.

use std::cell::Cell;
use std::time::Duration;

use framelink_template::{Inputs, Match, NumberSource, Numbers, NumbersError, Template};

/// A source whose first number is given.
struct From(Cell<u64>);

impl NumberSource for From {
    fn next_of(&self, _name: Option<&str>) -> Result<u64, NumbersError> {
        Ok(self.0.replace(self.0.get() + 1))
    }
}

fn compose(template: &str, first: u64, request: Option<&[u8]>) -> Vec<u8> {
    let template: Template = template.parse().expect("a template");
    let variable = |name: &str| (name == "PGUSER").then(|| b"alice".to_vec());
    let inputs = Inputs {
        now: Duration::from_millis(1_800_000_000_123),
        local_offset: 3 * 3600,
        request,
        numbers: &From(Cell::new(first)),
        random: &|| 7,
        variable: &variable,
    };
    template.compose(&inputs).expect("a message")
}

#[test]
fn iso8583_sign_on_carries_trace_number_and_time() {
    let sign_on = compose("text:0800{number:6}{utc:%m%d%H%M%S}{local:%H%M%S}001", 42, None);
    assert_eq!(sign_on, b"08000000420115080000110000001");
    let reply: Match = "0:4=map:0200>0210|0800>0810,4:6=request,29:2=text:00".parse().unwrap();
    assert!(reply.holds(b"0810000042011508000011000000100", Some(&sign_on)));
    assert!(!reply.holds(b"0810000043011508000011000000100", Some(&sign_on)), "another trace number");
    assert!(!reply.holds(b"0810000042011508000011000000191", Some(&sign_on)), "refused");
    assert!(!reply.holds(b"0800000042011508000011000000100", Some(&sign_on)), "a request of the peer");
    assert!(!reply.holds(b"0210000042011508000011000000100", Some(&sign_on)), "the reply of another kind");
}

#[test]
fn iso8583_in_bcd() {
    let echo = compose("hex:0800 8220000000000000 {utc:%m%d%H%M%S,bcd}{number:3,bcd}0301", 123_456, None);
    assert_eq!(echo, b"\x08\x00\x82\x20\0\0\0\0\0\0\x01\x15\x08\x00\x00\x12\x34\x56\x03\x01");
}

#[test]
fn smpp_enquire_link_and_its_answer() {
    let enquire = compose("hex:{length:4,binary,of=all}0000001500000000{number:4,binary}", 0x7fff_ffff, None);
    assert_eq!(enquire, b"\0\0\0\x10\0\0\0\x15\0\0\0\0\x7f\xff\xff\xff");
    let answer = compose("hex:00000010 80000015 00000000 {request:12:4}", 1, Some(&enquire));
    let answered: Match = "4:4=hex:80000015,12:4=request,len=16".parse().unwrap();
    assert!(answered.holds(&answer, Some(&enquire)));
    let deliver_sm: Match = "4:1&80=hex:80".parse().unwrap();
    assert!(deliver_sm.holds(&answer, None) && !deliver_sm.holds(&enquire, None), "bit 80 means a response");
}

#[test]
fn diameter_watchdog_has_its_lengths() {
    let dwr = compose(
        r"text:\x01{length:3,binary,of=all}\x80\x00\x01\x18\x00\x00\x00\x00{number:4,binary}{number:4,binary}{part:host}\x00\x00\x01\x08\x40{length:3,binary,of=host}client.example.org{end}\x00\x00{part:realm}\x00\x00\x01\x28\x40{length:3,binary,of=realm}example.org{end}\x00",
        5,
        None,
    );
    assert_eq!(dwr.len(), 68);
    assert_eq!(dwr[..20], *b"\x01\0\0\x44\x80\0\x01\x18\0\0\0\0\0\0\0\x05\0\0\0\x06");
    assert_eq!(dwr[20..28], *b"\0\0\x01\x08\x40\0\0\x1a", "8 bytes of head and 18 of the name");
    assert_eq!(dwr[48..56], *b"\0\0\x01\x28\x40\0\0\x13");
    let dwa: Match = "4:1&80=hex:00,5:3=hex:000118,12:8=request".parse().unwrap();
    let mut answer = dwr.clone();
    answer[4] = 0;
    assert!(dwa.holds(&answer, Some(&dwr)));
    assert!(!dwa.holds(&dwr, Some(&dwr)));
}

#[test]
fn modbus_reply_copies_the_header() {
    let request = b"\x00\x2a\0\0\0\x06\x11\x03\0\0\0\x01";
    let reply =
        compose("hex:{request:0:4}{length:2,binary,of=rest}{request:6:2}02{part:values}002a{end}", 1, Some(request));
    assert_eq!(reply, b"\x00\x2a\0\0\0\x05\x11\x03\x02\0\x2a");
}

#[test]
fn postgresql_start_message_counts_itself() {
    let start = compose(r"text:{length:4,binary,of=all}\x00\x03\x00\x00user\x00{env:PGUSER}\x00\x00", 1, None);
    assert_eq!(start, b"\0\0\0\x14\0\x03\0\0user\0alice\0\0");
}

#[test]
fn tpdu_addresses_are_swapped() {
    let request = b"\x60\0\x01\0\x02\x08\0";
    assert_eq!(compose("hex:60{request:3:2}{request:1:2}0810", 1, Some(request)), b"\x60\0\x02\0\x01\x08\x10");
}

#[test]
fn greetings_of_servers() {
    for (greeting, first) in
        [("0:5=text:INFO ", "INFO {}"), ("0:4=text:220 |text:220-", "220 mail"), ("len=4..99", "Asterisk")]
    {
        let greeting: Match = greeting.parse().unwrap();
        assert!(greeting.holds(first.as_bytes(), None), "{greeting}");
        assert!(!greeting.holds(b"-", None), "{greeting}");
    }
}

#[test]
fn numbers_go_round() {
    let numbers = Numbers::new(999_998..=999_999).unwrap();
    let template: Template = "text:{number:6}".parse().unwrap();
    let drawn: Vec<_> = (0..3).map(|_| template.compose(&Inputs::system(&numbers)).unwrap()).collect();
    assert_eq!(drawn, [b"999998", b"999999", b"999998"]);
}
