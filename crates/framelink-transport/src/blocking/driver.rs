//! The blocking driver, as roles use it.

use std::io;
use std::thread::JoinHandle;
use std::time::Duration;

use super::Connection;
use super::connector::Blocking;
use crate::driver::{Driver, Task, at_once, plain, role_connection, waiting_driver};
use crate::net::threads;

impl Driver for Blocking {
    type Task = JoinHandle<()>;
    const HAS_BACKGROUND: bool = true;

    waiting_driver!();

    fn spawn(name: &'static str, work: impl Future<Output = ()> + Send + 'static) -> io::Result<JoinHandle<()>> {
        threads::spawn(name, move || at_once(work))
    }

    fn detach<F: Future<Output = ()> + Send>(
        name: &'static str,
        within: Duration,
        work: impl FnOnce(Duration) -> F + Send + 'static,
    ) -> io::Result<()> {
        threads::hand_over(name, work, move |work| at_once(work(within))).map_err(|(error, work)| {
            at_once(work(Duration::ZERO));
            error
        })
    }
}

impl Task for JoinHandle<()> {
    fn abort(&self) {}

    fn is_finished(&self) -> bool {
        Self::is_finished(self)
    }
}

role_connection!(plain);
