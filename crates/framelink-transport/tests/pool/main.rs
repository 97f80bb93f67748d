//! Pools on real sockets, on both drivers: faults of peers, and no leftover resources.

#![allow(clippy::unwrap_used, reason = "tests")]
#![cfg(target_os = "linux")] // where a process can count its resources

mod host;
mod hostile;
mod on_threads;
mod on_tokio;
#[path = "../support/mod.rs"]
mod support;

use std::alloc::System;
use std::time::Duration;

use framelink_transport::profile::{Pooled, Reconnect};
use framelink_transport::{Framing, Profile, ProfileBuilder};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use support::DEADLINE;
use support::baseline::{Baseline, Turn};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The bytes by which other tests, and buffers that the library keeps for its next connection, may differ.
const OTHERS: usize = 256 * 1024;

/// The file descriptors, threads of pools, tasks and heap bytes. They must be equal before and after a test that
/// counts.
fn baseline(_: &Turn) -> Baseline {
    Baseline::of_threads("framelink-pool", ALLOCATOR, OTHERS)
}

fn framing() -> Framing {
    "net:2".parse().unwrap()
}

fn profile(pooled: Pooled) -> ProfileBuilder {
    // A hostile host is dialled again soon. The upstream decides how soon, and that is not tested here.
    let mut reconnect = Reconnect::default();
    (reconnect.first, reconnect.cap) = (Duration::from_millis(1), Duration::from_millis(10));
    Profile::builder(framing()).connection(pooled).reconnect(reconnect).reply_timeout(DEADLINE)
}

/// A pool of up to `max` connections, none of which is opened in advance.
fn pooled(max: u32) -> Pooled {
    let mut pooled = Pooled::new(max);
    (pooled.min, pooled.wait) = (0, Some(DEADLINE));
    pooled
}
