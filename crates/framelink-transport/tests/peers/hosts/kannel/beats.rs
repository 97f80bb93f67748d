//! Heartbeats while there are no other messages: those of our box, and enquire_link of both sides.

use std::sync::Arc;

use framelink_testkit::ReservedPort;

use super::bearerbox::Bearerbox;
use super::message::{ADMIN, HEARTBEAT};
use super::{BOX_PROFILE, CENTRE, profile, reports};
use crate::hosts::clients::{Client, OnThreads};
use crate::hosts::servers::{Server, Tokio};
use crate::hosts::smpp::pdu::ENQUIRE_LINK_RESP;
use crate::hosts::tap::{From, Tap};

const BIND_TRANSCEIVER: u32 = 0x0000_0009;
const ENQUIRE_LINK: u32 = 0x0000_0015;

#[test]
fn heartbeats_go_on_in_silence() {
    let port = ReservedPort::new().unwrap();
    let centre = Tokio::start(&Arc::new(profile(CENTRE)), port.address(), Arc::new(|_| None));
    let smpp = Tap::start("net:4,counts=frame", port.address());
    let Some(mut bearerbox) = Bearerbox::start("beats", smpp.address) else { return };
    let boxes = Tap::start("net:4", bearerbox.address());
    let client = OnThreads::start(&profile(BOX_PROFILE), boxes.address.to_string(), reports(&Arc::default()));
    client.connect();
    let [mut theirs, mut ours] = [0; 2];
    bearerbox.daemon.wait_for("heartbeats of both sides", || {
        theirs = smpp.count(From::Client, ENQUIRE_LINK).min(smpp.count(From::Server, ENQUIRE_LINK_RESP));
        ours = smpp.count(From::Server, ENQUIRE_LINK).min(smpp.count(From::Client, ENQUIRE_LINK_RESP));
        theirs >= 2 && ours >= 2 && boxes.count(From::Client, HEARTBEAT) >= 3
    });
    assert_eq!(boxes.count(From::Client, ADMIN), 1, "our box has signed on once");
    assert_eq!(smpp.count(From::Client, BIND_TRANSCEIVER), 1, "the bearerbox has signed on once");
    client.close();
    centre.kill();
}
