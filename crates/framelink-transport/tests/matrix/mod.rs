//! Driver × connection × framing × role × exchange × preamble. Each valid cell exchanges every size that it can express
//! with a plain peer. Each other cell is refused with its reason. The number of cells is printed.

mod calls;
mod cell;
mod role;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use framelink_transport::profile::{ConnectionKind, Duplex, ExchangeKind, Reach, Shared, Short, Side, Simplex};

use self::cell::{Cell, Driver, Role, Style};
use crate::support::wire::Wire;

/// The number of cells that run at once. They mostly wait for sockets.
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
                            assert_ne!(cell.must_be_refused(), Some(true), "{cell:?} is not refused");
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
                            let may_be_refused = cell.must_be_refused().unwrap_or(cell.may_be_refused());
                            assert!(may_be_refused, "{cell:?} is refused: {reason}");
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
    assert!(began.elapsed() < Duration::from_secs(90), "{:?}", began.elapsed());
}

fn all() -> Vec<Cell> {
    let mut cells = Vec::new();
    for driver in [Driver::Blocking, Driver::NonBlocking, Driver::Tokio] {
        for connection in connections() {
            for wire in Wire::ALL {
                for role in [Role::Client, Role::Server] {
                    for exchange in exchanges() {
                        for style in [Style::Plain, Style::Preamble] {
                            cells.push(Cell { driver, connection, wire, role, exchange, style });
                        }
                    }
                }
            }
        }
    }
    cells
}

fn connections() -> [ConnectionKind; 5] {
    [
        ConnectionKind::Long,
        Short::new().into(),
        Short::new().half_close(true).into(),
        Short::new().closes(Side::Server).into(),
        Shared::new(2).into(),
    ]
}

fn exchanges() -> Vec<ExchangeKind> {
    let in_order = Duplex::new();
    let by_key = in_order.key("0:2".parse().expect("a place"));
    let mut exchanges =
        vec![ExchangeKind::Sync, ExchangeKind::SendOnly, ExchangeKind::ReceiveOnly, in_order.into(), by_key.into()];
    for (send, receive) in [
        (Reach::Dial, Reach::Dial),
        (Reach::Dial, Reach::Accept),
        (Reach::Accept, Reach::Dial),
        (Reach::Accept, Reach::Accept),
    ] {
        exchanges.push(Simplex::new(by_key).send(send).receive(receive).into());
    }
    exchanges
}
