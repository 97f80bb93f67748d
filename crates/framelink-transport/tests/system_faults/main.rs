//! The rows of the table of faults that need a network of their own, or processes. Two hosts are in network namespaces,
//! and the wire between them is cut, loses packets, is slow, or changes. Peers and servers are killed, stopped, told to
//! end, or short of memory. All cells of a row (framing × driver × role) run side by side.
//!
//! A network needs `ip` and a system that permits namespaces (root, or `unshare --user --map-root-user`). Some rows
//! need `nft`, `tc` or `ss`. A row that cannot run prints `left out: …`; with `FRAMELINK_NAMESPACES_REQUIRED=1` it
//! fails.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test")]

mod cell;
mod dies;
mod goes_on;
mod host;
mod killed;
mod namespace;
mod ours;
mod peers;
mod plain;
mod ports;
mod program;
mod programs;
mod rows;
mod servers;
mod stage;
mod stopped;
#[path = "../support/mod.rs"]
mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};

use rows::Row;
use support::{driver, wire};

/// The number of rows that run at a time. Their cells mostly wait.
const ROWS_AT_A_TIME: usize = 3;

/// Runs a row, prints its count, and panics with the names of the failed cells.
fn run(row: &Row) {
    static RUNNING: (Mutex<usize>, Condvar) = (Mutex::new(0), Condvar::new());
    static CELLS: AtomicUsize = AtomicUsize::new(0);
    if let Some(why) = (row.lacks)() {
        println!("left out: row {}, {} cells: {why}", row.number, row.cells);
        let required = std::env::var("FRAMELINK_NAMESPACES_REQUIRED").is_ok_and(|value| value == "1");
        assert!(!required, "row {} is required, and cannot be run: {why}", row.number);
        return;
    }
    let (running, changed) = &RUNNING;
    let guard = running.lock().unwrap();
    *changed.wait_while(guard, |running| *running >= ROWS_AT_A_TIME).unwrap() += 1;
    let began = std::time::Instant::now();
    let done = std::panic::catch_unwind(row.run);
    *running.lock().unwrap() -= 1;
    changed.notify_all();
    let cells = done.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    let faults: Vec<_> = cells.iter().filter_map(|cell| cell.fault()).collect();
    let all = CELLS.fetch_add(cells.len(), Ordering::AcqRel) + cells.len();
    println!("row {}: {} cells in {:.1?} ({all} so far): {}", row.number, cells.len(), began.elapsed(), row.fault);
    assert!(faults.is_empty(), "row {}, {}:\n{}", row.number, row.fault, faults.join("\n"));
    assert_eq!(cells.len(), row.cells, "the cells of row {}", row.number);
}

/// Makes a test of each row.
macro_rules! rows {
    ($($row:ident),* $(,)?) => {
        $(
            #[test]
            fn $row() {
                run(&rows::$row());
            }
        )*
    };
}

rows![
    an_idle_link_that_is_cut,
    a_link_that_is_cut_with_data_unacknowledged,
    a_link_that_loses_the_packets_that_we_send,
    a_link_that_loses_the_packets_of_the_peer,
    a_cut_that_heals_in_time,
    a_link_that_loses_one_packet_in_twenty,
    a_link_that_loses_one_packet_in_five,
    a_link_that_loses_every_second_packet,
    a_slow_link_with_a_long_queue,
    an_interface_that_goes_down_for_long,
    an_interface_that_goes_down_and_up,
    a_path_that_takes_smaller_packets_than_before,
    a_socket_that_an_administrator_kills,
    no_local_port_is_left,
    many_addresses_of_one_client,
    an_idle_peer_that_is_killed,
    a_peer_that_is_killed_inside_a_frame,
    a_peer_that_is_killed_inside_an_exchange,
    a_server_that_is_told_to_end_under_load,
    a_process_that_is_stopped_and_goes_on,
    a_server_that_is_short_of_memory,
];
