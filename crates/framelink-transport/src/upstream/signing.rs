//! The exchanges that a connection begins and ends with.

use std::net::SocketAddr;
#[cfg(any(feature = "blocking", feature = "nonblocking"))]
use std::time::{Duration, Instant};

use crate::ConnectError;
#[cfg(any(feature = "blocking", feature = "nonblocking"))]
use crate::{CallError, CloseReport, Error, Message, Profile, profile::Sign, session::Sent};

/// A connection whose calls return when they are done. Tokio's are awaited, and do the same.
#[cfg(any(feature = "blocking", feature = "nonblocking"))]
pub(crate) trait Waits: Sized {
    fn peer_addr(&self) -> Option<SocketAddr>;
    fn call(&mut self, request: &[u8], within: Duration) -> Result<Message, CallError>;
    fn send_within(&mut self, payload: &[u8], limit: Duration) -> Result<(), Error>;
    fn close(self, within: Duration) -> Result<CloseReport, Error>;
}

/// Signs on, where that is to be done.
#[cfg(any(feature = "blocking", feature = "nonblocking"))]
pub(crate) fn sign_on(connection: &mut impl Waits, sign: Option<&Sign>, within: Duration) -> Result<(), ConnectError> {
    let (Some(sign), Some(address)) = (sign, connection.peer_addr()) else { return Ok(()) };
    let failed = |error| ConnectError::SignOn { address, error: Box::new(error) };
    match sign.expected() {
        Some(expected) => {
            let reply = connection.call(sign.send(), within).map_err(failed)?;
            check_reply(address, expected, &reply)
        }
        None => {
            let sent = connection.send_within(sign.send(), within);
            sent.map_err(|error| failed(CallError::new(Sent::Perhaps, error)))
        }
    }
}

/// Signs off, as far as that is possible, and closes in good order; all of it within that time.
#[cfg(any(feature = "blocking", feature = "nonblocking"))]
pub(crate) fn sign_off_and_close(
    mut connection: impl Waits,
    profile: &Profile,
    within: Duration,
) -> Result<CloseReport, Error> {
    let deadline = Instant::now() + within;
    let left = || deadline.saturating_duration_since(Instant::now());
    if let Some(sign) = profile.sign_off() {
        let is_fit = match sign.expected() {
            Some(_) => connection.call(sign.send(), left()).is_ok(),
            None => connection.send_within(sign.send(), left()).is_ok(),
        };
        // A call that failed has closed it.
        if !is_fit {
            return Ok(CloseReport::default());
        }
    }
    connection.close(left())
}

/// Whether the reply to the sign-on is the one that was expected. What it says is not shown: it may hold secrets.
pub(crate) fn check_reply(address: SocketAddr, expected: &[u8], reply: &[u8]) -> Result<(), ConnectError> {
    if reply.starts_with(expected) {
        return Ok(());
    }
    Err(ConnectError::NotWanted { address, reply_len: reply.len(), expected_len: expected.len() })
}
