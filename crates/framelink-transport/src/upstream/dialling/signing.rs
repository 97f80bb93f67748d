//! The sign-on and sign-off exchanges of a connection.

use std::net::SocketAddr;
use std::time::Duration;

use crate::drive::CloseReport;
use crate::driver::{Connection, Driver};
use crate::error::{ConnectError, Error};
use crate::profile::{Profile, Sign};

/// Signs on, if the profile has a sign-on.
pub(crate) async fn sign_on<C: Connection>(
    connection: &mut C,
    sign: Option<&Sign>,
    within: Duration,
) -> Result<(), ConnectError> {
    let (Some(sign), Some(address)) = (sign, connection.peer_addr()) else { return Ok(()) };
    let failed = |error| ConnectError::SignOn { address, error: Box::new(error) };
    match sign.expected() {
        Some(expected) => {
            let reply = connection.exchange(sign.send(), within, false).await.map_err(failed)?;
            check_reply(address, expected, &reply)
        }
        None => connection.send_with_outcome(sign.send(), within).await.map_err(failed),
    }
}

/// Signs off if the profile has a sign-off and it works, and closes the connection in good order, all within this time.
pub(crate) async fn sign_off_and_close<D: Driver>(
    mut connection: D::Connection,
    profile: &Profile,
    within: Duration,
) -> Result<CloseReport, Error> {
    let deadline = D::within(within);
    if let Some(sign) = profile.sign_off() {
        let is_fit = match sign.expected() {
            Some(_) => connection.exchange(sign.send(), D::left(deadline), false).await.is_ok(),
            None => connection.send_with_outcome(sign.send(), D::left(deadline)).await.is_ok(),
        };
        // A call that failed has closed the connection.
        if !is_fit {
            return Ok(CloseReport::default());
        }
    }
    connection.close(D::left(deadline)).await
}

/// Checks that the reply to the sign-on is the expected one. The error does not show the reply, which may hold secrets.
pub(crate) fn check_reply(address: SocketAddr, expected: &[u8], reply: &[u8]) -> Result<(), ConnectError> {
    if reply.starts_with(expected) {
        return Ok(());
    }
    Err(ConnectError::NotWanted { address, reply_len: reply.len(), expected_len: expected.len() })
}
