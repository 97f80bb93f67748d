//! Texts that an operator reads, word for word.

use std::time::Duration;

use framelink_transport::{ConnectError, Refusal, ServerEvent};

#[test]
fn a_refusal_names_the_peer_the_reason_and_the_key_of_the_profile() {
    let peer = "192.0.2.7:5000".parse().unwrap();
    for (reason, text) in [
        (Refusal::Access, "192.0.2.7:5000: refused: its client may not connect (access)"),
        (Refusal::Total, "192.0.2.7:5000: refused: the listener has its maximum of connections (limits.connections)"),
        (
            Refusal::Client,
            "192.0.2.7:5000: refused: its client has its maximum of connections (limits.connections-per-client)",
        ),
    ] {
        assert_eq!(ServerEvent::Refused { peer, reason }.to_string(), text);
    }
}

#[test]
fn what_a_call_is_told_when_nothing_is_dialled_or_the_peer_does_not_want_us() {
    let next_try = Duration::from_micros(1_234_567);
    let last = Some("switch:7000: connecting to 10.1.2.3:7000: Connection refused (os error 111)".into());
    for (error, text) in [
        (
            ConnectError::NotYet { last, next_try },
            "not dialled, the next try is due in 1230ms; the last one: switch:7000: connecting to 10.1.2.3:7000: \
             Connection refused (os error 111)",
        ),
        (ConnectError::NotYet { last: None, next_try }, "not dialled, the next try is due in 1230ms"),
    ] {
        assert_eq!(error.to_string(), text);
    }
}
