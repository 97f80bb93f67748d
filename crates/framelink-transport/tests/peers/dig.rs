//! BIND's `dig +tcp +keepopen`, which sends one question after the other on one connection.

use std::process::Command;

use crate::delivery::{Delivery, Door};
use crate::dns_message::{A, Records, zone};
use crate::driver::{Driver, framing, on_every_driver};
use crate::installed;
use crate::program::Program;

on_every_driver!(keepopen);

fn keepopen<D: Driver>() {
    let Some(dig) = installed::find("dig", installed::program("dig")) else { return };
    let zone = zone();
    // dig sends its next question only when it has an answer, so there is no burst.
    for delivery in [Delivery::Whole, Delivery::Bytes] {
        let (mut door, address) = Door::<D>::open(framing("dns"), delivery);
        let mut command = Command::new(&dig);
        command.args(["-r", "+tcp", "+keepopen", "+short", "+tries=1", "+time=20", "@127.0.0.1"]);
        command.args(["-p", &address.port().to_string()]);
        for records in &zone {
            command.args([records.name.as_str(), if records.kind == A { "A" } else { "TXT" }]);
        }
        let mut program = Program::start(&mut command);
        let mut ours = door.accept();
        for records in &zone {
            let query = ours.recv();
            assert!(records.are_asked_by(&query), "{}: {query:02x?} does not ask for {}", D::NAME, records.name);
            ours.send(&records.answer(u16::from_be_bytes([query[0], query[1]])));
        }
        assert!(ours.next().is_none(), "{}: a message after the last answer", D::NAME);
        ours.close();
        let printed: Vec<String> = zone.iter().flat_map(Records::lines).collect();
        assert!(program.rest() == printed, "{}: other answers than were sent", D::NAME);
    }
    println!("dig on {} sockets: {} exchanges", D::NAME, 2 * zone.len());
}
