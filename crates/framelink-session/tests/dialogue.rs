//! The dialogue before the first message, without a socket.
#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use framelink_heartbeat::{Form, Heartbeat, Role};
use framelink_length::Length;
use framelink_session::{
    Ask, Cut, Dialogue, DialogueError, DialoguePart, DialogueRules, Greeting, Meanwhile, OnRefusal, Opening,
    OpeningFault, Received, Relayed, Session, Sign, Step, StepMessage, Transmit, advance_dialogue,
};
use framelink_template::{Inputs, Match, Numbers, Template};

type Ends = Session<Length, Length>;

fn framing() -> Length {
    "net:1".parse().unwrap()
}

fn a_match(text: &str) -> Match {
    text.parse().unwrap()
}

fn template(text: &str) -> Template {
    text.parse().unwrap()
}

fn step(message: StepMessage, cut: Cut) -> Step {
    Step { message, cut, is_optional: false }
}

/// First steps in both directions, a greeting, a sign-on, and rules for other messages.
fn rules() -> DialogueRules {
    let mut rules = DialogueRules::default();
    let imei = StepMessage::Sent(template("text:IMEI"));
    let accepted = StepMessage::Received { expect: a_match("0:1=hex:01"), say: Some(template("hex:01")) };
    let two: Length = "net:2".parse().unwrap();
    rules.first = vec![step(imei, Cut::Framing(Arc::new(two))), step(accepted, Cut::Bytes(1))];
    rules.greeting = Some(Greeting::new().expect(a_match("0:1=text:G")).send(template("text:G7")));
    let sign_on = Sign::new(template("text:S{number:2}{request:1:1}")).expect(a_match("0:1=text:A,1:2=request"));
    rules.sign_on = Some(sign_on.refused(OnRefusal::Stop));
    rules.meanwhile = vec![Meanwhile::new(a_match("0:1=text:M"), template("text:N{request:1:1}"))];
    rules.reply = Some(a_match("0:1=text:A|text:B"));
    rules.heartbeat = Some(Arc::new(Heartbeat::strict(Form::literal(b"PING", b"PONG"))));
    rules.has_receiver = true;
    rules
}

fn session(rules: DialogueRules, us: Role) -> Ends {
    let mut session = Session::new(framing(), framing());
    let numbers = Numbers::new(1..=99).unwrap();
    session.receiving.set_dialogue(Dialogue::new(Arc::new(rules), us, numbers));
    session
}

/// Advances the dialogue and writes, until bytes are needed.
fn advance(session: &mut Ends, written: &mut Vec<u8>) -> Result<bool, DialogueError> {
    loop {
        let numbers = session.receiving.dialogue().map(|dialogue| dialogue.numbers().clone());
        let numbers = numbers.unwrap_or_else(|| Numbers::new(1..=1).unwrap());
        let (inputs, now) = (Inputs::system(&numbers), Duration::from_secs(7));
        let Session { receiving, sending, .. } = session;
        let opening = match advance_dialogue(receiving, sending, &inputs, || 0, now) {
            Ok(opening) => opening,
            Err(OpeningFault::Dialogue(error)) => return Err(error),
            Err(fault) => panic!("{fault:?}"),
        };
        while let Transmit::Write(bytes) = session.sending.poll() {
            written.extend_from_slice(bytes);
            let count = bytes.len();
            session.sending.on_written(count, now);
        }
        match opening {
            Opening::Write => {}
            Opening::Over => return Ok(true),
            Opening::Read(_) => return Ok(false),
        }
    }
}

const PEER: &[u8] = b"\x01\x02G7\x02R1\x04PING\x02M5\x02R2\x03A01\x02R3";
const OURS: &[u8] = b"\x00\x04IMEI\x04S017\x04PONG\x02N5";

#[test]
fn a_dialogue_is_the_same_wherever_its_bytes_are_cut() {
    for cut in 0..=PEER.len() {
        let (mut client, mut written) = (session(rules(), Role::Client), Vec::new());
        assert!(!advance(&mut client, &mut written).unwrap());
        let mut is_over = false;
        for part in [&PEER[..cut], &PEER[cut..]] {
            assert!(!client.receiving.has_started() || is_over, "{cut}: no message is delivered before");
            client.receiving.on_bytes(part, Duration::from_secs(6));
            is_over = advance(&mut client, &mut written).unwrap();
        }
        assert!(is_over && client.receiving.has_started(), "{cut}");
        assert_eq!(written.escape_ascii().to_string(), OURS.escape_ascii().to_string(), "{cut}");
        for expected in [b"R1", b"R2", b"R3"] {
            let Ok(Received::Message(message)) = client.receiving.poll() else { panic!("{cut}") };
            assert_eq!(&message[..], expected, "{cut}");
        }
        assert!(matches!(client.receiving.poll(), Ok(Received::Wait { .. })), "{cut}");
        assert!(client.receiving.liveness().is_some(), "{cut}: heartbeats have begun");
    }
}

