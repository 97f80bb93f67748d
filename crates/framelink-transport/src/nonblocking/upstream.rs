//! Dialling one of several addresses, without background work.

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

/// Dials one of several addresses of a peer. The profile says which one is first, and when a failed one is tried again.
///
/// [`Client::over`](super::Client::over) uses an upstream. Clients can share one, with all that it knows of the
/// addresses. Only names are looked up in the background, in threads, so a connection stays at its address until it is
/// lost. Clones share the upstream.
///
/// ```no_run
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
/// use framelink_transport::nonblocking::{Client, Upstream};
/// use framelink_transport::{Framing, Profile};
///
/// // Uses the second address while the first does not answer.
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
    /// Resolves host names with `lookup`. Call this before the upstream is used. The default is the system's resolver.
    ///
    /// - `lookup` is called for each dial, in a thread of its own, within the time of the dial.
    /// - A lookup that panics counts as a failed lookup.
    /// - While a lookup hangs, no other lookup begins for that name.
    #[must_use]
    pub fn resolver(self, lookup: impl Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static) -> Self {
        self.with(|settings| settings.lookup = Some(Arc::new(lookup)))
    }
}
