//! Two holding registers of a device over Modbus TCP.

include!("../../examples/recipes/modbus.rs");

use std::process::Command;

use crate::installed;
use crate::peer::{NO_REPLY, Peer, Step, bytes, error_with, expects, sends};
use crate::program::{Program, script};

#[tokio::main(flavor = "current_thread")]
async fn read_now(address: &str) -> Result<[u16; 2], Box<dyn Error>> {
    read(address).await
}

fn asks() -> Step {
    expects(bytes("0001 0000 0006 01 03 0000 0002"))
}

#[test]
fn registers_are_read() {
    let peer = Peer::with([asks(), sends(bytes("0001 0000 0007 01 03 04 1234 5678")), Step::ExpectsEnd]);
    assert_eq!(read_now(&peer.address()).unwrap(), [0x1234, 0x5678]);
    peer.finish();
}

#[test]
fn pymodbus_answers() {
    let Some(python) = installed::find("pymodbus", installed::python("pymodbus")) else { return };
    let mut program = Program::start(Command::new(python).arg(script("modbus_peer.py")));
    let address = program.listen("listen");
    assert_eq!(read_now(&address.to_string()).unwrap(), [0x00ff, 0x01fe]);
}

#[test]
fn errors_say_what_the_device_did() {
    for (steps, error) in [
        (vec![asks()], NO_REPLY),
        (
            vec![asks(), sends(bytes("0001 0000 0003 01 83 02")), Step::ExpectsEnd],
            "the device refuses the request with exception 2",
        ),
        (
            vec![asks(), sends(bytes("0001 0000 0004 01 04 01 00")), Step::ExpectsEnd],
            "the reply is not for function 3: [00, 01, 00, 00, 00, 04, 01, 04, 01, 00]",
        ),
        (
            vec![asks(), sends(bytes("0001 0000 0001 01")), Step::ExpectsEnd],
            "the reply is not for function 3: [00, 01, 00, 00, 00, 01, 01]",
        ),
    ] {
        assert_eq!(error_with(steps, read_now), error);
    }
}