#[test]
fn the_other_side_has_the_same_rules() {
    let wire = b"\x00\x04IMEI\x04S017";
    for cut in 0..=wire.len() {
        let (mut server, mut written) = (session(rules(), Role::Server), Vec::new());
        let mut is_over = false;
        for part in [&wire[..cut], &wire[cut..]] {
            if !is_over {
                assert!(!advance(&mut server, &mut written).unwrap() || cut >= 6);
            }
            server.receiving.on_bytes(part, Duration::ZERO);
            is_over = advance(&mut server, &mut written).unwrap();
        }
        assert!(is_over, "{cut}");
        assert_eq!(written, b"\x01\x02G7", "{cut}: the answer, and the greeting");
        let Ok(Received::Message(message)) = server.receiving.poll() else { panic!("{cut}") };
        assert_eq!(&message[..], b"S017", "{cut}: a server answers a sign-on like any request");
    }
}

#[test]
fn heartbeats_begin_after_the_dialogue() {
    let (mut client, mut written) = (session(rules(), Role::Client), Vec::new());
    advance(&mut client, &mut written).unwrap();
    client.receiving.on_bytes(&PEER[..1], Duration::from_secs(6));
    advance(&mut client, &mut written).unwrap();
    assert!(client.receiving.liveness().is_none() && client.sending.liveness().is_none());
    client.receiving.on_bytes(&PEER[1..], Duration::from_secs(6));
    assert!(advance(&mut client, &mut written).unwrap());
    // The first probe is due an interval after the end of the dialogue, not of the connection's start.
    let due = client.receiving.liveness().unwrap().deadline().unwrap();
    assert!(due > Duration::from_secs(7), "{due:?}");
}

/// The verdict said that nothing had ever come, right after the reply to the sign-on.
#[test]
fn a_verdict_counts_the_bytes_of_the_dialogue() {
    let mut rules = DialogueRules::default();
    rules.sign_on = Some(Sign::new(b"0800").expect(Match::any()));
    rules.heartbeat = Some(Arc::new(Heartbeat::strict(Form::literal(b"PING", b"PONG"))));
    let (mut session, mut written) = (session(rules, Role::Client), Vec::new());
    assert_eq!(advance(&mut session, &mut written), Ok(false));
    session.receiving.on_bytes(b"\0\x040810", Duration::ZERO);
    assert_eq!(advance(&mut session, &mut written), Ok(true));
    let (mut now, liveness) = (Duration::ZERO, session.receiving.liveness().unwrap().clone());
    let verdict = loop {
        match session.receiving.on_time(now) {
            Ok(()) => now = liveness.deadline().unwrap(),
            Err(verdict) => break verdict,
        }
    };
    let text = verdict.to_string();
    assert!(text.starts_with(&format!("the peer is gone: nothing came for {}s", now.as_secs() - 7)), "{text}");
    assert!(text.ends_with(&format!("our last byte went {}s ago", now.as_secs() - 7)), "{text}");
}

#[test]
fn an_error_names_the_part_the_place_and_what_is_allowed() {
    for (peer, part, told) in [
        (
            &b"\x02"[..],
            DialoguePart::First(2),
            "the message of first step 2 is not the expected one: in its 1 byte, expected 0:1=hex:01, found hex:02",
        ),
        (
            b"\x01\x02H7",
            DialoguePart::Greeting,
            "the greeting is not the expected one: in its 2 bytes, expected 0:1=text:G, found text:H",
        ),
        (
            b"\x01\x02G7\x03B01",
            DialoguePart::SignOn,
            "the peer refused the sign-on: in its reply of 3 bytes, expected 0:1=text:A, found text:B; the address is not \
             dialled again (refused = \"stop\")",
        ),
        (
            b"\x01\x02G7\x03A02",
            DialoguePart::SignOn,
            "the peer refused the sign-on: in its reply of 3 bytes, expected 1:2=request, found text:02; the address is not \
             dialled again (refused = \"stop\")",
        ),
    ] {
        let (mut client, mut written) = (session(rules(), Role::Client), Vec::new());
        advance(&mut client, &mut written).unwrap();
        client.receiving.on_bytes(peer, Duration::ZERO);
        let error = advance(&mut client, &mut written).unwrap_err();
        let DialogueError::Unexpected(unexpected) = &error else { panic!("{error:?}") };
        assert_eq!((unexpected.part, error.to_string().as_str()), (part, told));
        assert!(!client.receiving.has_started(), "nothing that arrived is taken for a message");
        assert!(matches!(client.receiving.poll_preamble(), Ok(false)));
    }
}

