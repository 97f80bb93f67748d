//! What only some connections have.

use framelink_codec::Decode;

use super::Receiving;
use super::empties::Empties;
use super::limits::Limits;
use super::opening::Expected;
use super::unread::OnUnread;
use crate::dialogue::{Dialogue, Relayed};
use crate::lifetime::Lifetime;
use framelink_template::Numbers;

/// What only some connections have, such as those that a server accepts with a profile. It lies in a box, so that the
/// others need no memory for it.
#[derive(Default)]
pub(super) struct Extras {
    /// What must arrive before the first message. Boxed, because few peers send a preamble.
    pub(super) preamble: Option<Box<Expected>>,
    /// What both sides exchange before the first message. While there is a dialogue, there is a preamble too, possibly
    /// of no bytes, so that one check covers both.
    pub(super) dialogue: Option<Box<Dialogue>>,
    /// The messages of relayed first steps. Boxed, because few connections have them.
    pub(super) relayed: Option<Box<Relayed>>,
    pub(super) limits: Limits,
    pub(super) lifetime: Option<Lifetime>,
    pub(super) empties: Option<Empties>,
    /// The source of the numbers that are written into requests.
    pub(super) numbers: Option<Numbers>,
    /// Receives each whole message that no operation receives.
    pub(super) unread: Option<OnUnread>,
}

impl<D: Decode> Receiving<D> {
    pub(super) fn extras_mut(&mut self) -> &mut Extras {
        self.is_checked = false;
        self.extras.get_or_insert_default()
    }

    #[inline]
    pub(super) fn preamble(&self) -> Option<&Expected> {
        self.extras.as_ref()?.preamble.as_deref()
    }

    #[inline]
    pub(super) const fn lifetime(&self) -> Option<&Lifetime> {
        match &self.extras {
            Some(extras) => extras.lifetime.as_ref(),
            None => None,
        }
    }

    #[inline]
    pub(super) const fn empties(&self) -> Option<&Empties> {
        match &self.extras {
            Some(extras) => extras.empties.as_ref(),
            None => None,
        }
    }

    /// Sets the source of the numbers that are written into requests. Many calls on the connection, its heartbeats and
    /// its sign-on draw from it.
    pub fn set_numbers(&mut self, numbers: Numbers) {
        self.extras_mut().numbers = Some(numbers);
    }

    /// Returns the source of the numbers that are written into requests, if one is set.
    #[must_use]
    pub fn numbers(&self) -> Option<&Numbers> {
        self.extras.as_ref()?.numbers.as_ref()
    }

    #[inline]
    pub(super) const fn unread(&self) -> Option<&OnUnread> {
        match &self.extras {
            Some(extras) => extras.unread.as_ref(),
            None => None,
        }
    }
}
