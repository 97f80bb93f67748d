//! The pause of a server that cannot accept.

use std::time::Duration;

/// How long to wait before accepting again when the system lacks a resource, for example file descriptors: 10 ms,
/// doubled after each failure up to 500 ms. So accepting goes on within a second after the resource is back.
#[derive(Debug)]
pub(crate) struct Pause {
    next: Duration,
}

impl Pause {
    const FIRST: Duration = Duration::from_millis(10);
    const MOST: Duration = Duration::from_millis(500);

    pub(crate) const fn new() -> Self {
        Self { next: Self::FIRST }
    }

    pub(crate) fn is_on(&self) -> bool {
        self.next != Self::FIRST
    }

    /// Notes a failure. Returns how long to wait.
    pub(crate) fn on_failed(&mut self) -> Duration {
        let pause = self.next;
        self.next = (pause * 2).min(Self::MOST);
        pause
    }

    /// Notes a success. Returns whether the try before had failed.
    pub(crate) fn on_accepted(&mut self) -> bool {
        let was_on = self.is_on();
        self.next = Self::FIRST;
        was_on
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_half_a_second_and_begin_anew() {
        let mut pause = Pause::new();
        assert!(!pause.on_accepted());
        let pauses: Vec<_> = (0..8).map(|_| pause.on_failed().as_millis()).collect();
        assert_eq!(pauses, [10, 20, 40, 80, 160, 320, 500, 500]);
        assert!(pause.on_accepted());
        assert_eq!(pause.on_failed().as_millis(), 10);
    }
}
