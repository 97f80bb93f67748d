//! What all connections of a server hold, and which of them is closed for it.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::lifetime::{Ending, Notice};
use crate::memory::network::Network;

/// How many bytes the connections of a server hold, and how many they may: all of them, and those of one client.
///
/// When one of them would hold more, the client that holds most (among all, or the one whose share it is) loses the connection that
/// holds most. What that one holds is not counted for the decision from then on, but the others wait until it is really given back.
pub struct Budget {
    limit: usize,
    share: usize,
    all: Sum,
    book: Mutex<Book>,
    evicted: AtomicU64,
}

/// Bytes that are held, and those among them whose connections were told to end.
#[derive(Default)]
pub(super) struct Sum {
    held: AtomicUsize,
    leaving: AtomicUsize,
}

/// The connections that are there.
#[derive(Default)]
struct Book {
    accounts: BTreeMap<u64, Arc<Account>>,
    /// The sums of the clients, and how many connections each has.
    clients: HashMap<Network, (Arc<Sum>, usize)>,
}

/// Bytes that no connection holds alone. Given back when this is dropped.
pub struct Charge {
    budget: Arc<Budget>,
    bytes: usize,
}

/// What one connection holds of a [`Budget`].
pub struct Account {
    pub(super) budget: Arc<Budget>,
    /// The sum of its client.
    client: Arc<Sum>,
    notice: Arc<Notice>,
    holding: Mutex<Holding>,
}

#[derive(Default)]
struct Holding {
    own: usize,
    /// Frames that wait here and elsewhere too; the budget has them once, as a [`Charge`].
    shared: usize,
    /// Whether it was told to end.
    is_leaving: bool,
}

impl Budget {
    /// So many bytes in all, and so many of one client.
    pub fn new(limit: usize, share: usize) -> Arc<Self> {
        let (all, book, evicted) = (Sum::default(), Mutex::default(), AtomicU64::new(0));
        Arc::new(Self { limit, share, all, book, evicted })
    }

    /// A connection is there, by its number.
    pub fn open(self: &Arc<Self>, id: u64, client: Network, notice: Arc<Notice>) -> Arc<Account> {
        let mut book = self.book();
        let (sum, count) = book.clients.entry(client).or_default();
        *count += 1;
        let (budget, client) = (Arc::clone(self), Arc::clone(sum));
        let account = Arc::new(Account { budget, client, notice, holding: Mutex::default() });
        book.accounts.insert(id, Arc::clone(&account));
        account
    }

    /// It is gone.
    pub fn close(&self, id: u64, client: Network) {
        let mut book = self.book();
        if book.accounts.remove(&id).is_none() {
            return;
        }
        if let Some((_, count)) = book.clients.get_mut(&client) {
            *count -= 1;
            if *count == 0 {
                book.clients.remove(&client);
            }
        }
        if book.accounts.is_empty() {
            // What one flood needed is not kept for ever.
            book.clients = HashMap::new();
        }
    }

    /// How many bytes are held now.
    pub fn held(&self) -> usize {
        self.all.get()
    }

    /// How many connections were told to end for the memory that they held.
    pub fn evicted(&self) -> u64 {
        self.evicted.load(Ordering::Relaxed)
    }

    /// Whether more is held than may be.
    pub(super) fn is_full(&self) -> bool {
        self.all.get() > self.limit
    }

    /// Whether a connection may hold so much more.
    pub(super) fn fits(&self, account: &Account, more: usize, sum: fn(&Sum) -> usize) -> bool {
        sum(&self.all).saturating_add(more) <= self.limit
            && account.client.effective().saturating_add(more) <= self.share
    }

    /// Whether all hold no more than twice the budget with so much more, those that were told to end among them.
    pub(super) fn fits_twice(&self, more: usize) -> bool {
        self.all.get().saturating_add(more) <= self.limit.saturating_mul(2)
    }

    pub(super) fn charge(self: &Arc<Self>, bytes: usize) -> Charge {
        self.all.held(0, bytes);
        Charge { budget: Arc::clone(self), bytes }
    }

    /// Has connections told to end until there is room for `more` bytes of one of them, or that is the one.
    pub(super) fn make_room(&self, account: &Account, more: usize) {
        if self.fits(account, more, Sum::effective) {
            return;
        }
        let mut told = Vec::new();
        let book = self.book();
        let more = || if account.is_leaving() { 0 } else { more };
        let is_over = |sum: &Sum, limit: usize| sum.effective().saturating_add(more()) > limit;
        while is_over(&account.client, self.share)
            && let Some(victim) = book.largest(Some(&account.client), account, more())
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
        // Only now: whoever is told may leave at once.
        told.into_iter().for_each(|(victim, ending)| victim.notice.evict(ending));
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Account {
    /// Its bytes, and those that wait here and elsewhere.
    fn bytes(&self) -> usize {
        let holding = self.holding();
        holding.own + holding.shared
    }

    pub(super) fn is_leaving(&self) -> bool {
        self.holding().is_leaving
    }

    /// It is to end. What it holds counts as if it were given back already, though it takes a moment until it is.
    fn leave(&self) {
        let mut holding = self.holding();
        if !holding.is_leaving {
            holding.is_leaving = true;
            self.budget.all.leaving(0, holding.own + holding.shared);
            self.client.leaving(0, holding.own);
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
            self.client.held(before, after);
        }
        if holding.is_leaving {
            all.leaving(before, after);
            if !is_shared {
                self.client.leaving(before, after);
            }
        }
    }

    fn holding(&self) -> MutexGuard<'_, Holding> {
        self.holding.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    /// The connection that holds most of the client that holds most, or of this client; one that wants more holds that too. `None`
    /// where nothing is held.
    fn largest(&self, client: Option<&Arc<Sum>>, wants: &Account, more: usize) -> Option<Arc<Account>> {
        let mut clients: HashMap<*const Sum, (usize, usize, &Arc<Account>)> = HashMap::new();
        for account in self.accounts.values().filter(|account| !account.is_leaving()) {
            if client.is_some_and(|client| !Arc::ptr_eq(client, &account.client)) {
                continue;
            }
            let wanted = if std::ptr::eq(Arc::as_ptr(account), wants) { more } else { 0 };
            let bytes = account.bytes().saturating_add(wanted);
            let (sum, most, largest) = clients.entry(Arc::as_ptr(&account.client)).or_insert((0, 0, account));
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
    /// All that is held.
    pub(super) fn get(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// Without what is about to be given back.
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

/// What is subtracted was added before, by the same that held it.
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
