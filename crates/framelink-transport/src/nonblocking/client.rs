//! The client of a profile.

use std::sync::Arc;

use framelink_heartbeat::Verdict;

use super::connector::NonBlocking as Driver;
use super::dialling::AddressDial;
use super::{Connection, Upstream};
use crate::client::dialling::DialInSteps;
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

impl ClientDriver for Driver {
    type StoredDial = DialInSteps<AddressDial>;
}

impl Client {
    client_methods!(ready);

    /// Does what is due between two exchanges, without waiting for anything, and says how soon it wants to be called again: at once, if the
    /// peer has sent more than one turn takes. `None`: not before the next exchange.
    ///
    /// It sends and answers heartbeats. A connection that was lost is dropped. If the profile has
    /// [`keep-up`](crate::ProfileBuilder::keep_up), this also dials, at the first call and whenever there is no connection. Each call resolves
    /// the name in a thread, connects and signs on as far as that is possible at once. After a failure it goes on with the next address, or
    /// says when an address can be dialled again. An exchange that comes meanwhile goes on with that dial, and waits for it within its own
    /// deadline.
    ///
    /// A dial has nothing to register with an event loop: a name is not resolved on a socket, and several sockets may connect at the same
    /// time. So this asks to be called again within 100 ms while it dials. While there is a connection it says 1 s at most, and
    /// [`connection_mut`](Self::connection_mut), registered for reading, tells of a loss at once.
    ///
    /// ```no_run
    /// # fn example(mut client: framelink_transport::nonblocking::Client) {
    /// // Once in each turn of the loop, which waits for its events no longer than this says.
    /// let wait_at_most = client.maintain();
    /// # }
    /// ```
    pub fn maintain(&mut self) -> Option<std::time::Duration> {
        self.role.maintain()
    }
}
