//! A terminal and its switch: BCD length, TPDU, sign-on.

include!("../../examples/recipes/card_switch.rs");

use crate::peer::{NO_REPLY, Peer, Step, bytes, error_with, expects, expects_except, refused, sends};

fn expects_sign_on() -> Step {
    // Time and date are not compared.
    expects_except(
        bytes("0036 6000010002 0800 2038010000800000 920000 000001 000000 0000 0003 5445524d30303031"),
        23..28,
    )
}

fn signed_on(steps: impl IntoIterator<Item = Step>) -> Vec<Step> {
    let reply = bytes("0038 6000020001 0810 2038010002800000 920000 000001 120000 0131 0003 3030 5445524d30303031");
    [expects_sign_on(), sends(reply)].into_iter().chain(steps).collect()
}

const SALE: &str = "0037 6000010002 0200 3020010000800000 000000 000000001000 000002 0003 5445524d30303031";

#[test]
fn a_terminal_signs_on_and_sells() {
    let reply = "0039 6000020001 0210 3020010002800000 000000 000000001000 000002 0003 3030 5445524d30303031";
    let peer = Peer::with(signed_on([expects(bytes(SALE)), sends(bytes(reply)), Step::ExpectsEnd]));
    assert_eq!(sale(&peer.address()).unwrap(), "00");
    peer.finish();
}

#[test]
fn errors_say_what_the_switch_did() {
    let refusal = "0038 6000020001 0810 2038010002800000 920000 000001 120000 0131 0003 3035 5445524d30303031";
    for (steps, error) in [
        (
            vec![expects_sign_on()],
            "calling the peer: signing on at PEER: the peer closed the connection instead of replying (not sent)",
        ),
        (
            vec![expects_sign_on(), sends(bytes(refusal)), Step::ExpectsEnd],
            &refused(33, "expected 23:2=text:00, found text:05"),
        ),
        (signed_on([expects(bytes(SALE))]), NO_REPLY),
        (
            signed_on([expects(bytes(SALE)), sends(bytes("0007 6000010002 0210")), Step::ExpectsEnd]),
            "calling PEER: infix byte at offset 4 is 0x01, expected 0x02 (perhaps sent)",
        ),
        (
            signed_on([
                expects(bytes(SALE)),
                sends(bytes("0020 6000020001 0210 0020000002000000 000002 3030")),
                Step::ExpectsEnd,
            ]),
            "the reply has another type or other fields: [02, 10, 00, 20, 00, 00, 02, 00, 00, 00]",
        ),
    ] {
        assert_eq!(error_with(steps, sale), error);
    }
}
