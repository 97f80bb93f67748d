//! Runs the cells side by side, because most of them only wait.

use std::collections::{BTreeMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use crate::cell::Cell;
use crate::row::Row;
use crate::table;

/// The number of cells that run at a time.
const AT_A_TIME: usize = 24;
/// If no cell ends within this time, a cell hangs.
const PATIENCE: Duration = Duration::from_secs(60);
/// The table has at least this many cells.
const LEAST: usize = 500;

/// A cell that is to be run.
struct Job {
    row: u8,
    name: String,
    run: fn(Cell),
    cell: Cell,
}

/// The outcome of a cell.
struct Done {
    job: usize,
    fault: Option<String>,
    took: Duration,
}

/// Runs every cell, prints a line for each row, and fails with the names of all cells that failed.
pub(crate) fn all() {
    let rows = wanted();
    let jobs: Arc<Vec<Job>> = Arc::new(rows.iter().flat_map(|row| jobs(row)).collect());
    let began = Instant::now();
    let (mut faults, mut took) = (Vec::new(), BTreeMap::<u8, Duration>::new());
    let mut left: HashSet<usize> = (0..jobs.len()).collect();
    let done = begin(&jobs);
    while !left.is_empty() {
        let Ok(Done { job, fault, took: time }) = done.recv_timeout(PATIENCE) else {
            let hanging: Vec<_> = left.iter().take(AT_A_TIME).map(|&job| jobs[job].name.as_str()).collect();
            panic!("no cell has ended for {PATIENCE:?}; not over: {}", hanging.join("; "));
        };
        left.remove(&job);
        let longest = took.entry(jobs[job].row).or_default();
        *longest = time.max(*longest);
        faults.extend(fault.map(|fault| format!("{}: {fault}", jobs[job].name)));
    }
    for row in &rows {
        let took = took.get(&row.number).map_or("elsewhere".to_owned(), |longest| format!("{longest:.1?} the longest"));
        println!("row {:2}: {:3} cells, {took:18}: {}", row.number, row.count(), row.fault);
    }
    let count: usize = rows.iter().map(|row| row.count()).sum();
    println!("{count} cells in {} rows, {} of them run here in {:.1?}", rows.len(), jobs.len(), began.elapsed());
    assert!(faults.is_empty(), "{} cells failed:\n{}", faults.len(), faults.join("\n"));
    assert!(count >= LEAST || rows.len() < table::all().len(), "only {count} cells");
}

/// All rows, or those that `FRAMELINK_FAULTS` names.
fn wanted() -> Vec<&'static Row> {
    let rows = table::all();
    let named = std::env::var("FRAMELINK_FAULTS").unwrap_or_default();
    if named.is_empty() {
        return rows;
    }
    let row = |number: &str| {
        let row = rows.iter().find(|row| row.number.to_string() == number.trim());
        *row.unwrap_or_else(|| panic!("FRAMELINK_FAULTS names rows by their numbers, such as 7,8, not `{number}`"))
    };
    named.split(',').map(row).collect()
}

fn jobs(row: &'static Row) -> impl Iterator<Item = Job> {
    let cells = row.here.iter().flat_map(|here| here.cells());
    cells.map(|((driver, run), cell)| Job {
        row: row.number,
        name: format!("row {}, {driver}, {cell}", row.number),
        run,
        cell,
    })
}

/// Starts threads that take one job after the other. A job that hangs holds only its own thread.
fn begin(jobs: &Arc<Vec<Job>>) -> mpsc::Receiver<Done> {
    let (tell, done) = mpsc::channel();
    let next = Arc::new(AtomicUsize::new(0));
    for _ in 0..AT_A_TIME {
        let (jobs, tell, next) = (Arc::clone(jobs), tell.clone(), Arc::clone(&next));
        thread::spawn(move || {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some(job) = jobs.get(number) else { return };
                let began = Instant::now();
                let ended = catch_unwind(AssertUnwindSafe(|| (job.run)(job.cell)));
                let fault = ended.err().map(|panic| text_of(&*panic));
                let _ = tell.send(Done { job: number, fault, took: began.elapsed() });
            }
        });
    }
    done
}

fn text_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("it panicked").to_owned()
}
