//! Our probes that wait for an answer.

use framelink_heartbeat::Pattern;

/// The probes of a pattern that wait for an answer, from the oldest to the last. Holds no memory while none waits.
#[derive(Debug, Default)]
pub(super) struct Awaited(Vec<(u64, Box<[u8]>)>);

/// The most probes that are kept. A peer that answers none of them is alive only by its messages.
const MOST: usize = 16;

impl Awaited {
    /// Keeps the number of a probe, and its bytes up to `compared`. Beyond 16 probes the oldest is forgotten, and its answer
    /// becomes a message.
    pub(super) fn push(&mut self, number: u64, probe: &[u8], compared: usize) {
        if self.0.len() == MOST {
            self.0.remove(0);
        }
        self.0.push((number, probe.get(..compared).unwrap_or(probe).into()));
    }

    /// Returns whether a message answers one of the probes.
    pub(super) fn has(&mut self, form: &Pattern, message: &[u8]) -> bool {
        self.0.iter().any(|(_, probe)| form.answers(message, probe))
    }

    /// Takes the oldest probe that this message answers, and returns its number. Each probe has one answer.
    pub(super) fn take(&mut self, form: &Pattern, message: &[u8]) -> Option<u64> {
        let at = self.0.iter().position(|(_, probe)| form.answers(message, probe))?;
        let (number, _) = self.0.remove(at);
        if self.0.is_empty() {
            self.0 = Vec::new();
        }
        Some(number)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
