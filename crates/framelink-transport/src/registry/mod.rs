//! The registry of connections that a server pushes messages to.

mod mailbox;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::task::Waker;

use framelink_codec::Encode;

use crate::session::memory::Held;
use crate::session::{Backlog, Offered, Packed, PushCounts};
use framelink_profile::FramingPair;

pub(crate) use mailbox::{Mailbox, Slot};

/// The connections that a server pushes messages to, on any driver. Clones share their state.
///
/// A connection [joins](crate::tokio::Connection::join) the registry, and leaves it when it ends. While the connection
/// is served, pushed messages are sent between replies, one whole frame after another.
///
/// Pushing never waits. [`Backlog`] limits how much may be queued for each connection, and says what happens to
/// connections that are too slow. All connections of one listener share the encoded frame. Messages that one thread
/// pushes arrive in order on every connection.
///
/// ```
/// # #[cfg(feature = "tokio")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use framelink_transport::{Framing, Profile, Registry, Target, tokio::{Connector, Listener}};
/// use framelink_transport::session::{Backlog, Concurrency, SlowRule};
///
/// let framing: Framing = "net:2".parse()?;
/// let mut listener = Listener::bind("127.0.0.1:0", framing).await?;
/// let address = listener.local_addr()?;
/// let registry = Registry::new(Backlog::new(SlowRule::Drop));
///
/// let mut subscriber = Connector::new(framing).connect(address).await?;
/// let mut connection = listener.accept().await?;
/// let member = connection.join(&registry);
/// tokio::spawn(async move {
///     let profile = Profile::builder(framing).build().expect("a profile");
///     connection.serve_many(&profile, Concurrency::new(8), |_| async { None::<Vec<u8>> }).await
/// });
///
/// let pushed = registry.push(Target::All, b"news")?;
/// assert_eq!(pushed.queued, 1);
/// assert_eq!(&subscriber.recv().await?.unwrap()[..], b"news");
/// registry.push(Target::One(member), b"for you")?;
/// assert_eq!(&subscriber.recv().await?.unwrap()[..], b"for you");
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "tokio"))]
/// # fn main() {}
/// ```
pub struct Registry<C = FramingPair> {
    shared: Arc<Shared<C>>,
}

/// Identifies one connection of a [`Registry`]. The registry never uses a number again.
///
/// See [`Registry`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberId(u64);

/// The connections that a message is pushed to. The enum is exhaustive.
///
/// See [`Registry`] for an example.
#[derive(Clone, Copy, Debug)]
pub enum Target<'m> {
    /// One connection.
    One(MemberId),
    /// Some connections.
    Some(&'m [MemberId]),
    /// All connections that have joined and not left.
    All,
}

/// The result of one push, in numbers of connections.
///
/// See [`Registry`] for an example.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pushed {
    /// Connections for which the message is queued.
    pub queued: usize,
    /// Connections, among the queued ones, on which older messages were skipped.
    pub skipping: usize,
    /// Connections that were too slow, for which the message was dropped.
    pub dropped: usize,
    /// Connections that were too slow, and are closed.
    pub closed: usize,
    /// Connections that have left, or are about to.
    pub gone: usize,
}

struct Shared<C> {
    backlog: Backlog,
    state: RwLock<RegistryState<C>>,
}

struct RegistryState<C> {
    members: BTreeMap<MemberId, RegistryMember<C>>,
    next: u64,
    /// The counts of connections that have left.
    departed: PushCounts,
}

struct RegistryMember<C> {
    framing: Arc<C>,
    slot: Arc<Slot>,
}

impl<C> Registry<C> {
    /// Creates an empty registry.
    #[must_use]
    pub fn new(backlog: Backlog) -> Self {
        let state = RegistryState { members: BTreeMap::new(), next: 0, departed: PushCounts::default() };
        Self { shared: Arc::new(Shared { backlog, state: RwLock::new(state) }) }
    }

    /// Adds a connection.
    pub(crate) fn join(&self, framing: Arc<C>, memory: &Held) -> Mailbox<C> {
        let slot = Arc::new(Slot::new(self.shared.backlog, memory.another_shared()));
        let mut state = self.shared.write();
        let id = MemberId(state.next);
        state.next += 1;
        state.members.insert(id, RegistryMember { framing, slot: Arc::clone(&slot) });
        drop(state);
        Mailbox { id, slot, shared: Arc::clone(&self.shared) }
    }

    /// Returns the connections that have joined and not left, oldest first.
    #[must_use]
    pub fn members(&self) -> Vec<MemberId> {
        self.shared.read().members.keys().copied().collect()
    }

