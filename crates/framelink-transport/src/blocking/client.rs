//! The client of a profile, for one exchange at a time.

use std::sync::Arc;

use framelink_heartbeat::Verdict;

use super::connector::Blocking as Driver;
use super::{Connection, Upstream};
use crate::client::driver::ClientDriver;
use crate::client::{self, client_methods};
use crate::drive::CloseReport;
use crate::driver::ready;
use crate::error::{CallError, Error};
use crate::profile::{Profile, ProfileError};
use framelink_session::Message;

/// A client of one peer, with one exchange at a time.
///
/// The profile says how the client connects:
///
/// - Over a *long* connection it sends one message after the other, and dials again if the connection has ended.
/// - Over *short* connections each exchange has a connection of its own.
///
/// One deadline, the profile's `timeouts.reply`, covers a whole call: connecting, writing, and the reply.
///
/// ```no_run
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use framelink_transport::{Framing, Profile, blocking::Client};
///
/// let profile = Profile::template("short-sync", "ascii:4".parse::<Framing>()?)?;
/// let mut client = Client::new(profile, "switch.example:7000")?;
/// let reply = client.call(b"0800...")?; // connects, sends, receives, closes
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
    client_methods!(ready);

    /// Returns why no heartbeats are sent between two exchanges: the system had no thread for them. Exchanges go on,
    /// and after each of them the client tries again. Returns `None` if heartbeats are sent, or the profile has none.
    pub const fn idle_task_error(&self) -> Option<&std::io::Error> {
        self.role.task_error()
    }
}
