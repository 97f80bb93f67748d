//! The link: a client with many requests in flight.

mod inbox;
mod links;

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::timeout_at;

pub use self::inbox::{Inbox, ReplySender};
pub use self::links::Links;
use super::connector::Tokio as Driver;
use super::{Caller, Connection, Listener, Receiver, Upstream};
use crate::driver::awaited;
use crate::error::CallError;
use crate::link::inbox::{self as events, EventSender};
use crate::link::{self, DialLock, LinkConnection, LinkDriver, LinkStatus, link_methods, role_caller};
use crate::profile::{Profile, ProfileError};
use crate::session::{Matching, Numbers};
use framelink_session::Message;

/// Makes calls to one peer, many at a time, as a profile says.
///
/// The profile decides over which connections:
///
/// - `duplex`: one connection;
/// - `shared`: several connections, which share the requests;
/// - `simplex`: a pair of connections, one for each direction.
///
/// Clones share the link. A connection is dialled when a request needs it, also after a loss. With `shared`, a request
/// goes over the connection with the fewest calls in flight, and another connection is dialled when all existing ones
/// are busy. One deadline, `timeouts.reply` of the profile, covers all of a call.
///
/// Messages that answer no request go to the [`Inbox`].
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use framelink_transport::{Framing, Profile, profile::{Duplex, Shared}, tokio::Link};
///
/// // ISO 8583: matches replies by the trace number, and uses up to four connections.
/// let profile = Profile::builder("ascii:4".parse::<Framing>()?)
///     .connection(Shared::new(4))
///     .exchange(Duplex::new().key("4:6".parse()?))
///     .build()?;
/// let (link, _) = Link::new(profile, "switch.example:7000")?;
/// let (one, other) = tokio::join!(link.call(b"0200000001..."), link.call(b"0200000002..."));
/// # Ok(())
/// # }
/// ```
///
/// With a peer that has several addresses:
///
/// ```no_run
/// # async fn example(profile: framelink_transport::Profile) -> Result<(), Box<dyn std::error::Error>> {
/// use framelink_transport::tokio::{Link, Upstream};
///
/// let (link, _) = Link::over(Upstream::new(&profile.into(), ["a.example:7000", "b.example:7000"]))?;
/// let reply = link.call(b"0001 hello").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Link {
    role: link::Link<Driver>,
    upstream: Option<Upstream>,
}

link_methods!(awaited async);

impl Link {
    /// Returns the upstream of this link: its state, and what it has done. Returns `None` for a simplex pair.
    pub const fn upstream(&self) -> Option<&Upstream> {
        self.upstream.as_ref()
    }

    fn dialled(upstream: Upstream, events: EventSender<Driver>) -> Self {
        let role = link::Link::dialled(upstream.dialler.clone(), events);
        Self { role, upstream: Some(upstream) }
    }

    const fn paired(role: link::Link<Driver>) -> Self {
        Self { role, upstream: None }
    }
}

impl LinkDriver for Driver {
    type Caller = Caller;
    type Receiver = Receiver;
    type DialLock = Mutex<()>;
    type Listener = Listener;

    fn dial_lock() -> Mutex<()> {
        Mutex::new(())
    }

    fn duplex(connection: Connection, matching: Matching) -> (Caller, Receiver) {
        connection.duplex(matching)
    }

    fn simplex(sending: Connection, receiving: Connection, matching: Matching) -> (Caller, Receiver) {
        sending.simplex(receiving, matching)
    }

    /// Finishes each connection in a task of its own.
    async fn finish_all(connections: &[Arc<LinkConnection<Self>>], within: Duration) {
        let until = <Self as crate::driver::Driver>::within(within);
        let _aborting = AbortOnDrop(connections);
        let mut finishing = JoinSet::new();
        for connection in connections {
            connection.vacate();
            finishing.spawn(finish(Arc::clone(connection)));
        }
        for connection in connections {
            connection.wait_until_ended(until).await;
        }
        finishing.shutdown().await;
    }

    async fn listen(address: &str, profile: &Arc<Profile>) -> io::Result<Listener> {
        Listener::bind_leg(address, profile).await
    }

    async fn accept(listener: &mut Listener) -> io::Result<Option<Connection>> {
        listener.accept().await.map(Some)
    }
}

/// Closes the connections at once when dropped: at the end of `finish_all`, or when its future is dropped.
struct AbortOnDrop<'c>(&'c [Arc<LinkConnection<Driver>>]);

impl Drop for AbortOnDrop<'_> {
    fn drop(&mut self) {
        self.0.iter().for_each(|connection| connection.abort());
    }
}

/// Signs off, waits for the reply, and shuts down writing. Errors are ignored, because a failed connection has ended
/// anyway.
async fn finish(connection: Arc<LinkConnection<Driver>>) {
    if let Some(message) = connection.sign_off()
        && connection.caller.send(&message).await.is_ok()
    {
        connection.wait_until_signed_off(None).await;
    }
    let _ = connection.caller.finish().await;
}

impl DialLock for Mutex<()> {
    async fn take(&self, until: Option<Instant>) -> Option<Box<dyn Send + '_>> {
        let held = match until {
            Some(until) => timeout_at(until.into(), self.lock()).await.ok()?,
            None => self.lock().await,
        };
        Some(Box::new(held))
    }
}

role_caller!();
