//! What is wrong with a heartbeat that was asked for.

use core::error::Error;
use core::fmt;
use core::time::Duration;

use framelink_codec::notation::ShowDuration;

/// No interval or timeout is longer.
pub(crate) const LONGEST: Duration = Duration::from_secs(86_400);
/// No more tries.
pub(crate) const MOST_TRIES: u32 = 100;

/// Why there can be no such heartbeat.
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
        /// Which one.
        what: &'static str,
        /// What it was to be.
        time: Duration,
    },
    /// So many tries are not possible.
    Tries {
        /// What they were to be.
        tries: u32,
    },
    /// The mark of a pattern is empty, or its own probe does not have it.
    MarkNotInProbe,
    /// The answer's mark, or the number, reaches past the probe or is empty.
    PastProbe {
        /// Where it ends.
        end: Option<usize>,
        /// How long the probe is.
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
                write!(f, "it ends at byte {end}, and the probe has only {len}")
            }
            Self::PastProbe { .. } => f.write_str("it needs 1 or more bytes of the probe, and a number at most 8"),
            Self::AnswerLikeProbe => f.write_str("the answer to a probe would itself be one, without end"),
            Self::NumberInMark => f.write_str("the number would overwrite a mark"),
        }
    }
}

impl Error for HeartbeatError {}
