//! The client of a profile.

use std::sync::Arc;

use framelink_heartbeat::Verdict;

use super::connector::NonBlocking as Driver;
use super::{Connection, Upstream};
use crate::CloseReport;
use crate::client::{self, client_methods};
use crate::driver::ready;
use crate::error::{CallError, Error};
use framelink_session::Message;
use crate::profile::{Profile, ProfileError};

/// Talks to one peer as a profile says.
///
/// Over a *long* connection it sends one message after the other, and dials again where the last one ended; over *short* ones
/// each exchange has a connection of its own. One deadline, the profile's `timeouts.reply`, covers all of a call: connecting,
/// writing, and the reply.
///
/// ```no_run
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use framelink_transport::{Framing, Profile, nonblocking::Client};
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

impl Client {
    client_methods!(ready);

    /// For between two exchanges, where no caller is inside a call: sends and answers heartbeats that are due, without waiting for anything,
    /// and says how soon it wants to be asked again: at once, if the peer has sent more than one turn takes. A connection that was lost is
    /// dropped, so that the next exchange dials.
    pub fn tend(&mut self) -> Option<std::time::Duration> {
        self.role.maintain()
    }
}
