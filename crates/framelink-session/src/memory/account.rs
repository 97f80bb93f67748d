//! What one connection holds.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::budget::{Budget, Charge, Sum};
use crate::lifetime::{Ending, Notice};

/// Less than this is not counted, and more is counted in these steps: a page.
const STEP: usize = 4096;

/// What one connection holds of a [`Budget`].
pub struct Account {
    pub(super) budget: Arc<Budget>,
    /// The sum of its client.
    pub(super) client: Arc<Sum>,
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

/// So many bytes that one place of a connection holds. Given back when this is dropped. Without an account nothing is counted.
#[derive(Default)]
pub struct Held {
    account: Option<Arc<Account>>,
    bytes: usize,
    is_shared: bool,
}

impl Account {
    pub(super) fn new(budget: Arc<Budget>, client: Arc<Sum>, notice: Arc<Notice>) -> Arc<Self> {
        Arc::new(Self { budget, client, notice, holding: Mutex::default() })
    }

    /// A place that holds nothing yet.
    pub fn place(self: &Arc<Self>) -> Held {
        Held { account: Some(Arc::clone(self)), bytes: 0, is_shared: false }
    }

    /// Its bytes, and those that wait here and elsewhere.
    pub(super) fn bytes(&self) -> usize {
        let holding = self.holding();
        holding.own + holding.shared
    }

    pub(super) fn is_leaving(&self) -> bool {
        self.holding().is_leaving
    }

    /// It is to end. What it holds counts as if it were given back already, though it takes a moment until it is.
    pub(super) fn leave(&self) {
        let mut holding = self.holding();
        if !holding.is_leaving {
            holding.is_leaving = true;
            self.budget.all().leaving(0, holding.own + holding.shared);
            self.client.leaving(0, holding.own);
        }
    }

    pub(super) fn tell(&self, ending: Ending) {
        self.notice.evict(ending);
    }

    fn change(&self, before: usize, after: usize, is_shared: bool) {
        let mut holding = self.holding();
        let all = self.budget.all();
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

impl Held {
    /// Whether anything is counted.
    pub(crate) const fn is_counted(&self) -> bool {
        self.account.is_some()
    }

    /// Whether anything is held that is counted.
    pub(crate) const fn holds_any(&self) -> bool {
        self.bytes > 0
    }

    /// Another place of the same connection, which holds nothing yet.
    pub fn another(&self) -> Self {
        Self { account: self.account.clone(), bytes: 0, is_shared: false }
    }

    /// The same for frames of which each connection has a reference; see [`charge`](Self::charge).
    pub fn another_shared(&self) -> Self {
        Self { account: self.account.clone(), bytes: 0, is_shared: true }
    }

    /// Memory for a frame that is shared by connections of one server, counted once.
    pub fn charge(&self, bytes: usize) -> Option<Charge> {
        self.account.as_ref().map(|account| account.budget.charge(bytes))
    }

    /// This place holds so many bytes now. Where that is too much, connections are told to end: perhaps this one.
    #[inline]
    pub fn set(&mut self, bytes: usize) {
        if self.is_counted() {
            let bytes = counted(bytes);
            if bytes != self.bytes {
                self.change(bytes);
            }
        }
    }

    /// The same, for a place that others look at in a lock of its own: [`settle`](Self::settle) is to be called after that.
    pub fn note(&mut self, bytes: usize) {
        let bytes = counted(bytes);
        if let Some(account) = self.account.as_ref().filter(|_| bytes != self.bytes) {
            account.change(self.bytes, bytes, self.is_shared);
            self.bytes = bytes;
        }
    }

    /// This place is to hold so many bytes. False if it has to wait until others have given some back, or to end itself.
    #[inline]
    pub(crate) fn try_set(&mut self, bytes: usize) -> bool {
        let bytes = counted(bytes);
        match &self.account {
            Some(account) if bytes > self.bytes || account.budget.is_full() => self.try_change(bytes),
            _ => {
                self.set(bytes);
                true
            }
        }
    }

    /// The same, where what was told to end has had its time: it is not waited for any longer, unless it holds so much that all would hold
    /// more than twice the budget. One that wants no more than it has is let go on even then.
    pub(crate) fn try_set_at_last(&mut self, bytes: usize) -> bool {
        let bytes = counted(bytes);
        let Some(account) = &self.account else { return true };
        let more = bytes.saturating_sub(self.bytes);
        let is_let = more == 0 || account.budget.fits_twice(more);
        if account.is_leaving() || !is_let || !account.budget.fits(account, more, Sum::effective) {
            return false;
        }
        self.note(bytes);
        true
    }

    /// Whether too much is held at the moment; connections are told to end then.
    pub fn settle(&self) {
        if let Some(account) = &self.account {
            account.budget.make_room(account, 0);
        }
    }

    #[cold]
    fn change(&mut self, bytes: usize) {
        let grows = bytes > self.bytes;
        self.note(bytes);
        if grows {
            self.settle();
        }
    }

    #[cold]
    fn try_change(&mut self, bytes: usize) -> bool {
        let Some(account) = &self.account else { return true };
        let more = bytes.saturating_sub(self.bytes);
        let account = Arc::clone(account);
        if more == 0 {
            self.note(bytes);
        }
        if !account.budget.fits(&account, more, Sum::get) {
            account.budget.make_room(&account, more);
            if account.is_leaving() || !account.budget.fits(&account, more, Sum::get) {
                return false;
            }
        }
        self.note(bytes);
        true
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.note(0);
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

/// In steps, so that small messages cost no counting.
const fn counted(bytes: usize) -> usize {
    if bytes < STEP { 0 } else { bytes.saturating_add(STEP - 1) / STEP * STEP }
}
