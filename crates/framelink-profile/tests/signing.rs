//! Profiles: what is exchanged before the first message and before the close.
#![cfg(feature = "toml")]
#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use framelink_profile::{FirstStep, Framing, Greeting, Meanwhile, OnRefusal, Profile, ProfileBuilder, Side, Sign};
use framelink_template::{Match, Template};

const BANK: &str = r#"framing = "ascii:4"
greeting = "0:4=text:HELO"
sign-off = "text:0820{number:6}"

[exchange]
kind = "duplex"
key = "4:6"

[sign-on]
send = "text:0800{number:6}{utc:%m%d%H%M%S}{request:4:2}"
expect = "0:4=text:0810,4:6=request,20:2=text:00"
reply = "2:1=odd"
refused = "stop"

[[meanwhile]]
when = "0:4=text:0800"
say = "text:0810{request:4:6}"
"#;

const POSTGRES: &str = r#"framing = "net:4,counts=self"

[[first]]
send = "hex:0000000804d2162f"

[[first]]
expect = "0:1=text:N|text:S"
say = "text:N"
bytes = 1

[[first]]
send = "text:\\x00\\x03\\x00\\x00user\\x00{env:PGUSER}\\x00\\x00"
framing = "net:4,counts=self"
"#;

/// A bridge relays the start-up message of its clients, who may ask for encryption before it.
const BRIDGE: &str = r#"framing = "net:4,at=1,counts=self,keep"

[[first]]
send = "hex:0000000804d2162f"
optional = true

[[first]]
expect = "0:1=text:N"
say = "text:N"
bytes = 1

[[first]]
send = "relay"
framing = "net:4,counts=self"
"#;

fn bridge() -> Profile {
    of("postgres")
        .first(FirstStep::send(b"\0\0\0\x08\x04\xd2\x16\x2f").optional())
        .first(FirstStep::expect(a_match("0:1=text:N")).bytes(1).say(template("text:N")))
        .first(FirstStep::relay().framing("net:4,counts=self".parse().unwrap()))
        .build()
        .unwrap()
}

fn of(notation: &str) -> ProfileBuilder {
    Profile::builder(notation.parse::<Framing>().unwrap())
}

fn template(text: &str) -> Template {
    text.parse().unwrap()
}

fn a_match(text: &str) -> Match {
    text.parse().unwrap()
}

fn bank() -> Profile {
    let sign_on = Sign::new(template("text:0800{number:6}{utc:%m%d%H%M%S}{request:4:2}"))
        .expect(a_match("0:4=text:0810,4:6=request,20:2=text:00"))
        .reply_rule(a_match("2:1=odd"))
        .refused(OnRefusal::Stop);
    of("ascii:4")
        .exchange(framelink_profile::Duplex::new().key("4:6".parse().unwrap()))
        .greeting(Greeting::new().expect(a_match("0:4=text:HELO")))
        .sign_on(sign_on)
        .sign_off(Sign::new(template("text:0820{number:6}")))
        .meanwhile(Meanwhile::new(a_match("0:4=text:0800"), template("text:0810{request:4:6}")))
        .build()
        .unwrap()
}

fn postgres() -> Profile {
    let start = template(r"text:\x00\x03\x00\x00user\x00{env:PGUSER}\x00\x00");
    of("net:4,counts=self")
        .first(FirstStep::send(b"\0\0\0\x08\x04\xd2\x16\x2f"))
        .first(FirstStep::expect(a_match("0:1=text:N|text:S")).bytes(1).say(template("text:N")))
        .first(FirstStep::send(start).framing("net:4,counts=self".parse().unwrap()))
        .build()
        .unwrap()
}

#[test]
fn every_key_is_read_and_written() {
    for (toml, profile) in [(BANK, bank()), (POSTGRES, postgres()), (BRIDGE, bridge())] {
        assert_eq!(Profile::from_toml(toml).unwrap(), profile);
        let written = profile.to_toml();
        assert_eq!(Profile::from_toml(&written).unwrap(), profile, "{written}");
        let json = serde_json::to_string(&profile).unwrap();
        assert_eq!(serde_json::from_str::<Profile>(&json).unwrap(), profile, "{json}");
    }
    assert_eq!(bank().to_toml(), BANK);
    assert_eq!(bridge().to_toml(), BRIDGE);
}

