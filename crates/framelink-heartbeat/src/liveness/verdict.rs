//! What is known about the peer.

use core::error::Error;
use core::fmt;
use core::time::Duration;

use framelink_codec::notation::ShowDuration;

/// What is known about the peer.
///
/// ```
/// use core::time::Duration;
/// use framelink_heartbeat::{Form, Heartbeat, Role, Standing};
///
/// let mut liveness = Heartbeat::strict(Form::empty()).liveness(Role::Client, 0, Duration::ZERO);
/// assert_eq!(liveness.standing(Duration::from_secs(2)), Standing::Alive { silent_for: Duration::from_secs(2) });
/// // Time has passed without a call: that says nothing about the peer.
/// assert!(matches!(liveness.standing(Duration::from_secs(20)), Standing::Unknown { .. }));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The peer has shown life recently enough.
    Alive {
        /// The time since the last sign of life.
        silent_for: Duration,
    },
    /// A probe was sent and is not answered yet.
    Asked {
        /// The time since the last sign of life.
        silent_for: Duration,
        /// The number of probes without an answer.
        probes: u32,
    },
    /// Our side did not read, so the silence of the peer has no meaning.
    Unknown {
        /// The time since our side last read.
        unwatched_for: Duration,
    },
    /// The peer is dead.
    Dead(Verdict),
}

/// Says why the peer counts as dead.
///
/// ```
/// use core::time::Duration;
/// use framelink_heartbeat::{Due, Form, Heartbeat, Role};
///
/// let mut liveness = Heartbeat::strict(Form::Numbered).liveness(Role::Client, 0, Duration::ZERO);
/// let mut now = Duration::ZERO;
/// let verdict = loop {
///     match liveness.poll(now) {
///         Due::Dead(verdict) => break verdict,
///         Due::Wait(until) => now = until.unwrap(),
///         Due::Probe(_) | Due::Beat(_) => liveness.on_written(now),
///     }
/// };
/// assert!(now <= Duration::from_secs(9));
/// assert_eq!(verdict.probes, 1);
/// assert!(verdict.to_string().starts_with("the peer is gone: nothing has ever come in "));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verdict {
    /// The time since the last sign of life.
    pub silent_for: Duration,
    /// How long ago the last byte was received; `None` if there was none.
    pub last_in: Option<Duration>,
    /// How long ago the last byte was sent; `None` if there was none.
    pub last_out: Option<Duration>,
    /// The number of probes without an answer.
    pub probes: u32,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let silent_for = ShowDuration(self.silent_for);
        match self.last_in {
            None => write!(f, "the peer is gone: nothing has ever come in {silent_for}")?,
            Some(ago) if ago >= self.silent_for => write!(f, "the peer is gone: nothing came for {silent_for}")?,
            Some(ago) => {
                let ago = ShowDuration(ago);
                write!(f, "the peer is gone: no heartbeat came for {silent_for}, the last byte {ago} ago")?;
            }
        }
        match self.probes {
            0 => {}
            1 => f.write_str(", 1 probe was not answered")?,
            probes => write!(f, ", {probes} probes were not answered")?,
        }
        match self.last_out {
            None => f.write_str(", and we sent nothing"),
            Some(ago) => write!(f, ", our last byte went {} ago", ShowDuration(ago)),
        }
    }
}

impl Error for Verdict {}
