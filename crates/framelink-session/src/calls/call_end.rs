//! The outcomes of calls, and the errors of a call that cannot begin.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use framelink_template::NumbersError;

use crate::calls::Key;

/// The number of a call. Numbers are never reused on a connection.
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

/// What a received message is to the calls in flight.
///
/// See [`InFlight`](crate::InFlight) for an example.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum Arrived<T> {
    /// The reply to a call that is still waiting.
    Reply(T),
    /// The reply to a call that was given up.
    Late(Late),
    /// An unsolicited message: it answers no call.
    Unsolicited,
    /// Unknown. Replies come in order, and a cancelled call was not answered by its deadline, so no later message can
    /// be matched. The connection has [ended](crate::InFlight::ended).
    Untold,
}

/// A reply that arrived after its call was given up.
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
    /// The call that the message answers.
    pub call: CallId,
    /// The key of the request, if replies are matched by key.
    pub key: Option<Key>,
    /// The time from the start of the call to its reply.
    pub delay: Duration,
}

/// Why a call was not begun. No byte of its request was sent.
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
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotBegun {
    /// The window is full: no more calls may be in flight.
    Full {
        /// The largest number of calls in flight.
        window: usize,
    },
    /// A call with this key is in flight, or was given up and is not answered yet.
    DuplicateKey,
    /// The request is too short to contain a key, or the key function found none.
    NoKey {
        /// The length of the request in bytes.
        payload_len: usize,
    },
    /// There is no number to assign, for example because the file of numbers cannot be written.
    NoNumber(Box<NumbersError>),
    /// The connection accepts no more calls.
    Ended(Ended),
}

/// Why a connection accepts no more calls.
///
/// ```
/// use framelink_session::Ended;
///
/// assert_eq!(Ended::InOrder.to_string(), "a reply did not arrive in time, and later replies cannot be matched");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended {
    /// Replies come in order, and a call was not answered by its deadline.
    InOrder,
    /// By key: [too many](crate::Matching::unanswered) calls are unanswered, or they hold all keys that can be
    /// assigned.
    Unanswered,
    /// The connection was lost or closed.
    Lost,
}

impl fmt::Display for NotBegun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full { window } => write!(f, "{window} calls are in flight, and there may be no more"),
            Self::DuplicateKey => f.write_str("a request with the same key has not been answered yet"),
            Self::NoKey { payload_len } => write!(f, "the request, of {payload_len} bytes, has no key"),
            Self::NoNumber(error) => write!(f, "the request has no number: {error}"),
            Self::Ended(ended) => ended.fmt(f),
        }
    }
}

impl Error for NotBegun {}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InOrder => "a reply did not arrive in time, and later replies cannot be matched",
            Self::Unanswered => "too many requests were left unanswered",
            Self::Lost => "the connection has ended",
        })
    }
}

impl Error for Ended {}