    /// Returns how many connections have joined and not left.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.read().members.len()
    }

    /// Returns whether no connection is in the registry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shared.read().members.is_empty()
    }

    /// Returns what happened to all pushed messages, those to connections that have left included.
    #[must_use]
    pub fn counts(&self) -> PushCounts {
        let state = self.shared.read();
        let mut counts = state.departed;
        for member in state.members.values() {
            counts += member.slot.counts();
        }
        counts
    }

    /// Returns what happened to the messages pushed to one connection, or `None` if it has left.
    #[must_use]
    pub fn counts_of(&self, member: MemberId) -> Option<PushCounts> {
        self.shared.read().members.get(&member).map(|member| member.slot.counts())
    }

    /// Returns how many messages are queued for one connection, or `None` if it has left.
    #[must_use]
    pub fn waiting_for(&self, member: MemberId) -> Option<usize> {
        self.shared.read().members.get(&member).map(|member| member.slot.waiting())
    }
}

impl<C: Encode> Registry<C> {
    /// Pushes a message to one, some or all connections, without waiting.
    ///
    /// # Errors
    /// Fails if the framing of one of them cannot encode the message. The message is then pushed to no connection.
    pub fn push(&self, to: Target<'_>, message: &[u8]) -> Result<Pushed, C::Error> {
        let (mut pushed, mut wakers) = (Pushed::default(), Vec::new());
        let state = self.shared.read();
        let mut frames = Frames { message, made: Vec::new() };
        state.each(to, |member| member.map_or(Ok(()), |member| frames.of(member).map(drop)))?;
        state.each(to, |member| {
            let offered = match member {
                Some(member) => member.slot.offer(frames.of(member)?, &mut wakers),
                None => Offered::Gone,
            };
            pushed.count(offered);
            Ok(())
        })?;
        drop(state);
        // Without the lock, because a woken task may end its connection at once, which leaves the registry.
        frames.made.iter().for_each(|made| made.memory.settle());
        wakers.into_iter().for_each(Waker::wake);
        Ok(pushed)
    }
}

impl Pushed {
    const fn count(&mut self, offered: Offered) {
        match offered {
            Offered::Queued => self.queued += 1,
            Offered::Skipped(_) => {
                self.queued += 1;
                self.skipping += 1;
            }
            Offered::Dropped => self.dropped += 1,
            Offered::Closed => self.closed += 1,
            Offered::Gone => self.gone += 1,
        }
    }
}

/// One message, encoded once for each framing. The connections of one listener share a framing.
struct Frames<'m, C> {
    message: &'m [u8],
    made: Vec<Made<C>>,
}

struct Made<C> {
    framing: Arc<C>,
    frame: Packed,
    /// The memory of one of the connections. The frame is counted only there.
    memory: Held,
}

impl<C: Encode> Frames<'_, C> {
    fn of(&mut self, member: &RegistryMember<C>) -> Result<&Packed, C::Error> {
        let framing = &member.framing;
        let position = match self.made.iter().position(|made| Arc::ptr_eq(&made.framing, framing)) {
            Some(position) => position,
            None => {
                let memory = member.slot.memory();
                let frame = Packed::new(framing, self.message)?;
                let frame = frame.counted_as(memory.charge(self.message.len()));
                self.made.push(Made { framing: Arc::clone(framing), frame, memory });
                self.made.len() - 1
            }
        };
        Ok(&self.made[position].frame)
    }
}

impl<C> RegistryState<C> {
    /// Calls `then` for each target connection, with `None` for one that has left.
    fn each<E>(
        &self,
        to: Target<'_>,
        mut then: impl FnMut(Option<&RegistryMember<C>>) -> Result<(), E>,
    ) -> Result<(), E> {
        match to {
            Target::One(id) => then(self.members.get(&id)),
            Target::Some(ids) => ids.iter().try_for_each(|id| then(self.members.get(id))),
            Target::All => self.members.values().try_for_each(|member| then(Some(member))),
        }
    }
}

/// The lock is used even after a panic, because no step leaves the state inconsistent.
impl<C> Shared<C> {
    fn read(&self) -> RwLockReadGuard<'_, RegistryState<C>> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, RegistryState<C>> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn leave(&self, id: MemberId) {
        let mut state = self.write();
        if let Some(member) = state.members.remove(&id) {
            state.departed += member.slot.close();
        }
    }
}

impl<C> Clone for Registry<C> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<C> fmt::Debug for Registry<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("backlog", &self.shared.backlog)
            .field("members", &self.len())
            .finish_non_exhaustive()
    }
}
