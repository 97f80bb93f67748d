//! The table of faults. Each row is a fault of a peer, of the network or of the system, and what must happen then. A
//! row runs in cells, one for each framing, driver and role, or names the test elsewhere that proves it.
//!
//! ```console
//! cargo test -p framelink-transport --test faults -- --nocapture      # one line a row, and the count of cells
//! FRAMELINK_FAULTS=7,8 cargo test -p framelink-transport --test faults # some rows only
//! FRAMELINK_RENEW=1 cargo test -p framelink-transport --test faults    # writes docs/src/faults.md
//! ```

#![allow(clippy::unwrap_used, reason = "the rows are called by tests")]

mod cell;
mod ends;
mod page;
mod row;
mod rows;
mod run;
mod script;
mod table;
mod wall_clock;

#[path = "../support/mod.rs"]
mod support;

use support::{driver, echo, many, party, peer, server, wire};

#[test]
fn every_cell_of_the_table_holds() {
    run::all();
}

#[test]
fn the_page_of_the_book_is_the_table() {
    page::compare();
}

#[test]
fn every_row_has_cells_or_names_a_test_that_exists() {
    for row in table::all() {
        row.check();
    }
    assert!(
        table::all().is_sorted_by(|row, next| row.number < next.number),
        "the rows are in the order of their numbers"
    );
}

#[test]
#[ignore = "for the other process of row 26"]
fn the_other_process() {
    rows::descriptors::the_other_process();
}
