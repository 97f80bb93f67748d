//! Many schedules of each model, the same ones each time. `FRAMELINK_SCHEDULES` says how many.

use std::env;
use std::fmt::Write as _;
use std::panic::{self, AssertUnwindSafe};

use super::MODELS;

/// As many as take a few seconds.
const SCHEDULES: u64 = 100_000;
/// Steps in the longest one.
const STEPS: u64 = 24;

#[test]
fn no_wake_up_is_lost_on_tokio_connections() {
    many(super::asynchronous::connection);
}

#[test]
fn no_wake_up_is_lost_on_tokio_duplex_connections() {
    many(super::asynchronous::duplex);
}

#[test]
fn no_side_is_left_waiting_on_blocking_connections() {
    many(super::blocking::connection);
}

#[test]
fn no_event_is_lost_on_nonblocking_connections() {
    many(super::nonblocking::connection);
}

#[test]
fn no_event_is_lost_on_nonblocking_duplex_connections() {
    many(super::nonblocking::duplex);
}

#[test]
fn no_event_is_lost_on_nonblocking_connections_that_are_served() {
    many(super::nonblocking::served);
}

/// Runs them until one fails, and says which is the shortest that fails in the same way, as a file for the fuzz target.
fn many(model: fn(&[u8])) {
    let count = env::var("FRAMELINK_SCHEDULES").map_or(SCHEDULES, |count| count.parse().expect("a number"));
    for number in 0..count {
        let schedule = schedule(number);
        if let Err(why) = run(model, &schedule) {
            let shortest = shorten(model, schedule, &why);
            panic!("{why}\nschedule {number}, at its shortest: printf '{}' > FILE", as_file(model, &shortest));
        }
    }
}

/// Bytes that look random and are the same for the same number: SplitMix64, by Steele, Lea and Flood.
fn schedule(number: u64) -> Vec<u8> {
    let mut state = number.wrapping_mul(0xA076_1D64_78BD_642F);
    let mut next = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    };
    let steps = next() % STEPS + 1;
    let [scene, ..] = next().to_be_bytes();
    let mut schedule = vec![scene];
    for _ in 0..steps {
        let [what, how, ..] = next().to_be_bytes();
        schedule.extend([what, how]);
    }
    schedule
}

/// Why it fails, if it does.
fn run(model: fn(&[u8]), schedule: &[u8]) -> Result<(), String> {
    panic::catch_unwind(AssertUnwindSafe(|| model(schedule))).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default()
    })
}

/// Leaves steps out as long as it fails in the same way.
fn shorten(model: fn(&[u8]), mut schedule: Vec<u8>, why: &str) -> Vec<u8> {
    let mut at = 1;
    while at < schedule.len() {
        let mut shorter = schedule.clone();
        shorter.drain(at..at + 2);
        if run(model, &shorter).is_err_and(|other| other == why) {
            (schedule, at) = (shorter, 1);
        } else {
            at += 2;
        }
    }
    schedule
}

/// In the words of `printf`.
fn as_file(model: fn(&[u8]), schedule: &[u8]) -> String {
    let which = MODELS.iter().position(|&other| std::ptr::fn_addr_eq(other, model)).expect("one of them");
    let which = u8::try_from(which).expect("a few");
    std::iter::once(&which).chain(schedule).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "\\x{byte:02x}");
        text
    })
}
