//! An exact account of the requests of a run, from the records of both sides.

use std::collections::BTreeMap;
use std::fmt;

use framelink_transport::CallError;
use framelink_transport::session::Sent;

/// What the side that sent a request knows of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Its own reply arrived.
    Answered,
    /// It failed, and the peer has seen nothing of it.
    NotSent,
    /// It failed, and the peer may have seen it.
    Unknown,
}

impl Outcome {
    pub(crate) fn of_error(error: &CallError) -> Self {
        if error.sent() == Sent::Not { Self::NotSent } else { Self::Unknown }
    }
}

/// The requests of a run, by a number that no other request has.
#[derive(Default)]
pub(crate) struct Ledger {
    requests: BTreeMap<u64, Outcome>,
    received: BTreeMap<u64, usize>,
}

/// The sums of a ledger without a contradiction.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) requests: usize,
    pub(crate) answered: usize,
    pub(crate) not_sent: usize,
    pub(crate) unknown: usize,
    /// Requests of unknown outcome that the receiver has seen.
    pub(crate) unknown_received: usize,
}

impl Ledger {
    /// Records how a request ended, as its sender knows it.
    pub(crate) fn ended(&mut self, request: u64, outcome: Outcome) {
        let earlier = self.requests.insert(request, outcome);
        assert_eq!(earlier, None, "request {request} has ended twice, now as {outcome:?}");
    }

    /// Records that the other side has received a request.
    pub(crate) fn received(&mut self, request: u64) {
        *self.received.entry(request).or_default() += 1;
    }

    /// Returns the requests that ended so.
    pub(crate) fn with(&self, outcome: Outcome) -> impl Iterator<Item = u64> {
        self.requests.iter().filter(move |(_, ended)| **ended == outcome).map(|(&request, _)| request)
    }

    /// Compares both records, and returns the sums. Panics if they contradict each other.
    pub(crate) fn settle(&self) -> Sums {
        for (request, &times) in &self.received {
            let outcome = self.requests.get(request);
            assert!(outcome.is_some(), "request {request} was received, but never sent");
            assert_ne!(outcome, Some(&Outcome::NotSent), "request {request} was reported as not sent, but received");
            assert_eq!(times, 1, "request {request} was received {times} times");
        }
        for request in self.with(Outcome::Answered) {
            assert!(self.received.contains_key(&request), "request {request} was answered, but never received");
        }
        let sums = Sums {
            requests: self.requests.len(),
            answered: self.with(Outcome::Answered).count(),
            not_sent: self.with(Outcome::NotSent).count(),
            unknown: self.with(Outcome::Unknown).count(),
            unknown_received: self.with(Outcome::Unknown).filter(|request| self.received.contains_key(request)).count(),
        };
        assert_eq!(sums.requests, sums.answered + sums.not_sent + sums.unknown, "{sums:?}");
        assert_eq!(self.received.len(), sums.answered + sums.unknown_received, "{sums:?}");
        sums
    }
}

impl fmt::Display for Sums {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { requests, answered, not_sent, unknown, unknown_received } = self;
        write!(
            f,
            "{requests} requests: {answered} answered, {not_sent} not sent, {unknown} of unknown outcome \
             ({unknown_received} of them received by the other side)"
        )
    }
}
