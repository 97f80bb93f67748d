//! The client of a profile that has many requests in flight, each from a thread of its own.

mod finishing;
mod inbox;
mod member;
mod members;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use self::inbox::Inbox;
use self::members::Members;
use super::Upstream;
use crate::client_rules::{Next, after_call, time_to_send};
use crate::error::CallError;
use crate::profile::Timeouts;
use crate::{Message, Profile, ProfileError};

/// Talks to one peer with many requests in flight, as a profile says: over one connection (`duplex`), or over several that share the
/// requests (`shared`).
///
/// Clones are the same link. Connections are dialled when a request needs one; one that was lost is dialled anew by the next
/// request. Of several, another one is dialled when each that is there is busy, and a request goes over the one with the
/// fewest in flight. One deadline, the profile's `timeouts.reply`, covers all of a call. Each connection has a thread that receives.
///
/// What comes and answers no request goes to the [`Inbox`].
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
#[derive(Clone)]
pub struct Link {
    owner: Arc<Owner>,
    profile: Arc<Profile>,
}

/// The last of the clones takes the connections with it.
struct Owner(Arc<Members>);

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Link {
    /// A link with the peer at this address, `HOST:PORT`, which is dialled for all its connections. Nothing is dialled yet.
    ///
    /// # Errors
    /// When the profile has one exchange at a time, or a pair of connections.
    pub fn new(profile: Profile, peer: impl Into<String>) -> Result<(Self, Inbox), ProfileError> {
        Self::over(Upstream::new(&Arc::new(profile), [peer.into()]))
    }

    /// A link with a peer that has several addresses, or that is shared with others. Nothing is dialled yet.
    ///
    /// A connection that is wanted at another address takes no new requests once there is one there; it is closed when those that
    /// are in flight on it are over.
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
    ///
    /// # Errors
    /// When the profile has one exchange at a time, or a pair of connections.
    pub fn over(upstream: Upstream) -> Result<(Self, Inbox), ProfileError> {
        let profile = Arc::clone(upstream.profile());
        profile.check_duplex()?;
        let (outlet, inbox) = Inbox::new();
        let members = Members::new(upstream, outlet);
        Ok((Self { owner: Arc::new(Owner(members)), profile }, inbox))
    }

    /// Sends a request and waits for its reply.
    ///
    /// # Errors
    /// When there is no connection, when the request was not accepted, when no reply came in time, and when the connection was
    /// lost. The error says what the peer may have seen of the request.
    pub fn call(&self, request: &[u8]) -> Result<Message, CallError> {
        let within = self.profile.timeouts().reply.unwrap_or(Timeouts::REPLY);
        let deadline = Instant::now() + within;
        let mut is_again = false;
        loop {
            let (mut using, was_there) = self.owner.0.member(deadline)?;
            match using.caller().call(request, deadline.saturating_duration_since(Instant::now())) {
                Ok(reply) => {
                    using.was_useful();
                    return Ok(reply);
                }
                // Nothing of it was sent, and another connection may be better.
                Err(error)
                    if !using.caller().is_open()
                        && Instant::now() < deadline
                        && after_call(was_there || is_again, &error) == Next::DialAgain =>
                {
                    is_again = true;
                }
                Err(error) => return Err(error.within(within)),
            }
        }
    }

    /// Sends a message that is no request, and returns when the socket has taken all of it. One deadline, the shorter of the profile's
    /// `timeouts.reply` and `timeouts.write`, covers all of it: waiting for a connection, which may be dialled, and writing.
    ///
    /// # Errors
    /// When there is no connection, and when the message could not be sent in time. The error says what the peer may have seen of the
    /// message.
    pub fn send(&self, message: &[u8]) -> Result<(), CallError> {
        let within = time_to_send(self.profile.timeouts());
        let deadline = Instant::now() + within;
        let (mut using, _) = self.owner.0.member(deadline)?;
        let left = deadline.saturating_duration_since(Instant::now());
        using.caller().send_with_outcome(message, left).map_err(|error| error.within(within))?;
        using.was_useful();
        Ok(())
    }

    /// Connects now, where there is no connection yet: a peer that sends by itself is heard from then on.
    ///
    /// # Errors
    /// When there is no connection in time.
    pub fn connect(&self) -> Result<(), CallError> {
        self.owner.0.member(Instant::now() + self.profile.timeouts().connect).map(|_| ())
    }

    /// Signs off where the profile says so, and ends our side of all connections in good order, when what is queued is written; waits for
    /// the peer to end its own, so that replies that are owed still come. All connections are closed side by side, and none is waited for
    /// longer than `within`: a connection that has not ended by then is given up.
    pub fn close(self, within: Duration) {
        self.owner.0.finish(within);
    }

    /// Gives all connections up: requests in flight fail. The next request dials anew.
    pub fn disconnect(&self) {
        self.owner.0.disconnect();
    }

    /// What dials for it: its state, and what it has done.
    pub fn upstream(&self) -> &Upstream {
        self.owner.0.upstream()
    }

    /// How many connections there are now.
    pub fn connections(&self) -> usize {
        self.owner.0.open()
    }

    /// How many requests are waited for.
    pub fn in_flight(&self) -> usize {
        self.owner.0.in_flight()
    }

    /// What it was made with.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }
}

/// States only.
impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("connections", &self.connections())
            .field("in_flight", &self.in_flight())
            .finish_non_exhaustive()
    }
}
