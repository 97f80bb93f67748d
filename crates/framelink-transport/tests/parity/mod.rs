//! Features that the drivers share, and features that a driver lacks, as `methods.txt` and the table of drivers in the
//! book say.

mod failing_handlers;
mod half;
mod methods;
mod no_call;
mod signing;
mod table;
#[cfg(target_os = "linux")] // Linux has all of 127.0.0.0/8 on loopback
mod with_peer;

#[path = "../../examples/mio_loop.rs"]
mod mio_loop;

use std::time::Duration;

use framelink_transport::Framing;

use crate::support::peer::sockets;
use crate::support::runtime;

/// Every event that a test waits for happens within this time, or the test fails.
const DEADLINE: Duration = Duration::from_secs(20);

fn framing() -> Framing {
    "net:2".parse().expect("a framing")
}

/// Runs a future on a runtime, for the tokio driver.
fn on_tokio<T>(test: impl Future<Output = T>) -> T {
    runtime().block_on(test)
}

#[test]
fn the_loop_of_the_example_acts_on_deadlines_and_removes_closed_connections() {
    let done = mio_loop::run().expect("a loop");
    assert_eq!((done.replies, done.closed_by_client, done.closed_at_deadline), (3, 1, 1));
    assert!(done.turns < 100, "the loop spins: {done:?}");
}
