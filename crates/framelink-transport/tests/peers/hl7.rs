//! The Python package `hl7`: its client, and its asyncio streams in both roles.

use std::process::Command;

use crate::delivery::Delivery;
use crate::driver::{Driver, on_every_driver};
use crate::exchange::{Kind, exchange};
use crate::installed;
use crate::program::{Program, script};

on_every_driver!(mllp);

/// Sizes are those of a text in the message.
const KINDS: &[Kind] = &[
    Kind {
        name: "streams",
        notation: "mllp",
        sizes: &[0, 1, 250, 4096, 65536, 1_000_000],
        messages,
        server: Delivery::ALL,
        client: Delivery::ALL,
    },
    // The client reads a reply with a single read of 4096 bytes.
    Kind {
        name: "client",
        notation: "mllp",
        sizes: &[0, 1, 250, 3000],
        messages,
        server: &[],
        client: &[Delivery::Whole],
    },
];

fn mllp<D: Driver>() {
    let Some(python) = installed::find("python hl7", installed::python("hl7")) else { return };
    let mut program = Program::start(Command::new(python).args(["-W", "ignore"]).arg(script("hl7_peer.py")));
    exchange::<D>("python hl7", &mut program, KINDS);
}

/// Returns an observation, and the acknowledgement that returns it. The package reproduces these names and numbers
/// unchanged when it parses a message and writes it again.
fn messages(number: usize, size: usize) -> (Vec<u8>, Vec<u8>) {
    let observation = [b"OBX|1|TX|note||".as_slice(), &text(size), b"|\r"].concat();
    let request = format!(
        "MSH|^~\\&|LAB|HERE|WARD|THERE|20260102030405||ORU^R01|{number}|P|2.5\rPID|1||4711^^^WARD||DOE^JANE||19700101|F\r"
    );
    let reply = format!("MSH|^~\\&|WARD|THERE|LAB|HERE|20260102030405||ACK^R01^ACK|A{number}|P|2.5\rMSA|AA|{number}\r");
    ([request.as_bytes(), &observation].concat(), [reply.as_bytes(), &observation].concat())
}

/// Returns every byte value except the separators of a message. VT and FS, which begin and end a message, are included.
fn text(size: usize) -> Vec<u8> {
    let values: Vec<u8> = (0..=255).filter(|byte| !b"\r|^~\\&".contains(byte)).collect();
    values.iter().copied().cycle().skip(size % values.len()).take(size).collect()
}
