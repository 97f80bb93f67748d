//! The client of a profile that has many requests in flight, one for each thread.

mod inbox;
mod links;

use std::io;
use std::sync::Arc;
use std::time::Duration;

pub use self::inbox::{Inbox, ReplySender};
pub use self::links::Links;
use super::connector::Blocking as Driver;
use super::port::SLICE;
use super::turn::Turn;
use super::{Caller, Connection, Listener, Receiver, Upstream};
use crate::driver::{Driver as _, at_once, ready};
use crate::error::{CallError, Cause};
use crate::link::inbox::{self as events, EventSender};
use crate::link::{self, LinkConnection, LinkDriver, LinkStatus, link_methods, role_caller};
use crate::profile::{Profile, ProfileError};
use crate::session::{Matching, Numbers};
use framelink_session::Message;

/// A client of one peer, with many requests in flight.
///
/// The profile says how many connections the link has:
///
/// | connection | the link uses |
/// | --- | --- |
/// | `duplex` | one connection |
/// | `shared` | several connections that share the requests |
/// | `simplex` | two connections, one for each direction |
///
/// The link dials a connection when a request needs one. After a loss the next request dials again. A link with several
/// connections dials another one when all existing ones are busy; a request takes the connection with the fewest
/// requests in flight. One deadline, the profile's `timeouts.reply`, covers a whole call. Each connection has a thread
/// that receives. Clones share the connections.
///
/// Messages that answer no request go to the [`Inbox`].
///
/// ```no_run
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use framelink_transport::{Framing, Profile, blocking::Link, profile::{Duplex, Shared}};
///
/// // ISO 8583 by its trace number, over up to four connections.
/// let profile = Profile::builder("ascii:4".parse::<Framing>()?)
///     .connection(Shared::new(4))
///     .exchange(Duplex::new().key("4:6".parse()?))
///     .build()?;
/// let (link, _) = Link::new(profile, "switch.example:7000")?;
/// let other = link.clone();
/// let other = std::thread::spawn(move || other.call(b"0200000002..."));
/// let reply = link.call(b"0200000001...")?;
/// # Ok(())
/// # }
/// ```
///
/// With a peer that has several addresses:
///
/// ```no_run
/// # fn example(profile: framelink_transport::Profile) -> Result<(), Box<dyn std::error::Error>> {
/// use framelink_transport::blocking::{Link, Upstream};
///
/// let (link, _) = Link::over(Upstream::new(&profile.into(), ["a.example:7000", "b.example:7000"]))?;
/// let reply = link.call(b"0001 hello")?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Link {
    role: link::Link<Driver>,
    upstream: Upstream,
}

link_methods!(ready);

impl Link {
    /// Returns the upstream of this link, with its state and statistics. That of a simplex pair has no address.
    pub const fn upstream(&self) -> &Upstream {
        &self.upstream
    }

    fn dialled(upstream: Upstream, events: EventSender<Driver>) -> Self {
        let role = link::Link::dialled(upstream.dialler.clone(), events);
        Self { role, upstream }
    }

    fn paired(role: link::Link<Driver>) -> Self {
        let upstream = Upstream::new(&role.profile, [""; 0]);
        Self { role, upstream }
    }
}

impl LinkDriver for Driver {
    type Caller = Caller;
    type Receiver = Receiver;
    type DialLock = Turn<()>;
    type Listener = Listener;

    fn dial_lock() -> Turn<()> {
        Turn::new((), Self::clock())
    }

    fn duplex(connection: Connection, matching: Matching) -> (Caller, Receiver) {
        connection.duplex(matching)
    }

    fn simplex(sending: Connection, receiving: Connection, matching: Matching) -> (Caller, Receiver) {
        sending.simplex(receiving, matching)
    }

    /// Closes all connections from one thread, which writes to each of them in turn. A peer that does not read
    /// therefore delays no other connection, and closing needs no thread that the system might not have.
    async fn finish_all(connections: &[Arc<LinkConnection<Self>>], within: Duration) {
        let until = Self::within(within);
        connections.iter().for_each(|connection| connection.vacate());
        let mut all: Vec<_> = connections.iter().map(|connection| (connection, Ending::of(connection))).collect();
        // First write what the sockets take at once; only then wait for one of them.
        let mut slice = Duration::ZERO;
        loop {
            all.retain_mut(|(connection, ending)| !ending.goes_on(connection, slice.min(Self::left(until))));
            if all.is_empty() || Self::left(until).is_zero() {
                break;
            }
            slice = SLICE;
        }
        for connection in connections {
            connection.wait_until_ended(until).await;
        }
        connections.iter().for_each(|connection| connection.abort());
    }

    async fn listen(address: &str, profile: &Arc<Profile>) -> io::Result<Listener> {
        Listener::bind_leg(address, profile)
    }

    async fn accept(listener: &mut Listener) -> io::Result<Option<Connection>> {
        listener.accept()
    }

    fn stopper(listener: &Listener) -> Box<dyn Fn() + Send + Sync> {
        let stopper = listener.stopper();
        Box::new(move || stopper.stop())
    }
}

/// What is next at the end of a connection.
enum Ending {
    SignOff(Vec<u8>),
    Reply,
    ShutDown,
}

impl Ending {
    fn of(connection: &LinkConnection<Driver>) -> Self {
        connection.sign_off().map_or(Self::ShutDown, Self::SignOff)
    }

    /// Does what is possible within `slice`: signs off, waits for the reply, and shuts down writing. Returns true when our
    /// side has ended, or the connection has failed.
    fn goes_on(&mut self, connection: &LinkConnection<Driver>, slice: Duration) -> bool {
        let caller = &connection.caller;
        if let Self::SignOff(message) = self {
            *self = match caller.send_with_outcome(message, slice) {
                Ok(()) => Self::Reply,
                Err(failed) if matches!(failed.error().cause(), Cause::NoRoom { .. }) => return false,
                // The rest of the message is written together with the end.
                Err(_) => Self::ShutDown,
            };
        }
        if let Self::Reply = self {
            let until = Driver::within(slice);
            if at_once(async { Some(connection.wait_until_signed_off(Some(until)).await) }) == Some(false) {
                return false;
            }
            *self = Self::ShutDown;
        }
        match caller.finish_within(slice) {
            Err(error) => !matches!(error.cause(), Cause::NoRoom { .. } | Cause::TimedOut { .. }),
            Ok(()) => true,
        }
    }
}

role_caller!(std::future::ready);
