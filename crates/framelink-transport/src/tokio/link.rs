//! The client of a profile that has many requests in flight.

mod links;
mod member;
mod members;
mod pairing;

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

pub use self::links::Links;
use self::members::Members;
use self::pairing::Pairing;
use super::{Upstream, clock};
use crate::client_rules::{Next, after_call, pause_before, time_to_send};
use crate::error::CallError;
use crate::profile::Timeouts;
use crate::{Message, News, Profile, ProfileError};

/// Talks to one peer with many requests in flight, as a profile says: over one connection (`duplex`), over several that share the
/// requests (`shared`), or over one for each direction (`simplex`).
///
/// Clones are the same link. Connections are dialled when a request needs one; one that was lost is dialled anew by the next
/// request. Of several, another one is dialled when each that is there is busy, and a request goes over the one with the
/// fewest in flight. One deadline, the profile's `timeouts.reply`, covers all of a call.
///
/// What comes and answers no request goes to the [`Inbox`].
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use framelink_transport::{Framing, Profile, profile::{Duplex, Shared}, tokio::Link};
///
/// // ISO 8583 by its trace number, over up to four connections.
/// let profile = Profile::builder("ascii:4".parse::<Framing>()?)
///     .connection(Shared::new(4))
///     .exchange(Duplex::new().key("4:6".parse()?))
///     .build()?;
/// let (link, _) = Link::new(profile, "switch.example:7000")?;
/// let (one, other) = tokio::join!(link.call(b"0200000001..."), link.call(b"0200000002..."));
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

/// What a link receives that answers no request, and what becomes of its connections. Dropped, what comes is dropped.
///
/// It holds up to 1024 of them; a connection that has more waits with reading, so that replies wait too: whoever keeps an inbox
/// empties it.
///
/// ```no_run
/// # async fn example(mut inbox: framelink_transport::tokio::Inbox) {
/// use framelink_transport::{Incoming, tokio::News};
///
/// while let Some(news) = inbox.recv().await {
///     match news {
///         News::Incoming(Incoming::Message(message)) => println!("the peer says {} bytes", message.len()),
///         News::Incoming(Incoming::Late(late)) => println!("a reply came {:?} after its request", late.delay()),
///         News::Up => println!("connected"),
///         News::Lost(error) => println!("{error:?}"),
///         _ => {}
///     }
/// }
/// # }
/// ```
#[derive(Debug)]
pub struct Inbox(mpsc::Receiver<(Arc<str>, News)>);

/// Where news of one peer go.
#[derive(Clone)]
struct Outlet {
    peer: Arc<str>,
    inbox: mpsc::Sender<(Arc<str>, News)>,
}

impl Outlet {
    /// Waits until there is room, or the link is gone. Whoever has dropped the inbox does not want to know.
    async fn tell(&self, news: News, closed: &mut watch::Receiver<bool>) {
        let mut sending = pin!(self.inbox.send((Arc::clone(&self.peer), news)));
        let mut closed = pin!(closed.wait_for(|closed| *closed));
        poll_fn(|context| match sending.as_mut().poll(context) {
            Poll::Ready(_) => Poll::Ready(()),
            Poll::Pending => closed.as_mut().poll(context).map(|_| ()),
        })
        .await;
    }
}

impl Inbox {
    /// So many wait.
    const CAPACITY: usize = 1024;

    /// The next, when there is one; `None` when the link and all its connections are gone.
    pub async fn recv(&mut self) -> Option<News> {
        self.recv_from().await.map(|(_, news)| news)
    }

    /// The same, and from which peer, by the name that was given for it: for [`Links`] with many.
    pub async fn recv_from(&mut self) -> Option<(Arc<str>, News)> {
        self.0.recv().await
    }

