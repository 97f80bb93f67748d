//! The client of a profile.

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

/// Talks to one peer as a profile says.
///
/// Over a *long* connection it sends one message after the other, and dials again where the last one ended; over *short* ones
/// each exchange has a connection of its own. One deadline, the profile's `timeouts.reply`, covers all of a call: connecting,
/// writing, and the reply.
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

    /// Why there are no heartbeats on the connection between two exchanges, where the profile has heartbeats: the system had no thread for
    /// that. Exchanges go on, and at the end of each the client tries again to begin a thread. `None` if there are heartbeats, or none are
    /// needed.
    pub const fn idle_task_error(&self) -> Option<&std::io::Error> {
        self.role.task_error()
    }
}
