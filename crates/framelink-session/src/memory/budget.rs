//! The memory budget of a server's connections, and the choice of the connection to close.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::lifetime::{Ending, Notice};
use crate::memory::by_age::ByAge;
use crate::memory::network::Network;

/// Limits the bytes that the connections of a server hold, in all and for each client.
///
/// If a connection needs more than a limit allows, a victim is chosen and told to end. For the total, the victim is the
/// largest connection of the client that holds most. For the share of one client, it is the largest connection of that
/// client. The victim's bytes count as free from then on, but other connections wait until they are freed.
pub struct Budget {
    limit: usize,
    share: usize,
    all: Sum,
    book: Mutex<Book>,
    evicted: AtomicU64,
}

/// The bytes that are held, and the part of them that connections which are told to end still hold.
#[derive(Default)]
pub(super) struct Sum {
    held: AtomicUsize,
    leaving: AtomicUsize,
}

/// The open connections.
#[derive(Default)]
struct Book {
    accounts: ByAge<Arc<Account>>,
    /// Each client's sum and its number of connections.
    clients: HashMap<Network, (Arc<Sum>, usize)>,
}

/// Bytes that several connections hold together. They are released when this is dropped.
pub struct Charge {
    budget: Arc<Budget>,
    bytes: usize,
}

/// The share of one connection in a [`Budget`].
pub struct Account {
    pub(super) budget: Arc<Budget>,
    /// The sum of the connection's client.
    client: Arc<Sum>,
    /// The sum of the client of a proxy, once it is known.
    moved: OnceLock<Arc<Sum>>,
    notice: Arc<Notice>,
    holding: Mutex<Holding>,
}

#[derive(Default)]
struct Holding {
    own: usize,
    /// Frames that also wait on other connections. The budget counts them once, as a [`Charge`].
    shared: usize,
    /// Whether the connection was told to end.
    is_leaving: bool,
}

impl Budget {
    /// Creates a budget of `limit` bytes in all and `share` bytes for each client.
    pub fn new(limit: usize, share: usize) -> Arc<Self> {
        let (all, book, evicted) = (Sum::default(), Mutex::default(), AtomicU64::new(0));
        Arc::new(Self { limit, share, all, book, evicted })
    }

    /// Opens the account of the connection with this number.
    pub fn open(self: &Arc<Self>, id: u64, client: Network, notice: Arc<Notice>) -> Arc<Account> {
        let mut book = self.book();
        let (sum, count) = book.clients.entry(client).or_default();
        *count += 1;
        let (budget, client) = (Arc::clone(self), Arc::clone(sum));
        let account = Arc::new(Account { budget, client, moved: OnceLock::new(), notice, holding: Mutex::default() });
        book.accounts.insert(id, Arc::clone(&account));
        account
    }

    /// Closes the account of the connection with this number.
    pub fn close(&self, id: u64, client: Network) {
        let mut book = self.book();
        if book.accounts.remove(id).is_none() {
            return;
        }
        book.leave(client);
        if book.accounts.is_empty() {
            // Frees the memory of a flood of connections.
            book.clients = HashMap::new();
        }
    }

    /// Counts the bytes of a connection for another client, once: that of the proxy it comes from.
    pub fn move_to(&self, account: &Account, from: Network, client: Network) {
        let mut book = self.book();
        let (sum, count) = book.clients.entry(client).or_default();
        let holding = account.holding();
        if account.moved.set(Arc::clone(sum)).is_err() {
            return;
        }
        *count += 1;
        sum.held(0, holding.own);
        account.client.held(holding.own, 0);
        if holding.is_leaving {
            sum.leaving(0, holding.own);
            account.client.leaving(holding.own, 0);
        }
        drop(holding);
        book.leave(from);
    }

    /// Returns how many bytes are held now.
    pub fn held(&self) -> usize {
        self.all.get()
    }

    /// Returns how many connections were told to end because of their memory.
    pub fn evicted(&self) -> u64 {
        self.evicted.load(Ordering::Relaxed)
    }

    /// Returns whether more than the limit is held.
    pub(super) fn is_full(&self) -> bool {
        self.all.get() > self.limit
    }

    /// Returns whether a connection may hold `more` bytes more.
    pub(super) fn fits(&self, account: &Account, more: usize, sum: fn(&Sum) -> usize) -> bool {
        sum(&self.all).saturating_add(more) <= self.limit
            && account.client().effective().saturating_add(more) <= self.share
    }

    /// Returns whether the total, with `more` bytes and all connections told to end, is within twice the limit.
    pub(super) fn fits_twice(&self, more: usize) -> bool {
        self.all.get().saturating_add(more) <= self.limit.saturating_mul(2)
    }

