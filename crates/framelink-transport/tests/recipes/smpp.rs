//! A short message to an SMSC.

include!("../../examples/recipes/smpp.rs");

use crate::peer::{NO_REPLY, Peer, Step, bytes, error_with, expects, refused, sends};

#[tokio::main(flavor = "current_thread")]
async fn submit_now(address: &str) -> Result<String, Box<dyn Error>> {
    submit(address, "hello").await
}

/// Binds with bind_transmitter_resp, which has the system_id "smsc".
fn binds() -> [Step; 2] {
    [
        expects(bytes("00000021 00000002 00000000 00000001 65736d6500 73656372657400 00 34 00 00 00")),
        sends(bytes("00000015 80000002 00000000 00000001 736d736300")),
    ]
}

fn submits() -> Step {
    let destination = "01 01 34393137303132333435363700";
    expects(bytes(&format!(
        "0000003b 00000004 00000000 00000002 00 05 00 6672616d656c696e6b00 {destination} \
         00 00 00 00 00 00 00 00 00 05 68656c6c6f"
    )))
}

fn bound(steps: impl IntoIterator<Item = Step>) -> Vec<Step> {
    binds().into_iter().chain(steps).collect()
}

#[test]
fn a_message_is_submitted_between_bind_and_unbind() {
    let peer = Peer::with(bound([
        submits(),
        // enquire_link of the SMSC, before the response.
        sends(bytes("00000010 00000015 00000000 0000002a")),
        expects(bytes("00000010 80000015 00000000 0000002a")),
        sends(bytes("00000015 80000004 00000000 00000002 6d73673100")),
        expects(bytes("00000010 00000006 00000000 00000003")),
        sends(bytes("00000010 80000006 00000000 00000003")),
        Step::ExpectsEnd,
    ]));
    assert_eq!(submit_now(&peer.address()).unwrap(), "msg1");
    peer.finish();
}

#[test]
fn errors_say_what_the_smsc_did() {
    let [bind, _] = binds();
    let wrong_password = sends(bytes("00000015 80000002 0000000e 00000001 736d736300"));
    for (steps, error) in [
        (
            binds().into_iter().take(1).collect(),
            "calling the peer: signing on at PEER: the peer closed the connection instead of replying (not sent)",
        ),
        (vec![bind, wrong_password, Step::ExpectsEnd], &refused(17, "expected 4:4=hex:00000000, found hex:0000000e")),
        (bound([submits()]), NO_REPLY),
        (
            bound([submits(), sends(bytes("00000010 80000004 00000058 00000002")), Step::ExpectsEnd]),
            "the message was refused: [80, 00, 00, 04, 00, 00, 00, 58]",
        ),
        (
            bound([submits(), sends(bytes("00000002 80000004")), Step::ExpectsEnd]),
            "calling PEER: header says 2, but what it counts is at least 4 bytes (perhaps sent)",
        ),
    ] {
        assert_eq!(error_with(steps, submit_now), error);
    }
}
