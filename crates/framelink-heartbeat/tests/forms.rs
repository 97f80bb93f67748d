//! Heartbeats on the wire: vectors, both ways.

use std::time::Duration;

use framelink_heartbeat::{Form, Heartbeat, Numbered, Seen};

fn form(notation: &str) -> Form {
    notation.parse::<Heartbeat>().expect(notation).form().clone()
}

#[test]
fn probes_and_answers() {
    for (notation, number, probe, answer) in [
        ("empty", 1, &b""[..], None),
        ("empty,answered", 1, b"", Some(&b""[..])),
        ("literal:50494e47", 1, b"PING", None),
        ("literal:50494e47..504f4e47", 1, b"PING", Some(b"PONG")),
        ("numbered", 7, b"FLHB\x01\0\0\0\x07\0\0\0\0\0\x16\xe3\x60", Some(b"FLHB\x02\0\0\0\x07\0\0\0\0\0\x16\xe3\x60")),
        (
            "smpp",
            0x0102_0304,
            b"\0\0\0\x10\0\0\0\x15\0\0\0\0\x01\x02\x03\x04",
            Some(b"\0\0\0\x10\x80\0\0\x15\0\0\0\0\x01\x02\x03\x04"),
        ),
        ("mqtt", 1, b"\xc0\0", Some(b"\xd0\0")),
        ("iec104", 1, b"\x43\0\0\0", Some(b"\x83\0\0\0")),
        // ISO 8583: a network management request, and the response to it.
        (
            "pattern:303830308220000000000000,answer=0:30383130",
            1,
            b"0800\x82\x20\0\0\0\0\0\0",
            Some(b"0810\x82\x20\0\0\0\0\0\0"),
        ),
    ] {
        let form = form(notation);
        let made = form.probe(number, Duration::from_micros(1_500_000), b"");
        assert_eq!(&made[..], probe, "{notation}");
        assert_eq!(form.answer(probe).as_deref(), answer, "{notation}");
        assert!(matches!(form.recognise(probe), Some(Seen::Beat | Seen::Probe | Seen::Either)), "{notation}");
        if let Some(answer) = answer.filter(|answer| *answer != probe) {
            assert!(matches!(form.recognise(answer), Some(Seen::Answer { .. })), "{notation}");
        }
    }
}

#[test]
fn what_is_no_heartbeat() {
    for (notation, message) in [
        ("empty", &b"x"[..]),
        ("literal:50494e47", b"PIN"),
        ("literal:50494e47", b"PING!"),
        ("literal:50494e47", b""),
        ("numbered", b"FLHB"),
        ("numbered", b"FLHB\x03\0\0\0\x07\0\0\0\0\0\x16\xe3\x60"),
        ("numbered", b"FLHA\x01\0\0\0\x07\0\0\0\0\0\x16\xe3\x60"),
        ("numbered", b"FLHB\x01\0\0\0\x07\0\0\0\0\0\x16\xe3"),
        ("smpp", b"\0\0\0\x10\0\0\0\x04\0\0\0\0\x01\x02\x03\x04"),
        ("smpp", b"\0\0\0"),
    ] {
        assert_eq!(form(notation).recognise(message), None, "{notation}");
    }
    let too_long = [&Numbered::probe(1, Duration::ZERO, b"").to_vec()[..], &[0; 257]].concat();
    assert_eq!(form("numbered").recognise(&too_long), None);
    let longest = Numbered::probe(1, Duration::ZERO, &[7; 300]).to_vec();
    assert_eq!(Numbered::parse(&longest).expect("a heartbeat").data, [7; 256]);
}
