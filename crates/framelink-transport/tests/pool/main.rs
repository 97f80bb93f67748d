//! Pools on real sockets, on both drivers: what goes wrong with a peer, and that nothing is left behind.

#![allow(clippy::unwrap_used, reason = "tests")]
#![cfg(target_os = "linux")] // where a process can count what it holds

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

/// Other tests, and what the library keeps for its next connection, may hold so much more.
const OTHERS: usize = 256 * 1024;

/// File descriptors, threads of pools, tasks, and bytes of the heap: they have to be the same after a test that counts.
fn baseline(_: &Turn) -> Baseline {
    Baseline::of_threads("framelink-pool", ALLOCATOR, OTHERS)
}

fn framing() -> Framing {
    "net:2".parse().unwrap()
}

fn profile(pooled: Pooled) -> ProfileBuilder {
    // A hostile host is dialled again soon: how soon is the upstream's to decide, and not what is tested here.
    let mut reconnect = Reconnect::default();
    (reconnect.first, reconnect.cap) = (Duration::from_millis(1), Duration::from_millis(10));
    Profile::builder(framing()).connection(pooled).reconnect(reconnect).reply_timeout(DEADLINE)
}

/// Up to so many, of which none is opened in advance.
fn pooled(max: u32) -> Pooled {
    let mut pooled = Pooled::new(max);
    (pooled.min, pooled.wait) = (0, Some(DEADLINE));
    pooled
}
