//! The messages from the command line.

/// The given messages, repeated for a number of rounds.
#[derive(Clone, Debug)]
pub(super) struct Given {
    messages: Vec<Vec<u8>>,
    rounds: u64,
    next: usize,
}

impl Given {
    pub(super) const fn new(messages: Vec<Vec<u8>>, rounds: u64) -> Self {
        Self { messages, rounds, next: 0 }
    }

    /// Returns the messages of one round.
    pub(super) fn round(&self) -> &[Vec<u8>] {
        &self.messages
    }

    /// Returns the number of rounds that are left.
    pub(super) const fn rounds(&self) -> u64 {
        self.rounds
    }
}

impl Iterator for Given {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        if self.rounds == 0 {
            return None;
        }
        let message = self.messages.get(self.next)?.clone();
        self.next += 1;
        if self.next == self.messages.len() {
            (self.next, self.rounds) = (0, self.rounds - 1);
        }
        Some(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_comes_in_every_round() {
        let messages = |texts: &[&str]| texts.iter().map(|text| text.as_bytes().to_vec()).collect::<Vec<_>>();
        let all = |round: &[&str], rounds| Given::new(messages(round), rounds).collect::<Vec<_>>();
        assert_eq!(all(&["a", "b"], 2), messages(&["a", "b", "a", "b"]));
        assert_eq!(all(&["a"], 1), messages(&["a"]));
        assert!(all(&[], 3).is_empty() && all(&["a"], 0).is_empty());
    }
}
