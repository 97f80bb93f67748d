//! Looking names up, without being held up by it.

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::ConnectError;
use crate::upstream::Ledger;

/// How the application looks a name up.
pub(super) type Lookup = Arc<dyn Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync>;
/// An error of the system is for one, and here several may wait.
type Found = Result<Vec<SocketAddr>, (io::ErrorKind, String)>;

/// Looks names up, each in a thread of its own, so that the system or the application may take its time.
pub(super) struct Resolver {
    lookup: Option<Lookup>,
    /// Those under way: who asks for the same name waits for the same answer, so that there are never more threads than names.
    under_way: Arc<Mutex<HashMap<Arc<str>, Arc<UnderWay>>>>,
}

#[derive(Default)]
struct UnderWay {
    found: Mutex<Option<Found>>,
    is_done: Condvar,
}

impl Resolver {
    pub(super) fn new(lookup: Option<Lookup>) -> Self {
        Self { lookup, under_way: Arc::default() }
    }

    pub(super) fn look_up(
        &self,
        name: &Arc<str>,
        within: Duration,
        ledger: &Arc<Ledger>,
    ) -> Result<Vec<SocketAddr>, ConnectError> {
        if self.lookup.is_none()
            && let Ok(address) = name.parse()
        {
            return Ok(vec![address]);
        }
        let under_way = self.begin(name, ledger).map_err(ConnectError::Resolve)?;
        match under_way.wait(within) {
            Some(Ok(found)) => Ok(found),
            Some(Err((kind, text))) => Err(ConnectError::Resolve(io::Error::new(kind, text))),
            None => Err(ConnectError::Resolve(io::ErrorKind::TimedOut.into())),
        }
    }

    fn begin(&self, name: &Arc<str>, ledger: &Arc<Ledger>) -> io::Result<Arc<UnderWay>> {
        let mut all = lock(&self.under_way);
        if let Some(under_way) = all.get(name) {
            return Ok(Arc::clone(under_way));
        }
        let under_way = Arc::new(UnderWay::default());
        let (done, all_of_them) = (Arc::clone(&under_way), Arc::clone(&self.under_way));
        let (lookup, asked, ledger) = (self.lookup.clone(), Arc::clone(name), Arc::clone(ledger));
        thread::Builder::new().spawn(move || {
            let found = found(lookup.as_ref(), &asked, &ledger);
            lock(&all_of_them).remove(&asked);
            *lock(&done.found) = Some(found);
            done.is_done.notify_all();
        })?;
        all.insert(Arc::clone(name), Arc::clone(&under_way));
        Ok(under_way)
    }
}

impl UnderWay {
    fn wait(&self, within: Duration) -> Option<Found> {
        let waited = self.is_done.wait_timeout_while(lock(&self.found), within, |found| found.is_none());
        waited.unwrap_or_else(PoisonError::into_inner).0.clone()
    }
}

fn found(lookup: Option<&Lookup>, name: &str, ledger: &Ledger) -> Found {
    let of_system = || name.to_socket_addrs().map(Iterator::collect);
    let looked_up = catch_unwind(AssertUnwindSafe(|| lookup.map_or_else(of_system, |lookup| lookup(name))));
    let found = looked_up.unwrap_or_else(|_| {
        ledger.on_resolver_panic();
        Err(io::Error::other("the resolver panicked"))
    });
    found.map_err(|error| (error.kind(), error.to_string()))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
