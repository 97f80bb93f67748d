//! The non-blocking driver, as roles use it: its operations wait for their one socket.

use std::io;
use std::time::Duration;

use framelink_codec::{Decode, Encode};

use super::Connection;
use super::connector::NonBlocking;
use crate::connection::ErrorOf;
use crate::drive::TryRecv;
use crate::driver::{Driver, Task, at_once, plain, role_connection, waiting_driver};
use framelink_session::Message;

impl Driver for NonBlocking {
    type Task = Nothing;
    const HAS_BACKGROUND: bool = false;

    waiting_driver!();

    fn spawn(_name: &'static str, _work: impl Future<Output = ()> + Send + 'static) -> io::Result<Nothing> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn detach<F: Future<Output = ()> + Send>(
        _name: &'static str,
        _within: Duration,
        work: impl FnOnce(Duration) -> F + Send + 'static,
    ) -> io::Result<()> {
        at_once(work(Duration::ZERO));
        Ok(())
    }
}

/// The task type of a driver without tasks: the application does the work between two calls.
#[derive(Debug)]
pub(crate) enum Nothing {}

impl Task for Nothing {
    fn abort(&self) {}

    fn is_finished(&self) -> bool {
        match *self {}
    }
}

role_connection!(plain);

impl<C: Decode + Encode> Connection<C> {
    /// Waits for the next message. Returns `None` when the peer has ended the connection.
    pub(super) fn recv(&mut self) -> Result<Option<Message>, ErrorOf<C>> {
        loop {
            match self.recv_within(Duration::MAX)? {
                TryRecv::Nothing => {}
                received => return Ok(received.into_message()),
            }
        }
    }
}
