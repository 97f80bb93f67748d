//! Two bytes of a data block of a PLC: TPKT, COTP, S7.

include!("../../examples/recipes/s7.rs");

use crate::peer::{NO_REPLY, Peer, Step, bytes, error_with, expects, sends};

/// Connection request and confirm; setup communication, for which the PLC chooses 240 bytes.
fn sets_up() -> [Step; 4] {
    [
        expects(bytes("03000016 11e0 0000 0001 00 c0010a c1020100 c2020102")),
        sends(bytes("03000016 11d0 0001 0002 00 c0010a c1020100 c2020102")),
        expects(bytes("03000019 02f080 32010000 0001 0008 0000 f000 0001 0001 01e0")),
        sends(bytes("0300001b 02f080 32030000 0001 0008 0000 0000 f000 0001 0001 00f0")),
    ]
}

fn asks() -> Step {
    expects(bytes("0300001f 02f080 32010000 0002 000e 0000 0401 120a10 02 0002 0001 84 000000"))
}

fn with(steps: impl IntoIterator<Item = Step>) -> Vec<Step> {
    sets_up().into_iter().chain(steps).collect()
}

#[test]
fn a_word_of_a_data_block_is_read() {
    let reply = bytes("0300001b 02f080 32030000 0002 0002 0006 0000 0401 ff04 0010 1234");
    let peer = Peer::with(with([asks(), sends(reply), Step::ExpectsEnd]));
    assert_eq!(read(&peer.address()).unwrap(), 0x1234);
    peer.finish();
}

#[test]
fn errors_say_what_the_plc_did() {
    let no_such_block = bytes("03000019 02f080 32030000 0002 0002 0004 0000 0401 0a00 0000");
    for (steps, error) in [
        (
            sets_up().into_iter().take(1).collect(),
            "signing on at PEER: the peer closed the connection instead of replying",
        ),
        (sets_up().into_iter().take(3).collect(), NO_REPLY),
        (
            with([asks(), sends(no_such_block), Step::ExpectsEnd]),
            "the PLC refuses the read: [02, f0, 80, 32, 03, 00, 00, 00, 02, 00, 02, 00, 04, 00, 00, 04, 01, 0a, 00, \
             00, 00]",
        ),
        (
            with([asks(), sends("SSH-2.0-OpenSSH_9.6\r\n"), Step::ExpectsEnd]),
            "calling PEER: prefix byte at offset 0 is 0x53, expected 0x03; the bytes begin like an SSH banner (is \
             this the SSH port?) (perhaps sent)",
        ),
    ] {
        assert_eq!(error_with(steps, read), error);
    }
}
