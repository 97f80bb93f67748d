//! One client to many peers.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Inbox, Link};
use crate::error::CallError;
use crate::link::inbox::{self, EventSender};
use crate::message::Message;
use crate::profile::{Profile, ProfileError};
use crate::tokio::Upstream;
use crate::tokio::driver::TaskNotify;

/// A [`Link`] to each of many peers of one kind, made when its peer is first asked.
///
/// Clones are the same client. What comes from any of them goes to one [`Inbox`], which [tells](Inbox::recv_from) from whom.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use framelink_transport::{Framing, Profile, profile::Duplex, tokio::Links};
///
/// // Modbus devices, by their transaction ids.
/// let profile = Profile::builder("modbus".parse::<Framing>()?).exchange(Duplex::new().key("0:2".parse()?)).build()?;
/// let (devices, _) = Links::new(profile)?;
/// let (one, other) = tokio::join!(
///     devices.call("10.0.0.1:502", b"\0\x01\0\0\0\x06\x01\x03\0\0\0\x01"),
///     devices.call("10.0.0.2:502", b"\0\x01\0\0\0\x06\x01\x03\0\0\0\x01"),
/// );
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Links {
    links: Arc<Mutex<HashMap<Box<str>, Link>>>,
    profile: Arc<Profile>,
    events: EventSender<TaskNotify>,
}

impl Links {
    /// Of no peer yet.
    ///
    /// # Errors
    /// When the profile has one exchange at a time, or a pair of connections.
    pub fn new(profile: Profile) -> Result<(Self, Inbox), ProfileError> {
        profile.check_duplex()?;
        let (events, inbox) = inbox::Inbox::new();
        Ok((Self { links: Arc::default(), profile: Arc::new(profile), events }, Inbox(inbox)))
    }

    /// Sends a request to the peer at this address, `HOST:PORT`, and waits for its reply; see [`Link::call`].
    ///
    /// # Errors
    /// As there.
    pub async fn call(&self, peer: &str, request: &[u8]) -> Result<Message, CallError> {
        self.to(peer).call(request).await
    }

    /// The link to the peer at this address.
    pub fn to(&self, peer: &str) -> Link {
        let mut links = self.lock();
        if let Some(link) = links.get(peer) {
            return link.clone();
        }
        let link = Link::dialled(Upstream::new(&self.profile, [peer]), self.events.clone());
        links.insert(peer.into(), link.clone());
        link
    }

    /// Forgets a peer. Its connections are closed when nobody else has the link; false if there was none.
    pub fn forget(&self, peer: &str) -> bool {
        self.lock().remove(peer).is_some()
    }

    /// How many peers there are.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether there is no peer.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, Link>> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// States only.
impl fmt::Debug for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Links").field("peers", &self.len()).finish_non_exhaustive()
    }
}
