//! Peers that are lost and return, on real sockets. After each row all its descriptors, tasks and threads are gone.
//!
//! Rows run one after the other in a process of their own, because the open resources belong to the process. A driver
//! has several such processes, and each runs a part of its rows.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod balance;
mod client;
mod host;
mod kept_up;
mod links;
mod losses;
mod moves;
mod names;
mod outages;
mod signing;
mod states;
mod stored_dial;
#[path = "../support/mod.rs"]
mod support;

use std::pin::Pin;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use client::Driver;
use support::baseline::{Baseline, no_tasks};

/// No row takes longer than this.
const DEADLINE: Duration = Duration::from_secs(20);
/// The variable that names the driver of a process, and the part of its rows, such as `Tokio 0`.
const ROWS_OF: &str = "FRAMELINK_ROWS_OF";
/// How many processes a driver has.
const PARTS: usize = 3;

type Row = (&'static str, fn(Driver) -> Pin<Box<dyn Future<Output = ()>>>);

macro_rules! rows {
    ($($group:ident :: $row:ident),* $(,)?) => {
        &[$((concat!(stringify!($group), "::", stringify!($row)), |driver| Box::pin($group::$row(driver)))),*]
    };
}

/// Rows for every driver.
const ROWS: &[Row] = rows![
    outages::a_flapping_server_is_dialled_less_and_less,
    outages::a_call_waits_for_the_next_dial_within_its_timeout,
    outages::a_call_that_waits_for_the_next_dial_has_time_left_for_it,
    outages::a_call_with_a_timeout_before_the_next_dial_fails_at_once,
    outages::a_backup_serves_while_the_first_address_is_dead,
    outages::short_connections_do_not_dial_an_ejected_address,
    outages::a_silent_address_leaves_time_for_the_other_addresses,
    losses::a_hook_is_given_the_address_and_the_reason,
    losses::a_hook_that_panics_or_hangs_delays_no_call,
    names::a_real_name_is_resolved,
    names::a_name_without_an_address,
    names::a_resolver_that_hangs_or_panics_is_contained,
    names::a_changed_answer_is_used_by_the_next_dial,
    names::a_name_with_one_dead_address_is_connected_at_the_other,
    names::the_address_of_a_name_that_answered_is_tried_first,
    signing::a_connection_begins_with_its_sign_on_and_ends_with_its_sign_off,
    signing::a_refused_sign_on_is_an_error_of_its_own,
    signing::a_peer_that_does_not_answer_the_sign_on_is_an_error,
    kept_up::an_idle_client_comes_back,
    kept_up::a_backup_takes_over_from_an_idle_client,
    kept_up::an_unsolicited_message_costs_an_idle_client_its_connection,
    kept_up::a_client_that_only_receives_gets_messages_that_arrived_while_it_was_idle,
    kept_up::heartbeats_hide_no_end_from_a_client_that_only_receives,
    kept_up::a_client_dials_a_peer_that_refuses_to_sign_on_less_and_less,
];

/// Rows for the two drivers with background work.
const ON_TWO: &[Row] = rows![
    states::the_states_of_an_outage,
    states::the_state_on_the_backup_is_degraded,
    states::heartbeats_report_a_loss_between_two_calls,
    moves::a_client_returns_to_the_primary_without_delaying_a_call,
    moves::a_primary_that_refuses_the_sign_on_is_not_used,
    links::a_link_that_moves_finishes_the_calls_in_flight,
    links::an_address_that_does_not_answer_has_failed,
    kept_up::a_link_has_all_its_connections_before_any_call,
    kept_up::an_idle_link_comes_back_and_receives_on_the_new_connections,
    kept_up::an_idle_link_keeps_no_socket_that_was_lost,
    kept_up::a_backup_takes_over_from_an_idle_link_until_the_primary_is_back,
    kept_up::a_peer_that_refuses_to_sign_on_is_dialled_less_and_less,
    kept_up::a_link_that_is_closed_is_not_dialled_until_it_is_used,
];

/// Rows for the driver whose program continues a dial.
const ON_EVENTS: &[Row] = rows![
    stored_dial::an_exchange_takes_over_a_dial_that_signs_on,
    stored_dial::an_exchange_dials_again_when_the_stored_dial_fails,
    stored_dial::a_sign_on_whose_reply_arrives_in_parts_ends_in_a_later_turn,
    stored_dial::a_dial_ends_with_its_client,
    stored_dial::a_lookup_that_hangs_blocks_no_turn_of_the_loop,
    stored_dial::a_lookup_that_fails_or_panics_is_a_failure_of_the_address,
    stored_dial::a_silent_address_leaves_time_for_the_backup,
    stored_dial::an_upstream_without_an_address_does_not_spin,
    stored_dial::the_next_address_is_dialled_in_the_turn_in_which_one_fails,
];

/// Rows for tokio.
const ON_TOKIO: &[Row] = rows![
    outages::a_call_that_is_dropped_leaves_nothing_behind,
    outages::two_hundred_clients_reconnect_without_a_storm,
    balance::requests_are_balanced_over_the_links_of_several_addresses,
];

/// The processes run side by side, because they mostly wait.
#[test]
fn all_rows_hold_and_leave_nothing_behind() {
    let start = |part: String| {
        let mut rows = Command::new(std::env::current_exe().unwrap());
        rows.args(["--ignored", "--exact", "--nocapture", "rows_of_a_driver"]).env(ROWS_OF, &part);
        (part, rows.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    };
    let parts = |driver| (0..PARTS).map(move |part| format!("{driver} {part}"));
    let running: Vec<_> = ["Tokio", "Blocking", "NonBlocking"].into_iter().flat_map(parts).map(start).collect();
    let mut failed = Vec::new();
    for (part, rows) in running {
        let rows = rows.wait_with_output().unwrap();
        let stdout = String::from_utf8_lossy(&rows.stdout);
        print!("{stdout}");
        eprint!("{}", String::from_utf8_lossy(&rows.stderr));
        if !(rows.status.success() && stdout.contains("1 passed")) {
            failed.push(part);
        }
    }
    assert!(failed.is_empty(), "{failed:?}");
}

#[test]
#[ignore = "a part of another test"]
fn rows_of_a_driver() {
    let Ok(rows_of) = std::env::var(ROWS_OF) else { return };
    let (only, part) = rows_of.split_once(' ').unwrap();
    let part: usize = part.parse().unwrap();
    // The first runtime of a process opens descriptors that later runtimes share.
    drop(runtime());
    let groups: [(&[Row], &[Driver]); 4] = [
        (ROWS, &[Driver::Tokio, Driver::Blocking, Driver::NonBlocking]),
        (ON_TWO, &[Driver::Tokio, Driver::Blocking]),
        (ON_EVENTS, &[Driver::NonBlocking]),
        (ON_TOKIO, &[Driver::Tokio]),
    ];
    let all =
        groups.iter().flat_map(|(rows, drivers)| rows.iter().flat_map(|row| drivers.iter().map(move |on| (row, *on))));
    let rows: Vec<_> = all.filter(|(_, driver)| format!("{driver:?}") == only).collect();
    assert!(rows.len() >= ROWS.len(), "{only}: {} rows", rows.len());
    for ((name, row), driver) in rows.into_iter().skip(part).step_by(PARTS) {
        let (began, before) = (Instant::now(), Baseline::take());
        let runtime = runtime();
        runtime.block_on(async {
            let ended = tokio::time::timeout(DEADLINE, row(driver)).await;
            assert!(ended.is_ok(), "{name} on {driver:?} hangs");
            no_tasks(name).await;
        });
        runtime.shutdown_timeout(DEADLINE);
        before.assert_restored(&format!("{name} on {driver:?}"));
        println!("{:5.2} s  {driver:?}  {name}", began.elapsed().as_secs_f64());
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}
