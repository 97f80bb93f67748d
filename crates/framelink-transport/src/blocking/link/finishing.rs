//! Closing several connections of a link side by side.

use std::sync::Arc;
use std::time::Duration;

use crate::blocking::connector::Blocking;
use crate::blocking::port::SLICE;
use crate::driver::{Driver as _, at_once};
use crate::error::Cause;
use crate::link::LinkConnection;
use crate::profile::Sign;

/// A connection whose sign-off, or the end of whose side, is still to be written.
struct Finishing<'m> {
    connection: &'m LinkConnection<Blocking>,
    /// The message to sign off with, until it is accepted.
    sign_off: Option<&'m Sign>,
}

/// Signs off and ends our side of all connections, and waits until their peers have ended theirs, for `within` at most. A connection
/// that has not ended by then is given up.
///
/// One thread writes to all of them in turn, so that a peer that does not read holds up no other connection, and so that closing needs
/// no thread that the system might not have.
pub(super) fn finish_all(connections: &[Arc<LinkConnection<Blocking>>], within: Duration) {
    let until = Blocking::within(within);
    connections.iter().for_each(|connection| connection.vacate());
    let mut all: Vec<_> = connections.iter().map(|connection| Finishing::new(connection)).collect();
    // What the sockets take at once leaves before any of them is waited for.
    let mut slice = Duration::ZERO;
    loop {
        all.retain_mut(|finishing| !finishing.advance(slice.min(Blocking::left(until))));
        if all.is_empty() || Blocking::left(until).is_zero() {
            break;
        }
        slice = SLICE;
    }
    for connection in connections {
        at_once(connection.wait_until_ended(until));
    }
    connections.iter().for_each(|connection| connection.abort());
}

impl<'m> Finishing<'m> {
    fn new(connection: &'m LinkConnection<Blocking>) -> Self {
        Self { connection, sign_off: connection.sign_off() }
    }

    /// Writes what the socket takes in that time. True when our side has ended, or the connection has failed.
    fn advance(&mut self, slice: Duration) -> bool {
        let caller = &self.connection.caller;
        if let Some(sign) = self.sign_off {
            match caller.send_with_outcome(sign.send(), slice) {
                Err(failed) if matches!(failed.error().cause(), Cause::NoRoom { .. }) => return false,
                // What is left of it is written together with the end.
                _ => self.sign_off = None,
            }
        }
        match caller.finish_within(slice) {
            Err(error) => !matches!(error.cause(), Cause::NoRoom { .. } | Cause::TimedOut { .. }),
            Ok(()) => true,
        }
    }
}
