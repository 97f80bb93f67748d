//! The bytes of each form of heartbeat, made and recognised.

use std::time::Duration;

use framelink_heartbeat::{Form, Heartbeat, Numbered, Own, Seen};

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
            let seen = form.recognise_after(answer, Some(probe));
            assert!(matches!(seen, Some(Seen::Answer { .. })), "{notation}: {seen:?}");
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

/// RFC 6733 section 5.5: the answer to a Device-Watchdog-Request has a Result-Code that the request has not.
#[test]
fn a_diameter_watchdog_is_made_of_functions() {
    const HEAD: usize = 20;
    let head = |len: usize, flags: u8, ids: [u8; 8]| {
        let len = u32::try_from(len).expect("short").to_be_bytes();
        [&[1, len[1], len[2], len[3], flags, 0, 1, 0x18, 0, 0, 0, 0][..], &ids[..]].concat()
    };
    // 268 Result-Code, mandatory, 12 bytes: 2001, DIAMETER_SUCCESS
    let result_code = [0, 0, 1, 0x0c, 0x40, 0, 0, 12, 0, 0, 0x07, 0xd1];
    let own = Own::new(
        |message| match message {
            [1, _, _, _, flags, 0, 1, 0x18, ..] if message.len() >= HEAD => {
                let number = u64::from_be_bytes(message.get(12..HEAD)?.try_into().ok()?);
                Some(if flags & 0x80 != 0 { Seen::Probe } else { Seen::Answer { number: Some(number) } })
            }
            _ => None,
        },
        move |number| head(HEAD, 0x80, number.to_be_bytes()),
    )
    .answered(move |probe| {
        let ids = probe.get(12..HEAD)?.try_into().ok()?;
        Some([&head(HEAD + result_code.len(), 0, ids)[..], &result_code].concat())
    });
    let form = Form::Own(own);
    let probe = form.probe(7, Duration::ZERO, b"");
    assert_eq!(form.recognise(&probe), Some(Seen::Probe));
    let answer = form.answer(&probe).expect("an answer");
    assert_eq!(answer[..8], [1, 0, 0, 32, 0, 0, 1, 0x18]);
    assert_eq!(form.recognise(&answer), Some(Seen::Answer { number: Some(7) }));
    // A Capabilities-Exchange-Request is a message.
    assert_eq!(form.recognise(&[1, 0, 0, 20, 0x80, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), None);
}
