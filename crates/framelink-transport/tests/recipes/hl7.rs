//! A laboratory reports a result over MLLP.

include!("../../examples/recipes/hl7.rs");

use std::process::Command;

use crate::installed;
use crate::peer::{NO_REPLY, Peer, Step, error_with, expects, sends};
use crate::program::{Program, script};

const REPORT: &[u8] = b"\x0bMSH|^~\\&|LAB|HERE|WARD|THERE|20260102030405||ORU^R01|4711|P|2.5\r\
    PID|1||4711^^^WARD||DOE^JANE||19700101|F\rOBR|1|||GLU\rOBX|1|NM|GLU||5.4|mmol/L||||F\r\x1c\r";

fn acknowledges(msa: &str) -> [Step; 3] {
    let ack = format!("\x0bMSH|^~\\&|WARD|THERE|LAB|HERE|20260102030405||ACK^R01^ACK|A1|P|2.5\r{msa}\r\x1c\r");
    [expects(REPORT), sends(ack), Step::ExpectsEnd]
}

#[test]
fn a_result_is_reported_and_acknowledged() {
    let peer = Peer::with(acknowledges("MSA|AA|4711"));
    assert_eq!(report(&peer.address()).unwrap(), "accepted");
    peer.finish();
}

#[test]
fn the_python_package_acknowledges() {
    let Some(python) = installed::find("python hl7", installed::python("hl7")) else { return };
    let mut program = Program::start(Command::new(python).args(["-W", "ignore"]).arg(script("hl7_peer.py")));
    let address = program.listen("listen streams whole 1");
    assert_eq!(report(&address.to_string()).unwrap(), "accepted");
}

#[test]
fn an_acknowledgement_in_another_character_set_is_read() {
    let [expects, _, ends] = acknowledges("");
    let latin = b"\x0bMSH|^~\\&|WARD|M\xfcnchen|LAB|HERE|20260102030405||ACK|A1|P|2.5||||||8859/1\rMSA|AA|4711\r\x1c\r";
    let peer = Peer::with([expects, sends(latin), ends]);
    assert_eq!(report(&peer.address()).unwrap(), "accepted");
    peer.finish();
}

#[test]
fn errors_say_what_the_receiver_did() {
    for (steps, error) in [
        (vec![expects(REPORT)], NO_REPLY),
        (
            vec![expects(REPORT), sends("ACK"), Step::ExpectsEnd],
            "calling PEER: start byte at offset 0 is 0x41, expected 0x0b (perhaps sent)",
        ),
        (acknowledges("MSA|AE|4711|no such patient").into(), "the message was rejected: MSA|AE|4711|no such patient"),
        (acknowledges("MSA|AA|4710").into(), "the reply is for another message: MSA|AA|4710"),
    ] {
        assert_eq!(error_with(steps, report), error);
    }
}
