//! Many schedules of each model, always in one fixed sequence. `FRAMELINK_SCHEDULES` says how many.

use std::env;
use std::fmt::Write as _;
use std::panic::{self, AssertUnwindSafe};

use super::MODELS;
use crate::upstream::random::Random;

/// This many take a few seconds.
const SCHEDULES: u64 = 100_000;
/// How many steps the longest schedule has.
const STEPS: u64 = 24;

macro_rules! models {
    ($($name:ident: $driver:ident::$model:ident;)*) => {$(
        #[test]
        fn $name() {
            many(super::$driver::$model);
        }
    )*};
}

models! {
    no_wake_up_is_lost_on_tokio_connections: asynchronous::connection;
    no_wake_up_is_lost_on_tokio_duplex_connections: asynchronous::duplex;
    no_side_is_left_waiting_on_blocking_connections: blocking::connection;
    no_event_is_lost_on_nonblocking_connections: nonblocking::connection;
    no_event_is_lost_on_nonblocking_duplex_connections: nonblocking::duplex;
    no_event_is_lost_on_nonblocking_connections_that_are_served: nonblocking::served;
}

/// Runs schedules until one fails. Prints the shortest schedule that fails alike, as a file for the fuzz target.
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

/// Returns bytes that look random, and depend only on the number.
fn schedule(number: u64) -> Vec<u8> {
    let mut random = Random::new(number.wrapping_mul(0xA076_1D64_78BD_642F));
    let mut next = || random.next();
    let steps = next() % STEPS + 1;
    let [scene, ..] = next().to_be_bytes();
    let mut schedule = vec![scene];
    for _ in 0..steps {
        let [what, how, ..] = next().to_be_bytes();
        schedule.extend([what, how]);
    }
    schedule
}

/// Returns why the schedule fails, if it does.
fn run(model: fn(&[u8]), schedule: &[u8]) -> Result<(), String> {
    panic::catch_unwind(AssertUnwindSafe(|| model(schedule))).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default()
    })
}

/// Removes steps while the schedule still fails alike.
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

/// Writes a schedule as an argument of `printf`.
fn as_file(model: fn(&[u8]), schedule: &[u8]) -> String {
    let which = MODELS.iter().position(|&other| std::ptr::fn_addr_eq(other, model)).expect("one of them");
    let which = u8::try_from(which).expect("a few");
    std::iter::once(&which).chain(schedule).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "\\x{byte:02x}");
        text
    })
}
