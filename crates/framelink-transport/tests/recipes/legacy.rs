//! A host with a connection for each exchange.

include!("../../examples/recipes/legacy.rs");

use framelink_testkit::ReservedPort;

use crate::peer::{Peer, Step, error_with, expects, sends};

fn ask_one(address: &str) -> Result<String, Box<dyn Error>> {
    ask(vec![address.to_owned()], "INQ 4711")
}

#[test]
fn a_host_answers_and_disconnects() {
    let peer = Peer::with([expects("0012INQ 4711"), sends("0011balance")]);
    assert_eq!(ask_one(&peer.address()).unwrap(), "balance");
    peer.finish();
}

#[test]
fn another_host_answers_for_one_that_is_down() {
    let down = ReservedPort::new().unwrap();
    let peer = Peer::with([expects("0012INQ 4711"), sends("0011balance")]);
    assert_eq!(ask(vec![down.address().to_string(), peer.address()], "INQ 4711").unwrap(), "balance");
    peer.finish();
}

#[test]
fn errors_say_what_the_host_may_have_done() {
    for (steps, error) in [
        (
            vec![expects("0012INQ 4711")],
            "calling PEER: the peer closed the connection instead of replying (perhaps sent): the host may have done \
             it, so ask before you send it again",
        ),
        (
            vec![expects("0012INQ 4711"), sends("0003"), Step::ExpectsEnd],
            "calling PEER: header says 3, but what it counts is at least 4 bytes (perhaps sent): the host may have \
             done it, so ask before you send it again",
        ),
    ] {
        assert_eq!(error_with(steps, ask_one), error);
    }
    let down = ReservedPort::new().unwrap();
    let error = ask_one(&down.address().to_string()).unwrap_err().to_string();
    assert_eq!(
        error.replace(&down.address().to_string(), "PEER"),
        "calling the peer: connecting to PEER: Connection refused (os error 111) (not sent): send it again later"
    );
}
