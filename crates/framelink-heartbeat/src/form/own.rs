//! Heartbeats that a program makes and recognises itself.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::panic::{RefUnwindSafe, UnwindSafe};

use crate::form::Seen;

type Recognise = dyn Fn(&[u8]) -> Option<Seen> + Send + Sync + UnwindSafe + RefUnwindSafe;
type MakeProbe = dyn Fn(u64) -> Vec<u8> + Send + Sync + UnwindSafe + RefUnwindSafe;
type MakeAnswer = dyn Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync + UnwindSafe + RefUnwindSafe;

/// A form of heartbeat as functions of the program. Two values are equal if one is a clone of the other.
///
/// ```
/// use framelink_heartbeat::{Own, Seen};
///
/// // "HB?nn", answered by "HB!nn"
/// let own = Own::new(
///     |message| match message {
///         [b'H', b'B', b'?', ..] => Some(Seen::Probe),
///         [b'H', b'B', b'!', ..] => Some(Seen::Answer { number: None }),
///         _ => None,
///     },
///     |number| format!("HB?{:02}", number % 100).into_bytes(),
/// )
/// .answered(|probe| Some([b"HB!", probe.get(3..)?].concat()));
/// assert_eq!(own.answer(&own.probe(7)).unwrap(), b"HB!07");
/// ```
#[derive(Clone)]
pub struct Own {
    recognise: Arc<Recognise>,
    probe: Arc<MakeProbe>,
    answer: Option<Arc<MakeAnswer>>,
}

impl Own {
    /// Creates a form from a function that recognises heartbeats and one that makes the probe with a number. It has no
    /// answers.
    #[must_use]
    pub fn new(
        recognise: impl Fn(&[u8]) -> Option<Seen> + Send + Sync + UnwindSafe + RefUnwindSafe + 'static,
        probe: impl Fn(u64) -> Vec<u8> + Send + Sync + UnwindSafe + RefUnwindSafe + 'static,
    ) -> Self {
        Self { recognise: Arc::new(recognise), probe: Arc::new(probe), answer: None }
    }

    /// Sets the function that makes the answer to a probe.
    #[must_use]
    pub fn answered(
        mut self,
        answer: impl Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync + UnwindSafe + RefUnwindSafe + 'static,
    ) -> Self {
        self.answer = Some(Arc::new(answer));
        self
    }

    /// Returns whether a probe is answered.
    #[must_use]
    pub const fn is_answered(&self) -> bool {
        self.answer.is_some()
    }

    /// Returns what kind of heartbeat a message is; `None` if it is none.
    #[must_use]
    pub fn recognise(&self, message: &[u8]) -> Option<Seen> {
        (self.recognise)(message)
    }

    /// Makes the probe with this number.
    #[must_use]
    pub fn probe(&self, number: u64) -> Vec<u8> {
        (self.probe)(number)
    }

    /// Makes the answer to a probe of the peer.
    #[must_use]
    pub fn answer(&self, probe: &[u8]) -> Option<Vec<u8>> {
        self.answer.as_ref().and_then(|answer| answer(probe))
    }

    fn address(&self) -> *const () {
        Arc::as_ptr(&self.recognise).cast()
    }
}

impl PartialEq for Own {
    fn eq(&self, other: &Self) -> bool {
        self.address() == other.address()
    }
}

impl Eq for Own {}

impl Hash for Own {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.address().hash(state);
    }
}

impl fmt::Debug for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Own").field("is_answered", &self.is_answered()).finish_non_exhaustive()
    }
}
