//! Why a heartbeat cannot be built.

use core::error::Error;
use core::fmt;
use core::time::Duration;

use framelink_codec::notation::ShowDuration;

/// The longest interval or timeout.
pub(crate) const LONGEST: Duration = Duration::from_secs(86_400);
/// The most tries.
pub(crate) const MOST_TRIES: u32 = 100;

/// The reason why a heartbeat cannot be built.
///
/// ```
/// use framelink_heartbeat::{Form, Heartbeat};
///
/// let error = Heartbeat::relaxed(Form::empty()).tries(0).unwrap_err();
/// assert_eq!(error.to_string(), "tries of 0, expected 1 to 100");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeartbeatError {
    /// A time is too short or too long.
    Time {
        /// `interval` or `timeout`.
        what: &'static str,
        /// The time that was given.
        time: Duration,
    },
    /// The number of tries is out of bounds.
    Tries {
        /// The number that was given.
        tries: u32,
    },
    /// The mark of a pattern is empty, or the probe does not contain it at its offset.
    MarkNotInProbe,
    /// The mark of the answer, or the number, is empty or reaches past the end of the probe.
    PastProbe {
        /// The end of the mark or number; `None` if it overflows.
        end: Option<usize>,
        /// The length of the probe.
        len: usize,
    },
    /// The answer to a probe would itself be a probe.
    AnswerLikeProbe,
    /// The number would overwrite a mark.
    NumberInMark,
}

impl fmt::Display for HeartbeatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time { what, time } => {
                let (time, longest) = (ShowDuration(*time), ShowDuration(LONGEST));
                write!(f, "{what} of {time}, expected 1ms to {longest}")
            }
            Self::Tries { tries } => write!(f, "tries of {tries}, expected 1 to {MOST_TRIES}"),
            Self::MarkNotInProbe => f.write_str("the probe does not have its own mark"),
            Self::PastProbe { end: Some(end), len } if end > len => {
                write!(f, "the mark or number ends at byte {end}, and the probe has only {len} bytes")
            }
            Self::PastProbe { .. } => f.write_str("a mark has 1 or more bytes of the probe, and a number 1 to 8"),
            Self::AnswerLikeProbe => f.write_str("the answer to a probe would itself be a probe, without end"),
            Self::NumberInMark => f.write_str("the number would overwrite a mark"),
        }
    }
}

impl Error for HeartbeatError {}
