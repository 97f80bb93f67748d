//! Driver × connection × framing × role × profile: each cell that is valid exchanges every size that it can express with a
//! plain peer, each that is not is refused with its reason. The number of cells is printed.

mod cell;
mod peer;
mod role;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use framelink_transport::profile::{ExchangeKind, Short, Side};

use crate::cell::{Cell, Driver, Role, Style};
use crate::peer::Wire;

/// Cells that run at once: they wait for sockets most of the time.
const WORKERS: usize = 8;

#[test]
fn every_valid_cell_exchanges_and_every_other_one_is_refused() {
    let began = Instant::now();
    let cells = all();
    let (next, valid, refused, exchanged) =
        (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    let failures = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while let Some(cell) = cells.get(next.fetch_add(1, Ordering::Relaxed)) {
                    match cell.profile() {
                        Ok(profile) => {
                            let done = std::panic::catch_unwind(|| role::run(cell, &profile));
                            match done {
                                Ok(count) => exchanged.fetch_add(count, Ordering::Relaxed),
                                Err(_) => {
                                    failures.lock().expect("a list").push(format!("{cell:?}"));
                                    0
                                }
                            };
                            valid.fetch_add(1, Ordering::Relaxed);
                        }
                        Err(reason) => {
                            assert!(reason.len() > 20 && reason.contains(": "), "{cell:?} is refused with: {reason}");
                            assert!(cell.may_be_refused(), "{cell:?} is refused: {reason}");
                            refused.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                }
            });
        }
    });
    let (valid, refused, exchanged) = (valid.into_inner(), refused.into_inner(), exchanged.into_inner());
    println!(
        "{} cells: {valid} valid, which exchanged {exchanged} messages, and {refused} refused, in {:?}",
        cells.len(),
        began.elapsed()
    );
    assert_eq!(failures.into_inner().expect("a list"), Vec::<String>::new());
    assert!(valid >= 400 && refused >= 20, "{valid} valid and {refused} refused");
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
}

fn all() -> Vec<Cell> {
    let mut cells = Vec::new();
    for driver in [Driver::Blocking, Driver::NonBlocking, Driver::Tokio] {
        for short in
            [None, Some(Short::new()), Some(Short::new().half_close(true)), Some(Short::new().closes(Side::Server))]
        {
            for wire in Wire::ALL {
                for role in [Role::Client, Role::Server] {
                    for exchange in [ExchangeKind::Sync, ExchangeKind::SendOnly, ExchangeKind::ReceiveOnly] {
                        for style in [Style::Plain, Style::Preamble] {
                            cells.push(Cell { driver, short, wire, role, exchange, style });
                        }
                    }
                }
            }
        }
    }
    cells
}
