//! What went wrong in a run: how often, and the first example of each kind.

use std::time::Duration;

use framelink_transport::tokio::Cause;

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// No connection could be made.
    Connect,
    /// The message could not be sent.
    NotSent,
    /// No reply came in time.
    NoReply,
    /// An earlier reply did not come, so the connection was given up.
    GivenUp,
    /// The peer closed the connection before the reply.
    Closed,
    /// The connection failed before the reply.
    Lost,
    /// The peer sent bytes that are no frame.
    Malformed,
    /// The reply is empty.
    Empty,
    /// The reply has not the bytes that are right.
    Wrong,
    /// A message answers no message in flight.
    Unmatched,
    /// A second signal cut the message.
    Cut,
}

impl Kind {
    const ALL: [Self; 11] = [
        Self::Connect,
        Self::NotSent,
        Self::NoReply,
        Self::GivenUp,
        Self::Closed,
        Self::Lost,
        Self::Malformed,
        Self::Empty,
        Self::Wrong,
        Self::Unmatched,
        Self::Cut,
    ];

    /// Returns the kind of failure that the cause of an error means.
    pub(super) const fn of(cause: &Cause) -> Self {
        match cause {
            Cause::Connect(_) | Cause::PoolError(_) => Self::Connect,
            Cause::Refused(_) | Cause::NoRoom { .. } => Self::NotSent,
            Cause::TimedOut { .. } => Self::NoReply,
            Cause::NoReply => Self::Closed,
            Cause::Fault(_) | Cause::Preamble(_) => Self::Malformed,
            Cause::Unsolicited => Self::Unmatched,
            Cause::Unclean(_) => Self::GivenUp,
            _ => Self::Lost,
        }
    }

    /// The name in reports.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Connect => "not connected",
            Self::NotSent => "not sent",
            Self::NoReply => "no reply",
            Self::GivenUp => "given up",
            Self::Closed => "closed",
            Self::Lost => "connection lost",
            Self::Malformed => "malformed",
            Self::Empty => "empty reply",
            Self::Wrong => "wrong reply",
            Self::Unmatched => "unmatched",
            Self::Cut => "cut",
        }
    }
}

/// The failures of a run, by kind.
#[derive(Clone, Debug, Default)]
pub(super) struct Failures([Option<Failed>; Kind::ALL.len()]);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failed {
    pub(super) count: u64,
    at: Duration,
    /// What happened first.
    pub(super) first: String,
}

impl Failures {
    /// Counts a failure; the text is made only for the first one of its kind.
    #[cold]
    pub(super) fn add(&mut self, kind: Kind, at: Duration, text: impl FnOnce() -> String) {
        match &mut self.0[kind as usize] {
            Some(failed) => failed.count += 1,
            none => *none = Some(Failed { count: 1, at, first: text() }),
        }
    }

    /// Adds the failures of another thread. The earliest example stays.
    pub(super) fn merge(&mut self, other: Self) {
        for (ours, theirs) in self.0.iter_mut().zip(other.0) {
            match (&mut *ours, theirs) {
                (_, None) => {}
                (None, theirs) => *ours = theirs,
                (Some(ours), Some(theirs)) => {
                    let count = ours.count + theirs.count;
                    if theirs.at < ours.at {
                        *ours = theirs;
                    }
                    ours.count = count;
                }
            }
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Kind, &Failed)> {
        Kind::ALL.into_iter().zip(&self.0).filter_map(|(kind, failed)| Some((kind, failed.as_ref()?)))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    pub(super) fn count(&self) -> u64 {
        self.iter().map(|(_, failed)| failed.count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_add_up_and_the_earliest_example_stays() {
        let failures = |kind, millis: u64, text: &str| {
            let mut failures = Failures::default();
            failures.add(kind, Duration::from_millis(millis), || text.to_owned());
            failures.add(kind, Duration::from_millis(millis + 1), || unreachable!("only the first has a text"));
            failures
        };
        let mut all = failures(Kind::Wrong, 7, "second");
        all.merge(failures(Kind::Wrong, 3, "first"));
        all.merge(failures(Kind::Wrong, 5, "third"));
        all.merge(failures(Kind::Closed, 9, "closed"));
        let seen: Vec<_> = all.iter().map(|(kind, failed)| (kind, failed.count, &*failed.first)).collect();
        assert_eq!(seen, [(Kind::Closed, 2, "closed"), (Kind::Wrong, 6, "first")]);
        assert_eq!((all.count(), all.is_empty()), (8, false));
    }

    #[test]
    fn kinds_lie_in_their_order() {
        assert!(Kind::ALL.iter().enumerate().all(|(place, &kind)| place == kind as usize));
    }
}
