//! What the halves of a session share about heartbeats, behind a lock.

use std::task::Waker;

use framelink_heartbeat::{Liveness, Pattern};
use framelink_template::{NumberRange, Numbers, Template};

use super::awaited::Awaited;
use crate::calls::KeysInUse;

pub(super) struct LivenessState {
    pub(super) liveness: Liveness,
    pub(super) due: Option<Box<DueBeats>>,
    /// Boxed, because most connections have none of it.
    pub(super) rare: Option<Box<Rare>>,
    /// The number of heartbeats received.
    pub(super) seen: u64,
}

/// The heartbeats to send. Held only until they are taken.
#[derive(Default)]
pub(super) struct DueBeats {
    /// The number of the probe or beat to send, and its bytes. A pattern is composed when it is taken, and has none before.
    pub(super) probe: Option<(u64, Vec<u8>)>,
    /// The answer to the peer's last probe. For a pattern it is that probe.
    pub(super) answer: Option<Vec<u8>>,
}

/// What few connections have.
#[derive(Default)]
pub(super) struct Rare {
    /// The data of the application for the next probes of this side.
    pub(super) supplied: Box<[u8]>,
    /// The data of the last probe of the peer.
    pub(super) received: Box<[u8]>,
    /// What a pattern needs.
    pub(super) pattern: Option<Box<PatternState>>,
    /// Wakes a task that has only the sending half when a heartbeat is due.
    pub(super) sender: Option<Waker>,
}

/// What heartbeats of the peer's own protocol need.
pub(super) struct PatternState {
    /// The source of their numbers.
    pub(super) numbers: Numbers,
    pub(super) awaited: Awaited,
    /// Set if the connection has calls by key.
    pub(super) in_use: Option<KeysInUse>,
}

/// A heartbeat to write.
pub(crate) struct Beat {
    pub(crate) payload: Vec<u8>,
    /// Whether this is a heartbeat of this side, and not an answer.
    pub(crate) is_ours: bool,
}

impl LivenessState {
    pub(super) fn pattern(&mut self) -> Option<&mut PatternState> {
        self.rare.as_mut()?.pattern.as_deref_mut()
    }
}

impl Rare {
    /// What a pattern needs. A beat that is always the same needs nothing.
    pub(super) fn of_pattern(pattern: &Pattern, numbers: Option<&Numbers>) -> Option<Box<Self>> {
        if !pattern.is_answered() && pattern.templates().all(|template| template.as_literal().is_some()) {
            return None;
        }
        let most = pattern.templates().filter_map(Template::most_number).min().unwrap_or(u64::MAX);
        let numbers = numbers.cloned().unwrap_or_else(|| Numbers::over(NumberRange::from_1_to(most)));
        let state = PatternState { numbers, awaited: Awaited::default(), in_use: None };
        Some(Box::new(Self { pattern: Some(Box::new(state)), ..Self::default() }))
    }
}
