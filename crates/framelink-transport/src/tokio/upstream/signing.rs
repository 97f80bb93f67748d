//! The exchanges that a connection begins and ends with.

use std::time::Duration;

use tokio::time::Instant;

use crate::error::{CallError, Error};
use crate::profile::Sign;
use crate::session::Sent;
use crate::tokio::{Connection, clock};
use crate::upstream::check_reply;
use crate::{CloseReport, ConnectError, Profile};

pub(super) async fn sign_on(
    connection: &mut Connection,
    sign: Option<&Sign>,
    within: Duration,
) -> Result<(), ConnectError> {
    let (Some(sign), Some(address)) = (sign, connection.peer_addr()) else { return Ok(()) };
    let failed = |error| ConnectError::SignOn { address, error: Box::new(error) };
    match sign.expected() {
        Some(expected) => {
            let reply = connection.call(sign.send(), within).await.map_err(failed)?;
            check_reply(address, expected, &reply)
        }
        None => {
            let sent = connection.send_within(sign.send(), within).await;
            sent.map_err(|error| failed(CallError::new(Sent::Perhaps, error)))
        }
    }
}

/// Signs off, as far as that is possible, and closes in good order; all of it within that time.
pub(in crate::tokio) async fn close(
    mut connection: Connection,
    profile: &Profile,
    within: Duration,
) -> Result<CloseReport, Error> {
    let deadline = clock::within(within);
    let left = || deadline.saturating_duration_since(Instant::now());
    if let Some(sign) = profile.sign_off() {
        let is_fit = match sign.expected() {
            Some(_) => connection.call(sign.send(), left()).await.is_ok(),
            None => connection.send_within(sign.send(), left()).await.is_ok(),
        };
        // A call that failed has closed it.
        if !is_fit {
            return Ok(CloseReport::default());
        }
    }
    connection.close(left()).await
}
