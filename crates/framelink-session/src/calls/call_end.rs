//! What becomes of calls and messages.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::calls::Key;

/// One of the calls under way. A number of its own, never used again.
///
/// ```
/// use std::{borrow::Cow, time::Duration};
/// use framelink_session::{InFlight, Matching};
///
/// let mut in_flight = InFlight::new(Matching::in_order());
/// let (now, deadline) = (Duration::ZERO, Duration::from_secs(5));
/// let first = in_flight.begin(&mut Cow::Borrowed(b"hello"), (), now, deadline)?;
/// let second = in_flight.begin(&mut Cow::Borrowed(b"again"), (), now, deadline)?;
/// assert!(first < second);
/// # Ok::<(), framelink_session::NotBegun>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub(super) u64);

/// What a message turned out to be.
///
/// See [`InFlight`](crate::InFlight) for an example.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum Arrived<T> {
    /// The reply to a call that is waited for.
    Reply(T),
    /// The reply to a call that was given up.
    Late(Late),
    /// No reply: nobody asked for it.
    Unsolicited,
    /// It cannot be known: with replies in order, a call that was cancelled was not answered in its time. The connection has [ended](crate::InFlight::ended).
    Untold,
}

/// Whose reply came late.
///
/// ```
/// use std::{borrow::Cow, time::Duration};
/// use framelink_session::{Arrived, InFlight, KeyRule, Matching};
///
/// let mut in_flight = InFlight::new(Matching::by_key(KeyRule::at("0:2".parse()?)));
/// let call = in_flight.begin(&mut Cow::Borrowed(b"01"), (), Duration::ZERO, Duration::from_secs(5))?;
/// in_flight.give_up(call);
/// let Arrived::Late(late) = in_flight.on_message(b"01", Duration::from_secs(7)) else { panic!() };
/// assert_eq!(late.key.as_deref(), Some(&b"01"[..]));
/// assert_eq!(late.delay, Duration::from_secs(7), "since its request");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Late {
    /// Which call it was.
    pub call: CallId,
    /// The key of its request, where there are keys.
    pub key: Option<Key>,
    /// How long after its request.
    pub delay: Duration,
}

/// Why a call was not begun. Nothing of it was sent.
///
/// ```
/// use std::{borrow::Cow, time::Duration};
/// use framelink_session::{InFlight, KeyRule, Matching, NotBegun};
///
/// let mut in_flight = InFlight::new(Matching::by_key(KeyRule::at("4:6".parse()?)));
/// let refused = in_flight.begin(&mut Cow::Borrowed(b"0800"), (), Duration::ZERO, Duration::from_secs(5));
/// assert_eq!(refused, Err(NotBegun::NoKey { payload_len: 4 }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotBegun {
    /// As many calls are in flight as there may be.
    Full {
        /// So many.
        window: usize,
    },
    /// A call with the same key is in flight, or was given up and is not answered yet.
    DuplicateKey,
    /// The request has no key.
    NoKey {
        /// So many bytes it has.
        payload_len: usize,
    },
    /// The connection has ended.
    Ended(Ended),
}

/// Why no more calls are possible.
///
/// ```
/// use framelink_session::Ended;
///
/// assert_eq!(Ended::InOrder.to_string(), "a reply did not come in time, and none after it can be told apart");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended {
    /// In order, and a call's time was over.
    InOrder,
    /// By key, and too many calls are unanswered.
    Unanswered,
    /// The connection was lost, or closed.
    Lost,
}

impl fmt::Display for NotBegun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full { window } => write!(f, "{window} calls are in flight, and there may be no more"),
            Self::DuplicateKey => f.write_str("a request with the same key has not been answered yet"),
            Self::NoKey { payload_len } => write!(f, "the request, of {payload_len} bytes, has no key"),
            Self::Ended(ended) => ended.fmt(f),
        }
    }
}

impl Error for NotBegun {}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InOrder => "a reply did not come in time, and none after it can be told apart",
            Self::Unanswered => "too many requests were left unanswered",
            Self::Lost => "the connection has ended",
        })
    }
}

impl Error for Ended {}
