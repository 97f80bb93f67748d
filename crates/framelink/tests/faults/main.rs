//! Rows of the table of faults (`docs/src/faults.md`) for the program: both legs of a bridge, and a server, as
//! processes. Cells are framing × kind of connection × leg; each row prints how many it has.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "../common/mod.rs"]
mod common;
mod cut;
mod ends;
mod full;
#[path = "../../../framelink-transport/tests/system_faults/namespace.rs"]
#[allow(dead_code, reason = "the other tests need more of it")]
mod namespace;
mod rows;
mod stopped;

use std::sync::Mutex;
use std::thread;

use common::Wire;

/// Lengths as text, as packed digits, and as a number.
pub(crate) const WIRES: [Wire; 3] = [Wire::Ascii4, Wire::Bcd2, Wire::Net4];

/// A side of the bridge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leg {
    /// The side that accepts.
    Client,
    /// The side that dials.
    Host,
}

pub(crate) const LEGS: [Leg; 2] = [Leg::Client, Leg::Host];

/// Runs the cells of a row in parallel, prints their number, and names the cells that failed.
pub(crate) fn run<C: std::fmt::Debug + Send>(number: u8, fault: &str, cells: Vec<C>, play: fn(&C)) {
    let (count, faults) = (cells.len(), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for cell in cells {
            let faults = &faults;
            scope.spawn(move || {
                let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| play(&cell)));
                if let Err(panic) = ended {
                    let text =
                        panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref().copied());
                    faults.lock().unwrap().push(format!("{cell:?}: {}", text.unwrap_or("it panicked")));
                }
            });
        }
    });
    println!("row {number}: {count} cells: {fault}");
    let faults = faults.into_inner().unwrap();
    assert!(faults.is_empty(), "row {number}, {fault}:\n{}", faults.join("\n"));
}
