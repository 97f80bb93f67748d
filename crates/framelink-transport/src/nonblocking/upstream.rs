//! Dialling one of several addresses.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use super::Connection;
use super::connector::NonBlocking as Driver;
use crate::driver::ready;
use crate::error::ConnectError;
use crate::profile::Profile;
use crate::upstream::{AddressLease, Counts, Dialler, Loss, Settings, State, States, upstream_methods};
use framelink_session::Message;

/// Dials whichever address of a peer is to be dialled, as a profile says: which one first, and how soon again after a failure.
///
/// Clones are the same upstream, and clients that share one share what it knows of the addresses. [`Client::over`](super::Client::over)
/// uses it. Nothing goes on in the background, but that names are looked up in threads: a connection stays where it is until it is lost.
///
/// ```no_run
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
/// use framelink_transport::nonblocking::{Client, Upstream};
/// use framelink_transport::{Framing, Profile};
///
/// // The second address while the first does not answer.
/// let profile = Arc::new(Profile::builder("ascii:4".parse::<Framing>()?).build()?);
/// let upstream = Upstream::new(&profile, ["a.example:7000", "b.example:7000"]);
/// let mut client = Client::over(upstream)?;
/// let reply = client.call(b"0800...")?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Upstream {
    pub(super) dialler: Dialler<Driver>,
}

upstream_methods!(ready);

impl Upstream {
    /// Looks names up with `lookup`, which is called for each dial, in a thread of its own, within the time of the dial. A lookup that
    /// panics counts as one that failed; while one hangs, no other begins for the same name. Call this before the upstream is used.
    /// Defaults to the resolver of the system.
    #[must_use]
    pub fn resolver(self, lookup: impl Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static) -> Self {
        self.with(|settings| settings.lookup = Some(Arc::new(lookup)))
    }
}