#[test]
fn the_dialogue_is_explained_in_words() {
    for (profile, lines) in [
        (
            bank(),
            &[
                "greeting     once connected, a client first waits for a message with 0:4=text:HELO",
                "sign-on      once connected, a client sends a message like text:08000000010115080000{request:4:2} and waits for a reply \
                 with 0:4=text:0810,4:6=request,20:2=text:00; if the peer refuses, the address is not dialled again",
                "sign-on      a message can be the reply only with 2:1=odd; others are kept for the application",
                "sign-off     before closing, a client sends a message like text:0820000001",
                "meanwhile    until then, a client answers a message with 0:4=text:0800 by one like text:0810{request:4:6}",
            ][..],
        ),
        (
            bridge(),
            &[
                "first        before all messages, a client sends a message like hex:0000000804d2162f (optional; framelink's client \
                 leaves it out)",
                "first        before all messages, a client sends a message in net:4,counts=self; a bridge relays it to the host, other \
                 servers take any",
                "careful      only a server can use it, because for a client first.3.send does not go with the client: its message is \
                 that of another client, and only a bridge relays it",
            ],
        ),
        (
            postgres(),
            &[
                "first        before all messages, a client sends a message like hex:0000000804d2162f",
                "first        before all messages, a client expects 1 byte with 0:1=text:N|text:S; a server sends one like text:N",
                "careful      a client does not start here: first.3.send contains the environment variable PGUSER, which is not set",
            ],
        ),
    ] {
        let explained = profile.explain().to_string();
        for line in lines {
            assert!(explained.lines().any(|said| said == *line), "{line}\nis not in\n{explained}");
        }
    }
}

#[test]
fn a_side_that_cannot_use_the_dialogue_is_told_why() {
    for (toml, side, told) in [
        (
            "framing = 'line'\ngreeting = '0:4=text:INFO'",
            Side::Server,
            "greeting does not go with greeting.send: a client expects it, and the profile does not say what a server sends",
        ),
        (
            "framing = 'line'\ngreeting = { send = 'text:INFO' }",
            Side::Client,
            "greeting does not go with greeting.expect: a server sends it, and the profile does not say what a client expects",
        ),
        (
            "framing = 'line'\n[[first]]\nexpect = '0:1=text:N'\nbytes = 1",
            Side::Server,
            "first.1.expect does not go with first.1.say: a server sends this message, and the profile does not say it",
        ),
        (
            "framing = 'line'\n[[first]]\nsend = 'text:{env:HOME}'",
            Side::Server,
            "first.1.send does not go with first.1.bytes: a server receives this message, and it has no fixed length; set bytes or \
             framing",
        ),
    ] {
        let profile = Profile::from_toml(toml).unwrap();
        assert_eq!(profile.check_for(side).unwrap_err().to_string(), told, "{toml}");
        let other = if side == Side::Client { Side::Server } else { Side::Client };
        profile.check_for(other).unwrap();
    }
}

/// The value of a variable is taken when a connection is made, and a missing one is found before.
#[test]
fn a_role_does_not_start_without_its_variables() {
    let profile = of("line").sign_on(Sign::new(template("text:{env:FRAMELINK_UNSET}"))).build().unwrap();
    let error = profile.check_one_at_a_time().unwrap_err();
    let told = "sign-on.send contains the environment variable FRAMELINK_UNSET, which is not set";
    assert_eq!((error.key(), error.to_string().as_str()), ("sign-on.send", told));
    profile.check_variables(Side::Server).unwrap();
    assert!(of("line").sign_on(Sign::new(template("text:{env:PATH}"))).build().unwrap().check_one_at_a_time().is_ok());
}

