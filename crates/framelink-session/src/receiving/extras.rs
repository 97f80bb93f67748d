//! What only some connections have.

use framelink_codec::Decode;

use super::Receiving;
use super::empties::Empties;
use super::limits::Limits;
use super::opening::Opening;
use super::unread::OnUnread;
use crate::lifetime::Lifetime;

/// What only some connections have, such as those that a server accepts with a profile. It lies in a box, so that the
/// others need no memory for it.
#[derive(Default)]
pub(super) struct Extras {
    /// What must arrive before the first message.
    pub(super) opening: Option<Opening>,
    pub(super) limits: Limits,
    pub(super) lifetime: Option<Lifetime>,
    pub(super) empties: Option<Empties>,
    /// Receives each whole message that no operation receives.
    pub(super) unread: Option<OnUnread>,
}

impl<D: Decode> Receiving<D> {
    pub(super) fn extras_mut(&mut self) -> &mut Extras {
        self.extras.get_or_insert_default()
    }

    #[inline]
    pub(super) const fn opening(&self) -> Option<&Opening> {
        match &self.extras {
            Some(extras) => extras.opening.as_ref(),
            None => None,
        }
    }

    pub(super) fn opening_mut(&mut self) -> Option<&mut Opening> {
        self.extras.as_mut()?.opening.as_mut()
    }

    pub(super) fn limits(&self) -> Limits {
        self.extras.as_ref().map(|extras| extras.limits).unwrap_or_default()
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

    #[inline]
    pub(super) const fn unread(&self) -> Option<&OnUnread> {
        match &self.extras {
            Some(extras) => extras.unread.as_ref(),
            None => None,
        }
    }
}
