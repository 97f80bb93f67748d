//! Name lookup within a deadline, without a runtime.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::mem;
use std::net::{SocketAddr, ToSocketAddrs};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, LazyLock, PoisonError};
use std::time::Duration;

use super::lock::Lock;
use super::peer::Peer;
use super::threads;
use crate::error::ConnectError;
use crate::zone::zoned_address;

/// The application's lookup function.
pub(crate) type Lookup = Arc<dyn Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync>;
/// The error as kind and text, because a system error cannot be cloned and several threads may wait for it.
type Found = Result<Vec<SocketAddr>, (io::ErrorKind, String)>;
type ByName = Lock<HashMap<Arc<str>, Arc<LookupUnderWay>>>;

/// The names that the system is looking up for this process.
static OF_SYSTEM: LazyLock<Arc<ByName>> = LazyLock::new(Arc::default);

/// Looks each name up in a thread of its own, so that a lookup that hangs costs only its dial. Clones share the
/// lookups.
#[derive(Clone)]
pub(crate) struct Resolver {
    lookup: Option<Lookup>,
    /// The lookups under way. Callers that ask for one name share one, so there are never more threads than names.
    under_way: Arc<ByName>,
}

/// The addresses of a peer, found or being looked up.
#[derive(Debug)]
pub(crate) enum Resolving {
    Found(Vec<SocketAddr>),
    LookupUnderWay(Arc<LookupUnderWay>),
}

#[derive(Debug, Default)]
pub(crate) struct LookupUnderWay {
    found: Lock<Option<Found>>,
    is_done: Condvar,
}

impl Resolver {
    pub(crate) fn of_system() -> Self {
        Self { lookup: None, under_way: Arc::clone(&OF_SYSTEM) }
    }

    /// Returns the application's resolver, or else the system's. A panic of `lookup` is an error, and calls `on_panic`.
    pub(crate) fn new(lookup: Option<Lookup>, on_panic: impl Fn() + Send + Sync + 'static) -> Self {
        let Some(lookup) = lookup else { return Self::of_system() };
        let guarded = move |name: &str| {
            let looked_up = catch_unwind(AssertUnwindSafe(|| lookup(name)));
            looked_up.unwrap_or_else(|_| {
                on_panic();
                Err(io::Error::other("the resolver panicked"))
            })
        };
        Self { lookup: Some(Arc::new(guarded)), under_way: Arc::default() }
    }

    /// Begins to look up the addresses of a peer. An address needs no lookup, and no thread.
    pub(crate) fn look_up(&self, peer: Peer) -> Result<Resolving, ConnectError> {
        let name = match peer {
            Peer::Addresses(addresses) => return Ok(Resolving::Found(addresses)),
            Peer::Name(name) => name,
        };
        if self.lookup.is_none()
            && let Some(address) = zoned_address(&name).or_else(|| name.parse().ok().map(Ok))
        {
            return address.map(|address| Resolving::Found(vec![address])).map_err(ConnectError::Resolve);
        }
        self.begin(&name).map(Resolving::LookupUnderWay).map_err(ConnectError::Resolve)
    }

    fn begin(&self, name: &Arc<str>) -> io::Result<Arc<LookupUnderWay>> {
        let mut all = self.under_way.lock();
        if let Some(under_way) = all.get(name) {
            return Ok(Arc::clone(under_way));
        }
        let under_way = Arc::new(LookupUnderWay::default());
        let (done, all_of_them) = (Arc::clone(&under_way), Arc::clone(&self.under_way));
        let (lookup, asked) = (self.lookup.clone(), Arc::clone(name));
        threads::spawn("framelink-resolve", move || {
            let found = lookup.map_or_else(|| asked.to_socket_addrs().map(Iterator::collect), |lookup| lookup(&asked));
            all_of_them.lock().remove(&asked);
            *done.found.lock() = Some(found.map_err(|error| (error.kind(), error.to_string())));
            done.is_done.notify_all();
        })?;
        all.insert(Arc::clone(name), Arc::clone(&under_way));
        Ok(under_way)
    }
}