#[test]
fn an_end_before_the_dialogue_is_over_is_an_error() {
    for (len, told) in [
        (0, "the peer closed the connection before the message of first step 2"),
        (1, "the peer closed the connection before the greeting"),
        (4, "the peer closed the connection instead of replying"),
        (7, "the peer closed the connection instead of replying; 1 other message had come"),
        (18, "the peer closed the connection instead of replying; 4 other messages had come"),
    ] {
        let (mut client, mut written) = (session(rules(), Role::Client), Vec::new());
        advance(&mut client, &mut written).unwrap();
        client.receiving.on_bytes(&PEER[..len], Duration::ZERO);
        client.receiving.on_closed();
        let error = advance(&mut client, &mut written).unwrap_err();
        assert_eq!(error.to_string(), told);
    }
    let (mut server, mut written) = (session(rules(), Role::Server), Vec::new());
    server.receiving.on_bytes(b"\x00\x04IM", Duration::ZERO);
    server.receiving.on_closed();
    let error = advance(&mut server, &mut written).unwrap_err();
    assert_eq!(error.to_string(), "the peer closed the connection after 4 bytes of the message of first step 1");
}

#[test]
fn a_step_takes_no_more_than_64_kib() {
    let mut rules = DialogueRules::default();
    let received = StepMessage::Received { expect: Match::any(), say: None };
    let line: Length = "net:4".parse().unwrap();
    rules.first = vec![step(received, Cut::Framing(Arc::new(line)))];
    let (mut client, mut written) = (session(rules, Role::Client), Vec::new());
    client.receiving.on_bytes(b"\x00\x02\x00\x00", Duration::ZERO);
    for _ in 0..65 {
        if let Err(error) = advance(&mut client, &mut written) {
            assert_eq!(error.to_string(), "the message of first step 1 is longer than 64 KiB");
            return;
        }
        client.receiving.on_bytes(&[0; 1024], Duration::ZERO);
    }
    advance(&mut client, &mut written).unwrap_err();
}

#[test]
fn an_application_without_a_receiver_is_handed_them_at_once() {
    let mut rules = rules();
    rules.has_receiver = false;
    let (mut client, mut written) = (session(rules, Role::Client), Vec::new());
    let unread = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&unread);
    client.receiving.set_unread(Some(Arc::new(move |message: framelink_session::Message| {
        heard.lock().unwrap().push(message.to_vec());
    })));
    advance(&mut client, &mut written).unwrap();
    client.receiving.on_bytes(PEER, Duration::ZERO);
    assert!(advance(&mut client, &mut written).unwrap());
    assert_eq!(*unread.lock().unwrap(), [b"R1", b"R2"]);
    let Ok(Received::Message(message)) = client.receiving.poll() else { panic!() };
    assert_eq!(&message[..], b"R3", "what follows the reply is not early");
}

/// A user who waits for a reply reads whether the host is silent, or sends messages that cannot be the reply.
#[test]
fn what_is_awaited_is_told_with_the_other_messages() {
    for (len, told) in [
        (0, "the message of first step 2 is awaited"),
        (1, "the greeting is awaited"),
        (4, "the reply to the sign-on is awaited"),
        (7, "1 other message came, kept for the application, but not the reply to the sign-on"),
        (18, "4 other messages came, 2 of them kept for the application, but not the reply to the sign-on"),
        (2, "1 byte of a message came, at least 2 more are owed"),
    ] {
        let (mut client, mut written) = (session(rules(), Role::Client), Vec::new());
        advance(&mut client, &mut written).unwrap();
        client.receiving.on_bytes(&PEER[..len], Duration::ZERO);
        assert!(!advance(&mut client, &mut written).unwrap());
        assert_eq!(client.receiving.unfinished().unwrap().to_string(), told, "{len}");
    }
}

