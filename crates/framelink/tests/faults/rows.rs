//! The rows of the table.

use crate::cut::{self, Cut};
use crate::ends::{self, Kind};
use crate::full::{self, Prints};
use crate::namespace::{Lost, Network, drop_rule};
use crate::{LEGS, WIRES, run, stopped};

/// Framings × kinds of connections.
fn kinds() -> Vec<(crate::Wire, Kind)> {
    WIRES.into_iter().flat_map(|wire| Kind::ALL.into_iter().map(move |kind| (wire, kind))).collect()
}

fn legs() -> Vec<(crate::Wire, crate::Leg)> {
    WIRES.into_iter().flat_map(|wire| LEGS.into_iter().map(move |leg| (wire, leg))).collect()
}

/// Framings × commands that print.
fn prints() -> Vec<(crate::Wire, Prints)> {
    WIRES.into_iter().flat_map(|wire| Prints::ALL.into_iter().map(move |prints| (wire, prints))).collect()
}

/// The number of cells in the table of the book: `tests/faults/table/system.rs` of framelink-transport.
#[test]
fn no_cell_is_missing() {
    assert_eq!([kinds().len(), legs().len(), prints().len(), WIRES.len()], [12, 6, 15, 3]);
}

#[test]
fn a_bridge_that_is_killed_under_load() {
    run(32, "a bridge is killed under load", kinds(), ends::killed);
}

#[test]
fn a_bridge_that_is_told_to_end_under_load() {
    run(33, "a bridge is told to end under load", kinds(), ends::told_to_end);
}

#[test]
fn a_server_that_is_told_to_end_under_load() {
    run(33, "a server is told to end under load", WIRES.to_vec(), ends::server_told_to_end);
}

#[test]
fn a_bridge_that_is_stopped_and_goes_on() {
    run(34, "a bridge is stopped, and goes on", legs(), stopped::goes_on);
}

#[test]
fn a_standard_output_that_is_full() {
    run(50, "standard output is full", prints(), full::stdout);
}

#[test]
fn a_standard_error_that_is_full() {
    run(50, "standard error is full", WIRES.to_vec(), full::stderr);
}

/// Runs a row on hosts of its own, if the system allows it.
fn on_hosts(number: u8, fault: &str, lost: Lost, play: fn(&Cut)) {
    let lacks = Network::new().and_then(|network| network.near.shell(&drop_rule(5)));
    let cells: Vec<_> = legs().into_iter().map(|(wire, leg)| Cut { wire, leg, lost }).collect();
    match lacks {
        Ok(()) => run(number, fault, cells, play),
        Err(why) => {
            println!("left out: row {number}, {} cells: {why}", cells.len());
            let required = std::env::var("FRAMELINK_NAMESPACES_REQUIRED").is_ok_and(|value| value == "1");
            assert!(!required, "row {number} is required, and cannot be run: {why}");
        }
    }
}

#[test]
fn a_leg_that_is_cut() {
    on_hosts(12, "an idle leg of a bridge is cut", Lost::Everything, cut::dies);
}

#[test]
fn a_leg_that_loses_what_we_send() {
    on_hosts(14, "a leg of a bridge loses what we send", Lost::Ours, cut::dies);
}

#[test]
fn a_leg_that_loses_what_the_peer_sends() {
    on_hosts(14, "a leg of a bridge loses what the peer sends", Lost::Theirs, cut::dies);
}

#[test]
fn a_leg_that_is_cut_and_heals_in_time() {
    on_hosts(15, "a leg of a bridge is cut, and heals in time", Lost::Everything, cut::heals);
}
