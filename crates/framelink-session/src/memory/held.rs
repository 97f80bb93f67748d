//! The bytes that one part of a connection holds.

use std::fmt;
use std::sync::Arc;

use super::budget::{Account, Charge, Sum};

/// Bytes are counted in pages: fewer bytes count as none, more are rounded up.
const STEP: usize = 4096;

/// More bytes are not counted: 16 TiB, or half of the memory that a system with small addresses can have.
const MOST: usize = if usize::BITS > 32 { STEP << 32 } else { usize::MAX / 2 / STEP * STEP } - STEP;

/// The bytes that one part of a connection holds, such as its receive buffer. They are released when this is dropped.
/// Without an account, bytes are not counted.
#[derive(Default)]
pub struct Held {
    account: Option<Arc<Account>>,
    /// Counted in pages. Few bits, because each connection has several of these.
    pages: u32,
    is_shared: bool,
}

impl Account {
    /// Creates a part of the connection that holds no bytes yet.
    pub fn place(self: &Arc<Self>) -> Held {
        Held { account: Some(Arc::clone(self)), pages: 0, is_shared: false }
    }
}

impl Held {
    /// Returns whether bytes are counted.
    pub(crate) const fn is_counted(&self) -> bool {
        self.account.is_some()
    }

    /// Returns whether counted bytes are held.
    pub(crate) const fn holds_any(&self) -> bool {
        self.pages > 0
    }

    /// Returns whether the budget is not used up.
    #[inline]
    pub(crate) fn has_room(&self) -> bool {
        self.account.as_ref().is_none_or(|account| !account.budget.is_full())
    }

    /// Creates another part of this connection, which holds no bytes yet.
    pub fn another(&self) -> Self {
        Self { account: self.account.clone(), pages: 0, is_shared: false }
    }

    /// Creates a part that holds frames shared with other connections; see [`charge`](Self::charge).
    pub fn another_shared(&self) -> Self {
        Self { account: self.account.clone(), pages: 0, is_shared: true }
    }

    /// Counts the memory of a frame that connections of one server share, once.
    pub fn charge(&self, bytes: usize) -> Option<Charge> {
        self.account.as_ref().map(|account| account.budget.charge(bytes))
    }

    /// Sets how many bytes this part holds. If that is too much, connections are told to end, perhaps this one.
    #[inline]
    pub fn set(&mut self, bytes: usize) {
        if self.is_counted() {
            let bytes = counted(bytes);
            if bytes != self.bytes() {
                self.change(bytes);
            }
        }
    }

    /// Sets how many bytes this part holds, without telling connections to end. Use this inside a lock that other
    /// connections take too, and call [`settle`](Self::settle) after the lock is released.
    pub fn note(&mut self, bytes: usize) {
        let bytes = counted(bytes);
        if let Some(account) = self.account.as_ref().filter(|_| bytes != self.bytes()) {
            account.change(self.bytes(), bytes, self.is_shared);
            self.pages = u32::try_from(bytes / STEP).unwrap_or(u32::MAX);
        }
    }

    /// Tries to hold `bytes`. Returns false if the connection must wait for others' memory, or must end itself.
    #[inline]
    pub(crate) fn try_set(&mut self, bytes: usize) -> bool {
        let bytes = counted(bytes);
        match &self.account {
            Some(account) if bytes > self.bytes() || account.budget.is_full() => self.try_change(bytes),
            _ => {
                self.set(bytes);
                true
            }
        }
    }

    /// Tries to hold `bytes` after connections that were told to end had their time: their memory counts as free, up to
    /// twice the budget in all. A request for no more than is held already succeeds beyond that too.
    pub(crate) fn try_set_at_last(&mut self, bytes: usize) -> bool {
        let bytes = counted(bytes);
        let Some(account) = &self.account else { return true };
        let more = bytes.saturating_sub(self.bytes());
        let is_let = more == 0 || account.budget.fits_twice(more);
        if account.is_leaving() || !is_let || !account.budget.fits(account, more, Sum::effective) {
            return false;
        }
        self.note(bytes);
        true
    }

    /// Tells connections to end if too much is held now.
    pub fn settle(&self) {
        if let Some(account) = &self.account {
            account.budget.make_room(account, 0);
        }
    }

    #[inline]
    const fn bytes(&self) -> usize {
        self.pages as usize * STEP
    }

    #[cold]
    fn change(&mut self, bytes: usize) {
        let grows = bytes > self.bytes();
        self.note(bytes);
        if grows {
            self.settle();
        }
    }

    #[cold]
    fn try_change(&mut self, bytes: usize) -> bool {
        let Some(account) = &self.account else { return true };
        let more = bytes.saturating_sub(self.bytes());
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
        f.debug_struct("Held").field("bytes", &self.bytes()).finish_non_exhaustive()
    }
}

/// Rounds to pages, so that small messages cost no counting.
const fn counted(bytes: usize) -> usize {
    match bytes {
        0..STEP => 0,
        STEP..MOST => bytes.div_ceil(STEP) * STEP,
        _ => MOST,
    }
}