/// An optional request and its answer, and a message that a bridge relays.
fn relaying() -> DialogueRules {
    let mut rules = DialogueRules::default();
    let asks = |text: &str| Step { is_optional: true, ..step(StepMessage::Sent(template(text)), Cut::Bytes(4)) };
    let no =
        || step(StepMessage::Received { expect: a_match("0:1=text:N"), say: Some(template("text:N")) }, Cut::Bytes(1));
    let two: Length = "net:2".parse().unwrap();
    let relayed = step(StepMessage::Relayed, Cut::Framing(Arc::new(two)));
    rules.first = vec![asks("text:GSS?"), no(), asks("text:SSL?"), no(), relayed];
    rules
}

#[test]
fn optional_steps_may_be_left_out_and_the_relayed_message_is_taken_whole() {
    for (wire, answered) in [
        (&b"\x00\x03joe\x02hi"[..], &b""[..]),
        (b"SSL?\x00\x03joe\x02hi", b"N"),
        (b"GSS?\x00\x03joe\x02hi", b"N"),
        (b"GSS?SSL?\x00\x03joe\x02hi", b"NN"),
    ] {
        for cut in 0..=wire.len() {
            let (mut server, mut written) = (session(relaying(), Role::Server), Vec::new());
            for part in [&wire[..cut], &wire[cut..]] {
                server.receiving.on_bytes(part, Duration::ZERO);
                advance(&mut server, &mut written).unwrap();
            }
            assert_eq!(written, answered, "{wire:?} {cut}");
            let Ok(Received::Message(message)) = server.receiving.poll() else { panic!("{wire:?} {cut}") };
            assert_eq!(&message[..], b"hi");
            let relayed = server.receiving.take_relayed();
            assert_eq!((relayed.len(), relayed.iter().next()), (1, Some(&b"joe"[..])));
            assert_eq!(format!("{relayed:?}"), r#"["3 bytes"]"#);
            assert!(server.receiving.take_relayed().is_empty());
        }
    }
}

#[test]
fn an_optional_step_is_awaited_with_the_later_ones() {
    let (mut server, mut written) = (session(relaying(), Role::Server), Vec::new());
    assert_eq!(advance(&mut server, &mut written), Ok(false));
    let told = server.receiving.unfinished().unwrap().to_string();
    assert_eq!(told, "the message of first step 1 or of a later one is awaited");
}

#[test]
fn a_client_leaves_out_optional_steps_and_sends_the_relayed_message() {
    let numbers = Numbers::new(1..=9).unwrap();
    let relayed: Relayed = [b"joe".to_vec()].into_iter().collect();
    let mut dialogue = Dialogue::new(Arc::new(relaying()), Role::Client, numbers.clone()).relaying(relayed);
    assert_eq!(dialogue.poll(&Inputs::system(&numbers)), Ok(Ask::SendBytes(b"\x00\x03joe".to_vec())));
    assert_eq!(dialogue.poll(&Inputs::system(&numbers)), Ok(Ask::Over));
    let mut dialogue = Dialogue::new(Arc::new(relaying()), Role::Client, numbers.clone());
    assert_eq!(
        dialogue.poll(&Inputs::system(&numbers)).unwrap_err().to_string(),
        "the message of first step 5 is that of a client (send = \"relay\"), and no client's message was given"
    );
}

#[test]
fn a_start_that_no_step_allows_is_refused_by_the_step_that_is_required() {
    let (mut server, mut written) = (session(relaying(), Role::Server), Vec::new());
    server.receiving.on_bytes(b"GET / HTTP/1.1", Duration::ZERO);
    assert!(!advance(&mut server, &mut written).unwrap(), "18245 bytes are announced");
    server.receiving.on_closed();
    let error = advance(&mut server, &mut written).unwrap_err();
    assert_eq!(error.to_string(), "the peer closed the connection after 14 bytes of the message of first step 5");
}

#[test]
fn debug_output_shows_no_message() {
    let numbers = Numbers::new(1..=9).unwrap();
    let mut dialogue = Dialogue::new(Arc::new(rules()), Role::Client, numbers.clone());
    let ask = dialogue.poll(&Inputs::system(&numbers)).unwrap();
    let shown = format!("{ask:?} {dialogue:?}");
    assert_eq!(shown, "SendBytes(6 bytes) Dialogue { stage: First(1), kept: 0, .. }");
}
