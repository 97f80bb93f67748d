//! Messages of the peer while the reply to the sign-on is awaited.

use std::time::Duration;

use framelink_transport::{Incoming, TryRecv, blocking, tokio};

use crate::party::{ALL, Client, Driver, on_tokio, profile, receives};
use crate::peer::{Does, Peer};

const DUPLEX: &str = r#"
    framing = "ascii:4"
    exchange = { kind = "duplex", key = "4:3", reply = "2:1=odd" }

    [sign-on]
    send = "text:0800{number:3}"
    expect = "0:4=text:0810,4:3=request"

    [[meanwhile]]
    when = "0:4=text:0800"
    say = "text:0810{request:4:3}"

    [liveness]
    heartbeat = "literal:50494e47..504f4e47,interval=60s"
"#;

fn unsolicited(incoming: Incoming) -> Vec<u8> {
    match incoming {
        Incoming::Message(message) => message.to_vec(),
        other => panic!("{other:?}"),
    }
}

/// The peer's own sign-on with our trace number, a probe, and requests, each at another place.
fn busy() -> Vec<Does> {
    vec![
        Does::Takes(b"00070800001"),
        Does::Says(b"00070200001000708000010004PING0004020x"),
        Does::Takes(b"000708100010004PONG"),
        Does::Says(b"000708100010007020000200070200003"),
    ]
}

#[test]
fn each_message_is_handled_by_its_own_rule_and_none_is_lost() {
    for driver in ALL {
        let peer = Peer::with(vec![busy()]);
        let (received, unread) = receives(driver, &profile(DUPLEX), &peer.name(), 4);
        let expected = [&b"0200001"[..], b"020x", b"0200002", b"0200003"];
        assert_eq!(received.unwrap(), expected, "{driver:?}");
        assert!(unread.is_empty(), "{driver:?}");
        peer.finish();
    }
}

#[test]
fn the_inbox_of_a_link_gets_them_first() {
    let profile = profile(DUPLEX);
    let expected = ["0200001", "020x", "0200002", "0200003"];
    let text = |event: &dyn std::fmt::Debug| format!("{event:?}");
    let peer = Peer::with(vec![busy()]);
    on_tokio(async {
        let (link, mut inbox) = tokio::Link::new(profile.clone(), peer.name()).unwrap();
        link.connect().await.unwrap();
        let mut received = Vec::new();
        while received.len() < 4 {
            match inbox.recv().await.unwrap() {
                tokio::LinkEvent::Incoming(incoming) => received.push(unsolicited(incoming)),
                event => assert!(text(&event).starts_with("Up"), "{event:?}"),
            }
        }
        assert_eq!(received, expected.map(str::as_bytes));
    });
    peer.finish();
    let peer = Peer::with(vec![busy()]);
    let (link, mut inbox) = blocking::Link::new(profile, peer.name()).unwrap();
    link.connect().unwrap();
    let mut received = Vec::new();
    while received.len() < 4 {
        match inbox.recv_within(Duration::from_secs(20)) {
            TryRecv::Message(blocking::LinkEvent::Incoming(incoming)) => received.push(unsolicited(incoming)),
            event => assert!(text(&event).contains("Up"), "{event:?}"),
        }
    }
    assert_eq!(received, expected.map(str::as_bytes));
    drop((link, inbox));
    peer.finish();
}

/// A client with one exchange at a time receives no unsolicited messages: they are handed over as unread.
#[test]
fn a_client_with_one_exchange_hands_over_early_messages_as_unread() {
    let toml = r#"
        framing = "net:1"
        sign-on = { send = "text:S", expect = "0:1=text:A", reply = "0:1=text:A|text:B" }
    "#;
    for driver in ALL {
        let script = || vec![Does::Takes(b"\x01S"), Does::SaysAtOnce(b"\x01x\x01y\x01A")];
        let mut with_call = script();
        with_call.extend([Does::Takes(b"\x01?"), Does::Says(b"\x01!")]);
        let peer = Peer::with(vec![with_call, script()]);
        let mut client = Client::new(driver, &profile(toml), peer.name());
        assert_eq!(&client.call(b"?").unwrap()[..], b"!", "{driver:?}: they are not the reply to the call");
        let (received, unread) = receives(driver, &profile(toml), &peer.name(), 0);
        assert!(received.unwrap().is_empty());
        assert_eq!(unread, [b"x", b"y"], "{driver:?}");
        drop(client);
        peer.finish();
    }
}

#[test]
fn what_is_kept_is_limited_and_handed_over_when_the_sign_on_fails() {
    let toml = r#"
        framing = "net:1"
        exchange = "duplex"
        sign-on = { send = "text:S", expect = "0:1=text:A", reply = "0:1=text:A|text:B" }
    "#;
    let many: &'static [u8] = b"\x01x".repeat(65).leak();
    for driver in ALL {
        for (said, kept, told) in [
            (
                many,
                64,
                "65 other messages of 130 bytes arrived before the reply to the sign-on, at most 64 of 65536 bytes are kept",
            ),
            (
                b"\x01x\x01y\x01B",
                2,
                "the peer refused the sign-on: in its reply of 1 byte, expected 0:1=text:A, found text:B",
            ),
        ] {
            let peer = Peer::with(vec![vec![Does::Takes(b"\x01S"), Does::SaysAtOnce(said)]]);
            let (received, unread) = receives(driver, &profile(toml), &peer.name(), 0);
            let error = received.unwrap_err().to_string();
            assert!(error.contains(told), "{driver:?}: {error}");
            assert_eq!(unread.len(), kept, "{driver:?}");
            peer.finish();
        }
    }
}

/// Without a reply rule, any message can be the reply, so another one is a refusal.
#[test]
fn without_a_rule_another_message_is_a_refusal() {
    let toml = "framing = 'net:1'\nsign-on = { send = 'text:S', expect = '0:1=text:A' }";
    let peer = Peer::with(vec![vec![Does::Takes(b"\x01S"), Does::Says(b"\x01x")]]);
    let mut client = Client::new(Driver::Blocking, &profile(toml), peer.name());
    let error = client.call(b"?").unwrap_err().to_string();
    assert!(
        error.contains("the peer refused the sign-on: in its reply of 1 byte, expected 0:1=text:A, found text:x"),
        "{error}"
    );
    drop(client);
    peer.finish();
}