/// A side that sends no probes answers those of the other side.
#[test]
fn the_templates_of_heartbeats_have_their_variables_and_numbers() {
    let heartbeat = "pattern:'text:P{number:2}{env:FRAMELINK_UNSET}',probe='0:1=text:P',answer='text:A{request:1:2}',\
                     answered-by='0:1=text:A,1:2=request'";
    let profile = of("ascii:4").heartbeat(heartbeat.parse().unwrap()).build().unwrap();
    let told = "liveness.heartbeat contains the environment variable FRAMELINK_UNSET, which is not set";
    assert_eq!(profile.check_variables(Side::Client).unwrap_err().to_string(), told);
    profile.check_variables(Side::Server).unwrap();
    assert_eq!(profile.number_range().to_string(), "1..99");
    assert!(profile.uses_numbers());
    let explained = profile.explain().to_string();
    assert!(explained.contains("the client sends a message like text:P01••• after 30s without traffic"), "{explained}");

    let of_other = "pattern:'text:P{number:2,of=batch}',probe='0:1=text:P'";
    let refused = of("ascii:4").heartbeat(of_other.parse().unwrap()).build().unwrap_err();
    assert_eq!(refused.key(), "liveness.heartbeat");
}

#[test]
fn a_bridge_relays_as_many_messages_as_it_receives() {
    let (bridge, plain) = (bridge(), of("postgres").build().unwrap());
    assert_eq!(bridge.check_bridge(Some(&bridge)), Ok(()));
    assert_eq!(plain.check_bridge(Some(&plain)), Ok(()));
    assert_eq!(plain.check_bridge(None), Ok(()));
    for (host, clients, told) in [
        (&bridge, None, "0 of a client, and 1 to the host"),
        (&bridge, Some(&plain), "0 of a client, and 1 to the host"),
        (&plain, Some(&bridge), "1 of a client, and 0 to the host"),
    ] {
        let told = format!(
            "first.3.send does not go with the bridge: a bridge relays as many messages as it receives: {told}"
        );
        assert_eq!(host.check_bridge(clients).unwrap_err().to_string(), told);
    }
    for error in [bridge.check_one_at_a_time().unwrap_err(), bridge.check_pool().unwrap_err()] {
        assert_eq!(error.key(), "first.3.send", "{error}");
    }
    assert_eq!(bridge.check_relayed(1), Ok(()));
    let error = bridge.check_relayed(0).unwrap_err().to_string();
    assert_eq!(error, "first does not go with the messages: messages to relay: 0, steps with send = \"relay\": 1");
}

#[test]
fn relayed_and_optional_steps_that_cannot_work_are_refused() {
    for (steps, told) in [
        (
            "connection = 'pooled'\n[[first]]\nsend = 'relay'\nbytes = 4",
            "first.1.send does not go with connection: a bridge relays the message of one client, and the connection is not for one \
             client alone; use long",
        ),
        (
            "[[first]]\nsend = 'relay'",
            "first.1.send does not go with first.1.bytes: the profile does not say where the message ends; set bytes or framing",
        ),
        (
            "[[first]]\nsend = 'text:A'\noptional = true",
            "first.1.optional does not go with the step: a client that leaves it out must send a later step, by which a server sees \
             that",
        ),
        (
            "[[first]]\nsend = 'text:{utc:%S}'\noptional = true\n[[first]]\nsend = 'relay'\nbytes = 1",
            "first.1.optional does not go with the step: a client may leave out only a constant message, by which a server recognises \
             it",
        ),
        (
            "[[first]]\nexpect = 'any'\nbytes = 1\noptional = true",
            "first.1.optional does not go with the step: a client may leave out only a constant message, by which a server recognises \
             it",
        ),
    ] {
        let error = Profile::from_toml(&format!("framing = 'postgres'\n{steps}")).unwrap_err();
        assert_eq!(error.profile_error().unwrap().to_string(), told, "{steps}");
    }
}

#[test]
fn only_a_side_with_something_to_exchange_has_a_dialogue() {
    let has = |profile: &Profile| [Side::Client, Side::Server].map(|side| profile.has_dialogue(side));
    assert_eq!(has(&bank()), [true, false]);
    assert_eq!(has(&postgres()), [true, true]);
    assert_eq!(has(&of("line").sign_off(Sign::new(b"bye")).build().unwrap()), [false, false]);
    let greets = Greeting::new().send(template("text:INFO"));
    assert_eq!(has(&of("line").greeting(greets).build().unwrap()), [false, true]);
}