    fn new() -> (mpsc::Sender<(Arc<str>, News)>, Self) {
        let (sender, inbox) = mpsc::channel(Self::CAPACITY);
        (sender, Self(inbox))
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
    /// # async fn example(profile: framelink_transport::Profile) -> Result<(), Box<dyn std::error::Error>> {
    /// use framelink_transport::tokio::{Link, Upstream};
    ///
    /// let (link, _) = Link::over(Upstream::new(&profile.into(), ["a.example:7000", "b.example:7000"]))?;
    /// let reply = link.call(b"0001 hello").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When the profile has one exchange at a time, or a pair of connections.
    pub fn over(upstream: Upstream) -> Result<(Self, Inbox), ProfileError> {
        upstream.profile().check_duplex()?;
        let (sender, inbox) = Inbox::new();
        Ok((Self::dialled(upstream, sender), inbox))
    }

    /// A link over a pair of connections: `send` is the address of the one that we send on, `receive` that of the one that we
    /// receive on; each to be dialled, or to be listened on, as the profile says.
    ///
    /// # Errors
    /// When the profile has no pair, and when an address cannot be listened on.
    pub async fn simplex(profile: Profile, send: &str, receive: &str) -> io::Result<(Self, Inbox)> {
        let simplex = profile.check_simplex().map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let profile = Arc::new(profile);
        let pairing = Pairing::new(&profile, simplex, send, receive).await?;
        let (sender, inbox) = Inbox::new();
        let outlet = Outlet { peer: send.into(), inbox: sender };
        Ok((Self::of(Members::paired(Arc::clone(&profile), pairing, outlet), profile), inbox))
    }

    /// Sends a request and waits for its reply.
    ///
    /// # Errors
    /// When there is no connection, when the request was not accepted, when no reply came in time, and when the connection was
    /// lost. The error says what the peer may have seen of the request.
    pub async fn call(&self, request: &[u8]) -> Result<Message, CallError> {
        let within = self.profile.timeouts().reply.unwrap_or(Timeouts::REPLY);
        let deadline = clock::within(within);
        let mut tries = 0;
        loop {
            let (mut using, was_there) = self.owner.0.member(deadline).await?;
            match using.caller().call(request, deadline.saturating_duration_since(Instant::now())).await {
                Ok(reply) => {
                    using.was_useful();
                    return Ok(reply);
                }
                // Nothing of it was sent, and another connection may be better.
                Err(error)
                    if !using.caller().is_open()
                        && Instant::now() < deadline
                        && after_call(was_there || tries > 0, &error) == Next::DialAgain =>
                {
                    if using.is_of_pair() {
                        let pause = pause_before(tries).min(deadline.saturating_duration_since(Instant::now()));
                        tokio::time::sleep(pause).await;
                    }
                    tries += 1;
                }
                Err(error) => return Err(error.within(within)),
            }
        }
    }

    /// Sends a message that is no request, and returns when the socket has taken all of it. One deadline, the shorter of the profile's
    /// `timeouts.reply` and `timeouts.write`, covers all of it: waiting for a connection, which may be dialled, and writing.
    ///
    /// # Errors
    /// When there is no connection, and when the message could not be sent in time. The error says what the
    /// peer may have seen of the message.
    pub async fn send(&self, message: &[u8]) -> Result<(), CallError> {
        let within = time_to_send(self.profile.timeouts());
        let deadline = clock::within(within);
        let (mut using, _) = self.owner.0.member(deadline).await?;
        let left = deadline.saturating_duration_since(Instant::now());
        using.caller().send_with_outcome(message, left).await.map_err(|error| error.within(within))?;
        using.was_useful();
        Ok(())
    }

    /// Connects now, where there is no connection yet: a peer that sends by itself is heard from then on.
    ///
    /// # Errors
    /// When there is no connection in time.
    pub async fn connect(&self) -> Result<(), CallError> {
        self.owner.0.member(clock::within(self.profile.timeouts().connect)).await.map(|_| ())
    }

    /// Signs off where the profile says so, and ends our side of all connections in good order, when what is queued is written; waits for
    /// the peer to end its own, so that replies that are owed still come. All connections are closed side by side, and none is waited for
    /// longer than `within`: a connection that has not ended by then is given up.
    pub async fn close(self, within: Duration) {
        self.owner.0.finish(within).await;
    }

    /// Gives all connections up: requests in flight fail. The next request dials anew.
    pub fn disconnect(&self) {
        self.owner.0.disconnect();
    }

    /// What dials for it: its state, and what it has done. `None` for a pair, whose connections are made in another way.
    pub fn upstream(&self) -> Option<&Upstream> {
        self.owner.0.upstream()
    }

    /// How many connections, or pairs, there are now.
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

    fn dialled(upstream: Upstream, inbox: mpsc::Sender<(Arc<str>, News)>) -> Self {
        let peer = upstream.addresses().first().map_or_else(|| "".into(), Arc::clone);
        let profile = Arc::clone(upstream.profile());
        Self::of(Members::dialled(upstream, Outlet { peer, inbox }), profile)
    }

    fn of(members: Arc<Members>, profile: Arc<Profile>) -> Self {
        Self { owner: Arc::new(Owner(members)), profile }
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
