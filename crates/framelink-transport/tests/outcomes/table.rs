//! The table of all roles and all failures.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use framelink_transport::session::Sent;

use crate::cell::{Cell, Role, Verdict};
use crate::host::Host;
use crate::way::Way;
use crate::{on_events, on_threads, on_tokio};

/// The number of cells that run at a time. Most of them only wait.
const AT_A_TIME: usize = 48;
/// A busy machine may miss a deadline. Each further try has four times the time.
const TRIES: u32 = 3;

#[test]
fn what_an_error_says_of_its_request_agrees_with_what_the_peer_received() {
    let start = Instant::now();
    let roles = || on_tokio::ROLES.iter().chain(on_threads::ROLES).chain(on_events::ROLES);
    let cells: Vec<(&Role, Way)> = Way::ALL.iter().flat_map(|&way| roles().map(move |role| (role, way))).collect();
    let (next, run, faults) = (AtomicUsize::new(0), AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                while let Some(&(role, way)) = cells.get(next.fetch_add(1, Ordering::Relaxed)) {
                    match try_cell(role, way) {
                        Ok(true) => drop(run.fetch_add(1, Ordering::Relaxed)),
                        Ok(false) => {}
                        Err(fault) => faults.lock().expect("faults").push(format!("{}, {way:?}: {fault}", role.name)),
                    }
                }
            });
        }
    });
    let (run, faults) = (run.into_inner(), faults.into_inner().expect("faults"));
    println!("{run} of {} cells apply, {:?}", cells.len(), start.elapsed());
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    assert!(run > 300, "only {run} cells");
}

/// Returns `Ok(false)` if the role cannot have this failure.
fn try_cell(role: &Role, way: Way) -> Result<bool, String> {
    let mut factor = 1;
    loop {
        let host = Host::start(way);
        let (verdict, received) = run(role, way, host, factor);
        if matches!(verdict, Verdict::NotApplicable) {
            return Ok(false);
        }
        agrees(&verdict, received, way)?;
        match is_expected(role, way, &verdict) {
            true => return Ok(true),
            false if factor == 4_u32.pow(TRIES - 1) => return Err(format!("{verdict:?}, {received} bytes received")),
            false => factor *= 4,
        }
    }
}

fn run(role: &Role, way: Way, mut host: Host, factor: u32) -> (Verdict, u64) {
    let (address, time, request) = (host.address, way.time() * factor, way.request());
    let mut cell = Cell { way, address, time, request, whole: host.whole.take() };
    let verdict = (role.run)(&mut cell);
    (verdict, host.request_bytes())
}

/// Checks what must hold in every case.
fn agrees(verdict: &Verdict, received: u64, way: Way) -> Result<(), String> {
    let Verdict::Failed { sent, is_timeout, text } = verdict else { return Ok(()) };
    let frame_len = 4 + way.request().len() as u64;
    match sent {
        Sent::Not if received > 0 => Err(format!("`{text}`, and the peer received {received} bytes")),
        Sent::NoReply if received < frame_len => Err(format!("`{text}`, and the peer received {received} bytes only")),
        Sent::NoReply if !is_timeout => Err(format!("`{text}` is not a timeout")),
        _ => Ok(()),
    }
}

fn is_expected(role: &Role, way: Way, verdict: &Verdict) -> bool {
    let (words, may_be_sent) = way.expected();
    match verdict {
        Verdict::NotApplicable => true,
        Verdict::Done => may_be_sent && !role.is_call,
        Verdict::Failed { sent, .. } => words.contains(sent),
    }
}
