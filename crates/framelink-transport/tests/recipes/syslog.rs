//! Lines to a syslog collector, in both framings of RFC 6587.

include!("../../examples/recipes/syslog.rs");

use crate::peer::{Peer, Step, error_with, expects};

const COUNTED: &str = include_str!("../../examples/recipes/syslog.toml");
const LINES: &[u8] = b"su failed\nsu again\n";

#[test]
fn lines_are_sent_with_their_count() {
    let peer = Peer::with([
        expects("36 <14>1 - myhost myapp - - - su failed"),
        expects("35 <14>1 - myhost myapp - - - su again"),
        Step::ExpectsEnd,
    ]);
    assert_eq!(forward(&peer.address(), COUNTED, LINES).unwrap(), 2);
    peer.finish();
}

#[test]
fn lines_are_sent_as_lines() {
    let peer = Peer::with([
        expects("<14>1 - myhost myapp - - - su failed\n<14>1 - myhost myapp - - - su again\n"),
        Step::ExpectsEnd,
    ]);
    let profile = COUNTED.replace("framing = \"syslog\"", "framing = \"line,lf\"");
    assert_eq!(forward(&peer.address(), &profile, LINES).unwrap(), 2);
    peer.finish();
}

#[test]
fn errors_say_what_the_collector_did() {
    let both = "36 <14>1 - myhost myapp - - - su failed35 <14>1 - myhost myapp - - - su again";
    let steps = [expects(both), Step::ExpectsEnd, Step::KeepsOpen];
    let error = error_with(steps, |address| forward(address, COUNTED, LINES));
    assert_eq!(error, "the collector has not closed the connection");
}