    pub(super) fn charge(self: &Arc<Self>, bytes: usize) -> Charge {
        self.all.held(0, bytes);
        Charge { budget: Arc::clone(self), bytes }
    }

    /// Tells connections to end until `account` may hold `more` bytes, or is itself told to end.
    pub(super) fn make_room(&self, account: &Account, more: usize) {
        if self.fits(account, more, Sum::effective) {
            return;
        }
        let mut told = Vec::new();
        let book = self.book();
        let more = || if account.is_leaving() { 0 } else { more };
        let is_over = |sum: &Sum, limit: usize| sum.effective().saturating_add(more()) > limit;
        while is_over(account.client(), self.share)
            && let Some(victim) = book.largest(Some(account.client()), account, more())
        {
            victim.leave();
            told.push((victim, Ending::ClientMemory { limit: self.share }));
        }
        while is_over(&self.all, self.limit)
            && let Some(victim) = book.largest(None, account, more())
        {
            victim.leave();
            told.push((victim, Ending::Memory { limit: self.limit }));
        }
        drop(book);
        self.evicted.fetch_add(told.len() as u64, Ordering::Relaxed);
        // Notified last, because a connection that is notified may leave at once.
        told.into_iter().for_each(|(victim, ending)| victim.notice.evict(ending));
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Account {
    /// Returns the bytes of the connection, including frames that also wait elsewhere.
    fn bytes(&self) -> usize {
        let holding = self.holding();
        holding.own + holding.shared
    }

    fn client(&self) -> &Arc<Sum> {
        self.moved.get().unwrap_or(&self.client)
    }

    pub(super) fn is_leaving(&self) -> bool {
        self.holding().is_leaving
    }

    /// Marks the connection as leaving. Its bytes count as free from now on, although they are released later.
    fn leave(&self) {
        let mut holding = self.holding();
        if !holding.is_leaving {
            holding.is_leaving = true;
            self.budget.all.leaving(0, holding.own + holding.shared);
            self.client().leaving(0, holding.own);
        }
    }

    pub(super) fn change(&self, before: usize, after: usize, is_shared: bool) {
        let mut holding = self.holding();
        let all = &self.budget.all;
        if is_shared {
            holding.shared = holding.shared - before + after;
        } else {
            holding.own = holding.own - before + after;
            all.held(before, after);
            self.client().held(before, after);
        }
        if holding.is_leaving {
            all.leaving(before, after);
            if !is_shared {
                self.client().leaving(before, after);
            }
        }
    }

    fn holding(&self) -> MutexGuard<'_, Holding> {
        self.holding.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    /// Counts one connection of the client less.
    fn leave(&mut self, client: Network) {
        if let Some((_, count)) = self.clients.get_mut(&client) {
            *count -= 1;
            if *count == 0 {
                self.clients.remove(&client);
            }
        }
    }

    /// Returns the largest connection of the client that holds most, or of `client` if one is given. The `more` bytes
    /// that `wants` asks for count as held. Returns `None` if no bytes are held.
    fn largest(&self, client: Option<&Arc<Sum>>, wants: &Account, more: usize) -> Option<Arc<Account>> {
        let mut clients: HashMap<*const Sum, (usize, usize, &Arc<Account>)> = HashMap::new();
        for account in self.accounts.iter().map(|(_, account)| account).filter(|account| !account.is_leaving()) {
            if client.is_some_and(|client| !Arc::ptr_eq(client, account.client())) {
                continue;
            }
            let wanted = if std::ptr::eq(Arc::as_ptr(account), wants) { more } else { 0 };
            let bytes = account.bytes().saturating_add(wanted);
            let (sum, most, largest) = clients.entry(Arc::as_ptr(account.client())).or_insert((0, 0, account));
            *sum = sum.saturating_add(bytes);
            if bytes > *most {
                (*most, *largest) = (bytes, account);
            }
        }
        let (_, most, largest) = clients.into_values().max_by_key(|(sum, ..)| *sum)?;
        (most > 0).then(|| Arc::clone(largest))
    }
}

impl Sum {
    /// Returns all bytes that are held.
    pub(super) fn get(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// Returns the bytes that are held without those that are about to be released.
    pub(super) fn effective(&self) -> usize {
        self.get().saturating_sub(self.leaving.load(Ordering::Relaxed))
    }

    fn held(&self, before: usize, after: usize) {
        change(&self.held, before, after);
    }

    fn leaving(&self, before: usize, after: usize) {
        change(&self.leaving, before, after);
    }
}

/// Cannot underflow: each holder subtracts only what it added before.
fn change(sum: &AtomicUsize, before: usize, after: usize) {
    if after > before {
        sum.fetch_add(after - before, Ordering::Relaxed);
    } else {
        sum.fetch_sub(before - after, Ordering::Relaxed);
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.budget.all.held(self.bytes, 0);
    }
}
