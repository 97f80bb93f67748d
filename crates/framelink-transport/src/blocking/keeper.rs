//! A thread that beats for a connection between exchanges.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, Thread};
use std::time::Duration;

use super::Connection;
use crate::resting::{self, Rests, Slot};
use crate::{Error, threads};

pub(super) type Resting = resting::Resting<Connection, Keeper>;

/// A thread, which ends with this.
#[derive(Debug)]
pub(super) struct Keeper {
    thread: Thread,
    is_over: Arc<AtomicBool>,
}

impl resting::Keeper<Connection> for Keeper {
    fn start(slot: Arc<Slot<Connection>>) -> io::Result<Self> {
        let is_over = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&is_over);
        let thread = threads::spawn("framelink-beat", move || keep(&slot, &told))?.thread().clone();
        Ok(Self { thread, is_over })
    }

    fn wake(&self) {
        self.thread.unpark();
    }
}

fn keep(slot: &Slot<Connection>, is_over: &AtomicBool) {
    while !is_over.load(Ordering::Acquire) {
        match slot.tend() {
            Some(time) => thread::park_timeout(time),
            None => thread::park(),
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

impl Rests for Connection {
    fn is_watched(&self) -> bool {
        self.pulse().is_some()
    }

    fn tend(&mut self, is_deaf: bool) -> Result<Option<Duration>, Error> {
        self.tend(is_deaf)
    }
}
