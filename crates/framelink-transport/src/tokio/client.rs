//! The client of a profile.

use std::sync::Arc;

use framelink_heartbeat::Verdict;

use super::connector::Tokio as Driver;
use super::{Connection, Upstream};
use crate::client::driver::ClientDriver;
use crate::client::{self, client_methods};
use crate::drive::CloseReport;
use crate::driver::awaited;
use crate::error::{CallError, Error};
use crate::profile::{Profile, ProfileError};
use framelink_session::Message;

/// Exchanges messages with one peer, one at a time, as a profile says.
///
/// - With a *long* connection, the client uses one connection for all exchanges and dials again after it has ended.
/// - With *short* connections, each exchange has a connection of its own.
///
/// One deadline, `timeouts.reply` of the profile, covers all of a call: connecting, writing, and the reply.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use framelink_transport::{Framing, Profile, tokio::Client};
///
/// let profile = Profile::template("short-sync", "ascii:4".parse::<Framing>()?)?;
/// let mut client = Client::new(profile, "switch.example:7000")?;
/// let reply = client.call(b"0800...").await?; // connects, sends, receives, closes
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Client {
    role: client::Client<Driver>,
    upstream: Upstream,
}

impl ClientDriver for Driver {
    type StoredDial = ();
}

impl Client {
    client_methods!(awaited async);

    /// Makes a call until `deadline`. `within` is the whole time limit, which errors report.
    #[cfg(feature = "tower")]
    pub(super) async fn call_until(
        &mut self,
        request: &[u8],
        deadline: tokio::time::Instant,
        within: std::time::Duration,
    ) -> Result<Message, CallError> {
        self.role.call_until(request, deadline.into_std(), within).await
    }
}
