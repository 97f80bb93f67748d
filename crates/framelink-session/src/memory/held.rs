//! What one place of a connection holds.

use std::fmt;
use std::sync::Arc;

use super::budget::{Account, Charge, Sum};

/// Less than this is not counted, and more is counted in these steps: a page.
const STEP: usize = 4096;

/// So many bytes that one place of a connection holds. Given back when this is dropped. Without an account nothing is counted.
#[derive(Default)]
pub struct Held {
    account: Option<Arc<Account>>,
    bytes: usize,
    is_shared: bool,
}

impl Account {
    /// A place that holds nothing yet.
    pub fn place(self: &Arc<Self>) -> Held {
        Held { account: Some(Arc::clone(self)), bytes: 0, is_shared: false }
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