impl Resolving {
    /// Waits for the addresses. Returns `None` if they are not found within this time.
    pub(crate) fn wait(&mut self, within: Duration) -> Result<Option<Vec<SocketAddr>>, ConnectError> {
        match self {
            Self::Found(addresses) => Ok(Some(mem::take(addresses))),
            Self::LookupUnderWay(lookup) => match lookup.wait(within) {
                None => Ok(None),
                Some(Ok(addresses)) => Ok(Some(addresses)),
                Some(Err((kind, text))) => Err(ConnectError::Resolve(io::Error::new(kind, text))),
            },
        }
    }
}

impl LookupUnderWay {
    fn wait(&self, within: Duration) -> Option<Found> {
        let waited = self.is_done.wait_timeout_while(self.found.lock(), within, |found| found.is_none());
        waited.unwrap_or_else(PoisonError::into_inner).0.clone()
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").field("is_of_system", &self.lookup.is_none()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::time::Instant;

    use super::*;
    use crate::error::no_answer;

    const DEADLINE: Duration = Duration::from_secs(10);

    /// Returns a resolver whose lookups hang until the sender is dropped, and the count of its lookups.
    fn hanging() -> (Resolver, mpsc::Sender<()>, Arc<AtomicUsize>) {
        let (release, is_released) = mpsc::channel::<()>();
        let (is_released, lookups) = (Lock::new(is_released), Arc::new(AtomicUsize::new(0)));
        let counted = Arc::clone(&lookups);
        let lookup: Lookup = Arc::new(move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
            let _ = is_released.lock().recv();
            Ok(vec!["192.0.2.1:7000".parse().unwrap()])
        });
        (Resolver::new(Some(lookup), || {}), release, lookups)
    }

    fn look_up(resolver: &Resolver, peer: Peer, within: Duration) -> Result<Vec<SocketAddr>, ConnectError> {
        resolver.look_up(peer)?.wait(within)?.ok_or_else(|| no_answer(within))
    }

    fn name(name: &str) -> Peer {
        Peer::Name(name.into())
    }

    #[test]
    fn a_lookup_that_hangs_ends_at_its_deadline_and_is_not_begun_twice() {
        let (resolver, release, lookups) = hanging();
        for _ in 0..3 {
            let error = look_up(&resolver, name("switch:7000"), Duration::from_millis(1)).unwrap_err();
            assert_eq!(error.to_string(), "resolving the peer's address: no answer within 1ms");
        }
        drop(release);
        let found = look_up(&resolver, name("switch:7000"), DEADLINE).unwrap();
        assert_eq!(found, ["192.0.2.1:7000".parse().unwrap()]);
        assert!(lookups.load(Ordering::SeqCst) <= 2, "there is one lookup at a time");
    }

    #[test]
    fn a_connector_resolves_within_its_deadline() {
        let (resolver, release, _) = hanging();
        let within = Duration::from_millis(50);
        let framing: crate::Framing = "net:2".parse().unwrap();
        let began = Instant::now();
        #[cfg(feature = "blocking")]
        {
            let mut connector = crate::blocking::Connector::new(framing).within(within);
            connector.resolver = resolver.clone();
            let error = connector.connect("switch:7000").unwrap_err();
            assert!(matches!(error, ConnectError::Resolve(_)), "{error}");
        }
        #[cfg(feature = "nonblocking")]
        {
            let mut connector = crate::nonblocking::Connector::new(framing).within(within);
            connector.resolver = resolver.clone();
            let error = connector.connect("switch:7000").unwrap_err();
            assert!(matches!(error, ConnectError::Resolve(_)), "{error}");
        }
        assert!(began.elapsed() < DEADLINE);
        drop(release);
    }

    #[test]
    fn an_address_needs_no_thread_and_a_name_without_one_is_an_error() {
        let _refusal = threads::refuse();
        let resolver = Resolver::of_system();
        let address = "127.0.0.1:7000".parse().unwrap();
        for peer in [name("127.0.0.1:7000"), Peer::Addresses(vec![address])] {
            assert_eq!(look_up(&resolver, peer, DEADLINE).unwrap(), [address]);
        }
        let error = look_up(&resolver, name("localhost:7000"), DEADLINE).unwrap_err().to_string();
        assert!(error.starts_with("resolving the peer's address: the system has no thread"), "{error}");
    }

    #[test]
    fn an_invalid_name_is_an_error() {
        let error = look_up(&Resolver::of_system(), name("no port"), DEADLINE).unwrap_err();
        assert!(matches!(error, ConnectError::Resolve(_)), "{error}");
    }
}
