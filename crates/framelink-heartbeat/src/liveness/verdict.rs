//! What is known of the peer.

use core::error::Error;
use core::fmt;
use core::time::Duration;

use framelink_codec::notation::ShowDuration;

/// How things stand with the peer.
///
/// ```
/// use core::time::Duration;
/// use framelink_heartbeat::{Form, Heartbeat, Role, Standing};
///
/// let mut liveness = Heartbeat::strict(Form::empty()).liveness(Role::Client, 0, Duration::ZERO);
/// assert_eq!(liveness.standing(Duration::from_secs(2)), Standing::Alive { silent_for: Duration::from_secs(2) });
/// // Nobody has looked when the time was over: that is about us, and not about the peer.
/// assert!(matches!(liveness.standing(Duration::from_secs(20)), Standing::Unknown { .. }));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It has shown life lately enough.
    Alive {
        /// Nothing came for so long.
        silent_for: Duration,
    },
    /// It was asked and has not answered yet.
    Asked {
        /// Nothing came for so long.
        silent_for: Duration,
        /// So many times it was asked.
        probes: u32,
    },
    /// Nobody on our side took what came, so that its silence means nothing.
    Unknown {
        /// Since we had last looked.
        unwatched_for: Duration,
    },
    /// It is dead.
    Dead(Verdict),
}

/// That the peer counts as dead, and what speaks for it.
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
    /// Nothing that shows life came for so long.
    pub silent_for: Duration,
    /// How long ago the last byte came; `None` if none ever did.
    pub last_in: Option<Duration>,
    /// How long ago the last byte went; `None` if none ever did.
    pub last_out: Option<Duration>,
    /// So many probes were not answered.
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
