//! What a match needs of the request.

use core::hash::{Hash, Hasher};
use core::panic::{RefUnwindSafe, UnwindSafe};

use super::test::Allowed;
use super::test::Test;
use super::{Kind, Match};
use crate::Place;

impl Match {
    /// Returns how many bytes from the start of the request the match compares: 0 if it does not look at the request,
    /// `usize::MAX` for a function, which gets the whole request.
    ///
    /// ```
    /// use framelink_template::Match;
    ///
    /// let reply: Match = "0:4=map:0200>0210,4:6=request,20:2=text:00".parse()?;
    /// assert_eq!(reply.request_len(), 10);
    /// assert_eq!(Match::by(|_, _| true).request_len(), usize::MAX);
    /// # Ok::<(), framelink_template::NotationError>(())
    /// ```
    #[must_use]
    pub fn request_len(&self) -> usize {
        if matches!(self.0, Kind::By(_)) {
            return usize::MAX;
        }
        self.tests().iter().filter_map(Test::request_place).map(Place::end).max().unwrap_or_default()
    }
}

impl Test {
    /// Where the test looks in the request.
    const fn request_place(&self) -> Option<Place> {
        match self {
            Self::At { allowed: Allowed::Request(Some(place)), .. }
            | Self::At { place, allowed: Allowed::Request(None) | Allowed::Map(_), .. } => Some(*place),
            _ => None,
        }
    }
}

/// Equal matches have equal texts.
impl Hash for Match {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.tests().len().hash(state);
        for test in self.tests() {
            test.place().hash(state);
        }
    }
}

/// A panic of the function leaves nothing half changed: a match is only read.
impl UnwindSafe for Match {}
impl RefUnwindSafe for Match {}
