//! A task that beats for a connection between exchanges.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::sleep;

use super::Connection;
use crate::Error;
use crate::resting::{self, Rests, Slot};

pub(super) type Resting = resting::Resting<Connection, Keeper>;

/// A task, which ends with this.
#[derive(Debug)]
pub(super) struct Keeper {
    task: AbortHandle,
    is_back: Arc<Notify>,
}

impl resting::Keeper<Connection> for Keeper {
    fn start(slot: Arc<Slot<Connection>>) -> io::Result<Self> {
        let is_back = Arc::new(Notify::new());
        let task = tokio::spawn(keep(slot, Arc::clone(&is_back))).abort_handle();
        Ok(Self { task, is_back })
    }

    fn wake(&self) {
        self.is_back.notify_one();
    }
}

async fn keep(slot: Arc<Slot<Connection>>, is_back: Arc<Notify>) {
    loop {
        match slot.tend() {
            Some(time) => sleep(time).await,
            None => is_back.notified().await,
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.task.abort();
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
