//! The link: a client with many requests in flight, on any driver.
//!
//! ```text
//!   Link             calls and messages, each over the least busy connection
//!     │
//!   LinkConnections  the connections, and the rules for making more
//!     │
//!   LinkConnection   one connection: the exchanges that use it, and its end
//!     │
//!   Dialler or Pairing      makes a connection, or a simplex pair
//! ```

mod connection;
mod connections;
mod driver;
mod event;
mod handover;
pub(crate) mod inbox;
mod links;
mod methods;
mod pairing;
mod reply_sender;
mod status;

use std::fmt;
use std::io;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

pub(crate) use self::connection::LinkConnection;
use self::connections::LinkConnections;
pub(crate) use self::driver::{DialLock, LinkCaller, LinkReceiver, role_caller};
pub use self::event::LinkEvent;
use self::inbox::{EventSender, Outlet};
pub(crate) use self::links::{LinkMap, links_methods};
pub(crate) use self::methods::link_methods;
use self::pairing::Pairing;
pub(crate) use self::reply_sender::ReplySender;
pub use self::status::LinkStatus;
use crate::client::rules::{Next, after_call, time_to_send};
use crate::driver::Driver;
use crate::error::CallError;
use crate::profile::{Profile, Timeouts};
use crate::session::Matching;
use crate::upstream::{Dialler, pause_before};
use framelink_session::Message;

/// A driver with many calls at a time on one connection.
pub(crate) trait LinkDriver: Driver {
    type Caller: LinkCaller;
    type Receiver: LinkReceiver;
    type DialLock: DialLock;
    /// Accepts one connection of a simplex pair.
    type Listener: Send + 'static;

    fn dial_lock() -> Self::DialLock;

    fn duplex(connection: Self::Connection, matching: Matching) -> (Self::Caller, Self::Receiver);

    fn simplex(
        sending: Self::Connection,
        receiving: Self::Connection,
        matching: Matching,
    ) -> (Self::Caller, Self::Receiver);

    /// Signs off, shuts down writing on all connections concurrently, and waits for the peers to close, for `within` at
    /// most. Closes the connections that have not ended by then.
    fn finish_all(connections: &[Arc<LinkConnection<Self>>], within: Duration) -> impl Future<Output = ()> + Send;

    /// Listens for one connection of a pair.
    fn listen(address: &str, profile: &Arc<Profile>) -> impl Future<Output = io::Result<Self::Listener>> + Send;

    /// Accepts the next connection. Returns `None` when the listener was stopped.
    fn accept(listener: &mut Self::Listener) -> impl Future<Output = io::Result<Option<Self::Connection>>> + Send;

    /// Returns a function that ends the wait of [`accept`](Self::accept), where aborting its task does not.
    fn stopper(_: &Self::Listener) -> Box<dyn Fn() + Send + Sync> {
        Box::new(|| {})
    }
}

/// Makes calls to one peer, many at a time. Clones share the link.
#[derive(Clone)]
pub(crate) struct Link<D: LinkDriver>(Arc<Owner<D>>);

/// Closes the connections when the last clone of the link is dropped.
struct Owner<D: LinkDriver>(Arc<LinkConnections<D>>);

impl<D: LinkDriver> Drop for Owner<D> {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl<D: LinkDriver> Link<D> {
    pub(crate) fn dialled(dialler: Dialler<D>, events: EventSender<D>) -> Self {
        let peer = dialler.settings.names.first().map_or_else(|| "".into(), Arc::clone);
        Self::of(LinkConnections::dialled(dialler, Outlet::new(peer, events)))
    }

    pub(crate) async fn simplex(
        profile: Profile,
        send: &str,
        receive: &str,
        events: EventSender<D>,
    ) -> io::Result<Self> {
        let simplex = profile.check_simplex().map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let profile = Arc::new(profile);
        let (pairing, listeners) = Pairing::new(&profile, simplex, send, receive).await?;
        pairing.setup().open_files().map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let outlet = Outlet::new(send.into(), events);
        // If a listener fails, dropping the link ends the other listener.
        let link = Self::of(LinkConnections::paired(profile, pairing, outlet));
        link.accept(listeners)?;
        Ok(link)
    }

    fn of(connections: Arc<LinkConnections<D>>) -> Self {
        Self(Arc::new(Owner(connections)))
    }

    pub(crate) async fn call(&self, request: &[u8]) -> Result<Message, CallError> {
        let within = self.profile.timeouts().reply.unwrap_or(Timeouts::REPLY);
        let deadline = D::within(within);
        let mut tries = 0;
        loop {
            let (mut using, was_there) = self.acquire(deadline).await?;
            match using.connection.caller.call(request, D::left(deadline)).await {
                Ok(reply) => {
                    using.was_useful = true;
                    return Ok(reply);
                }
                // Nothing of the request was sent, so another connection can be tried.
                Err(error)
                    if using.connection.caller.ended().is_some()
                        && !D::left(deadline).is_zero()
                        && after_call(was_there || tries > 0, &error) == Next::DialAgain =>
                {
                    // A pair has no address book with a back-off, so the pause is made here.
                    if using.connection.lease.is_none() {
                        D::sleep_until(D::within(pause_before(tries).min(D::left(deadline)))).await;
                    }
                    tries += 1;
                }
                Err(error) => return Err(error.within(within)),
            }
        }
    }

    pub(crate) async fn send(&self, message: &[u8]) -> Result<(), CallError> {
        let within = time_to_send(self.profile.timeouts());
        let deadline = D::within(within);
        let (using, _) = self.acquire(deadline).await?;
        using.send(message, D::left(deadline)).await.map_err(|error| error.within(within))
    }

    pub(crate) async fn connect(&self) -> Result<(), CallError> {
        self.acquire(D::within(self.profile.timeouts().connect)).await.map(drop)
    }
}

impl<D: LinkDriver> Deref for Link<D> {
    type Target = Arc<LinkConnections<D>>;

    fn deref(&self) -> &Arc<LinkConnections<D>> {
        &self.0.0
    }
}

/// Shows numbers, and no messages.
impl<D: LinkDriver> fmt::Debug for Link<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LinkStatus { connections, in_flight, .. } = self.status();
        f.debug_struct("Link").field("connections", &connections).field("in_flight", &in_flight).finish_non_exhaustive()
    }
}
