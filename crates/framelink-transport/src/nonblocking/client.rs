//! The client of a profile, for one exchange at a time.

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

    /// Does what is due between two exchanges, without waiting. Returns how soon to call it again: at once, if the peer
    /// has sent more than one call reads. `None` means: not before the next exchange.
    ///
    /// It sends and answers heartbeats, and drops a lost connection. If the profile has
    /// [`keep-up`](crate::ProfileBuilder::keep_up), it also dials, at the first call and whenever there is no
    /// connection. Each call resolves the name in a thread, connects and signs on as far as that is possible at once.
    /// After a failure it tries the next address, or returns when an address can be dialled again. An exchange that
    /// begins meanwhile continues that dial and waits for it within its own deadline.
    ///
    /// While it dials, it returns 100 ms at most, because a dial cannot be registered with an event loop: a name is not
    /// resolved on a socket, and several sockets may connect at a time. While there is a connection, it returns 1 s at
    /// most. Register [`connection_mut`](Self::connection_mut) for reading to learn of a loss at once.
    ///
    /// ```no_run
    /// # fn example(mut client: framelink_transport::nonblocking::Client) {
    /// // Call it once in each turn of the loop, and wait for events no longer than it returns.
    /// let wait_at_most = client.maintain();
    /// # }
    /// ```
    pub fn maintain(&mut self) -> Option<std::time::Duration> {
        self.role.maintain()
    }
}
