//! What the drivers have in common, and what one of them lacks: as `methods.txt` and the table of drivers in the book say.

mod failing_handlers;
mod half;
mod methods;
mod no_call;
mod signing;
mod table;
#[cfg(target_os = "linux")] // each of 127.0.0.0/8 is an address
mod with_peer;

#[path = "../../examples/mio_loop.rs"]
mod mio_loop;

use std::time::Duration;

use framelink_transport::Framing;

use crate::support::peer::sockets;
use crate::support::runtime;

/// What a test waits for comes within this time, or the test fails.
const DEADLINE: Duration = Duration::from_secs(20);

fn framing() -> Framing {
    "net:2".parse().expect("a framing")
}

/// A runtime for the driver that needs one.
fn on_tokio<T>(test: impl Future<Output = T>) -> T {
    runtime().block_on(test)
}

#[test]
fn the_loop_of_the_example_acts_on_deadlines_and_removes_what_has_closed() {
    let done = mio_loop::run().expect("a loop");
    assert_eq!((done.replies, done.closed_by_client, done.closed_at_deadline), (3, 1, 1));
    assert!(done.turns < 100, "it spins: {done:?}");
}
