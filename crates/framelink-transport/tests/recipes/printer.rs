//! A job for a printer's raw port.

include!("../../examples/recipes/printer.rs");

use framelink_testkit::ReservedPort;

use crate::peer::{Peer, Step, error_with, expects, sends};

#[test]
fn a_job_ends_with_the_connection() {
    let peer = Peer::with([expects("hello\r\n\x0c"), Step::ExpectsEnd]);
    print(&peer.address(), b"hello\r\n\x0c").unwrap();
    peer.finish();
}

#[test]
fn a_job_of_a_megabyte_and_a_printer_that_reports_its_state() {
    let job = vec![b'x'; 3 << 20];
    let peer = Peer::with([sends("@PJL USTATUS DEVICE\r\nCODE=10001\r\n\x0c"), expects(&job), Step::ExpectsEnd]);
    print(&peer.address(), &job).unwrap();
    peer.finish();
}

#[test]
fn errors_say_what_the_printer_did() {
    let job = vec![b'x'; 8 << 20];
    let error = error_with([], |address| print(address, &job));
    assert!(error.starts_with("sending to PEER: the connection was reset ("), "{error}");
    assert!(error.ends_with(": look whether the job is complete before you repeat it"), "{error}");
    let reserved = ReservedPort::new().unwrap();
    let down = reserved.address().to_string();
    let error = print(&down, &job).unwrap_err().to_string();
    assert_eq!(error.replace(&down, "PEER"), "connecting to PEER: Connection refused (os error 111)");
}
