//! The sign-off exchange of a connection.

use std::time::Duration;

use crate::connection::setup::ConnectionSetup;
use crate::drive::CloseReport;
use crate::driver::{Connection, Driver};
use crate::error::Error;

/// Signs off if the profile has a sign-off and it works, and closes the connection in good order, all within this time.
pub(crate) async fn sign_off_and_close<D: Driver>(
    mut connection: D::Connection,
    setup: &ConnectionSetup,
    within: Duration,
) -> Result<CloseReport, Error> {
    let deadline = D::within(within);
    if let Some((message, has_reply)) = setup.sign_off() {
        let is_fit = match has_reply {
            true => connection.exchange(&message, D::left(deadline), false).await.is_ok(),
            false => connection.send_with_outcome(&message, D::left(deadline)).await.is_ok(),
        };
        // A call that failed has closed the connection.
        if !is_fit {
            return Ok(CloseReport::default());
        }
    }
    connection.close(D::left(deadline)).await
}
