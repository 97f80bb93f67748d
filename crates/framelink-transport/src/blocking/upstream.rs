//! Dialling one of several addresses.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Connection;
use super::connector::Blocking as Driver;
use crate::connector::ConnectError;
use crate::driver::{ThreadNotify, at_once, ready};
use crate::message::Message;
use crate::profile::Profile;
use crate::upstream::{Counts, Dialler, Loss, Seat, Settings, State, Unseen, upstream_methods};

/// Dials whichever address of a peer is to be dialled, as a profile says: which one first, how soon again after a failure, and
/// when connections go back to an address that was lost.
///
/// Clones are the same upstream, and clients that share one share what it knows of the addresses. [`Client::over`](super::Client::over) and
/// [`Link::over`](super::Link::over) use it. Lost addresses are tried in a thread, from the first one on.
///
/// ```no_run
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
/// use framelink_transport::blocking::{Client, Upstream};
/// use framelink_transport::{Framing, Profile};
///
/// // The second address while the first does not answer; back to it when it does.
/// let profile = Arc::new(Profile::builder("ascii:4".parse::<Framing>()?).build()?);
/// let upstream = Upstream::new(&profile, ["a.example:7000", "b.example:7000"])
///     .on_loss(|loss| println!("lost {}: {}", loss.address(), loss.why()));
/// let mut client = Client::over(upstream)?;
/// let reply = client.call(b"0800...")?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Upstream {
    pub(super) dialler: Dialler<Driver>,
}

/// The states of an upstream, one after the other. A slow reader misses states that are over, but never the newest.
///
/// ```no_run
/// # fn example(upstream: framelink_transport::blocking::Upstream) {
/// use std::time::Duration;
///
/// let mut states = upstream.states();
/// while let Some(state) = states.changed_within(Duration::from_secs(3600)) {
///     println!("{state:?}");
/// }
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct States(Unseen<ThreadNotify>);

impl Upstream {
    upstream_methods!(ready);

    /// Looks names up with `lookup`, which is called for each dial, in a thread of its own, within the time of the dial. A lookup that
    /// panics counts as one that failed; while one hangs, no other begins for the same name. Call this before the upstream is used.
    /// Defaults to the resolver of the system.
    #[must_use]
    pub fn resolver(self, lookup: impl Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static) -> Self {
        self.with(|settings| settings.lookup = Some(Arc::new(lookup)))
    }

    /// The states of the connections from now on.
    pub fn states(&self) -> States {
        States(self.dialler.states())
    }
}

impl States {
    /// The newest state.
    pub fn current(&self) -> State {
        self.0.current()
    }

    /// Waits for another state than the one that was seen last; `None` when there is none within that time, or none any more.
    pub fn changed_within(&mut self, limit: Duration) -> Option<State> {
        at_once(self.0.next(Instant::now().checked_add(limit)))
    }
}

/// States only.
impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.dialler.fmt(f)
    }
}
