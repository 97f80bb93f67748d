//! The messages in flight on one connection, and which of them a reply answers.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::time::Duration;

use super::payloads::Patch;

/// A message that has no reply yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct InFlight {
    pub(super) number: u64,
    /// When the message was due: its latency counts from here.
    pub(super) intended: Duration,
    /// When the message was sent: its timeout counts from here.
    pub(super) sent: Duration,
}

#[derive(Debug)]
pub(super) struct Window {
    depth: usize,
    waiting: Waiting,
}

#[derive(Debug)]
enum Waiting {
    /// Replies come in the order of their messages.
    Order(InOrder),
    /// Replies have the key of their messages.
    Key(Patch, HashMap<u64, InFlight, BuildHasherDefault<Spread>>),
}

/// The messages in flight in their order, and how many there are.
#[derive(Debug, Default)]
struct InOrder {
    rows: VecDeque<Row>,
    len: usize,
}

/// Messages that were sent together.
#[derive(Clone, Copy, Debug)]
struct Row {
    first: InFlight,
    /// How far the numbers of two messages are apart.
    step: u64,
    /// Never 0.
    len: usize,
}

impl InOrder {
    #[inline]
    fn push(&mut self, row: Row) {
        if row.len > 0 {
            self.rows.push_back(row);
            self.len += row.len;
        }
    }

    fn first(&self) -> Option<&InFlight> {
        self.rows.front().map(|row| &row.first)
    }

    #[inline(always)]
    fn pop(&mut self) -> Option<InFlight> {
        let row = self.rows.front_mut()?;
        let message = row.first;
        self.len -= 1;
        if row.len > 1 {
            row.len -= 1;
            row.first.number = row.first.number.saturating_add(row.step);
        } else {
            self.rows.pop_front();
        }
        Some(message)
    }
}

impl Window {
    pub(super) fn new(depth: usize, patch: Option<Patch>) -> Self {
        let waiting = match patch.filter(|patch| patch.is_key) {
            Some(key) => Waiting::Key(key, HashMap::with_capacity_and_hasher(depth, BuildHasherDefault::default())),
            None => Waiting::Order(InOrder::default()),
        };
        Self { depth, waiting }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        match &self.waiting {
            Waiting::Order(waiting) => waiting.len,
            Waiting::Key(_, waiting) => waiting.len(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[inline]
    pub(super) fn has_room(&self) -> bool {
        self.len() < self.depth
    }

    /// Returns how many messages may be sent together: with keys, each is looked at.
    #[inline]
    pub(super) fn room_together(&self) -> usize {
        let room = self.depth.saturating_sub(self.len());
        if self.is_ordered() { room } else { room.min(1) }
    }

    /// Returns whether the message with this number can be told from those in flight.
    #[inline]
    pub(super) fn admits(&self, number: u64) -> bool {
        match &self.waiting {
            Waiting::Order(_) => true,
            Waiting::Key(key, waiting) => !waiting.contains_key(&key.key(number)),
        }
    }

    /// Adds messages that are sent together, whose numbers are `step` apart: up to
    /// [`room_together`](Self::room_together).
    #[inline]
    pub(super) fn begin(&mut self, first: InFlight, step: u64, len: usize) {
        match &mut self.waiting {
            Waiting::Order(waiting) => waiting.push(Row { first, step, len }),
            Waiting::Key(key, waiting) => drop(waiting.insert(key.key(first.number), first)),
        }
    }

    /// Takes the message that this reply answers, if there is one.
    #[inline(always)]
    pub(super) fn answered(&mut self, reply: &[u8]) -> Option<InFlight> {
        match &mut self.waiting {
            Waiting::Order(waiting) => waiting.pop(),
            Waiting::Key(key, waiting) => waiting.remove(&key.read(reply)?),
        }
    }

    /// Returns when the first message was sent that has no reply.
    pub(super) fn oldest(&self) -> Option<Duration> {
        match &self.waiting {
            Waiting::Order(waiting) => waiting.first().map(|message| message.sent),
            Waiting::Key(_, waiting) => waiting.values().map(|message| message.sent).min(),
        }
    }

    /// Takes a message that was sent at this time or before. Without keys it is the first of all: the others stay.
    pub(super) fn expired(&mut self, sent: Duration) -> Option<InFlight> {
        match &mut self.waiting {
            Waiting::Order(waiting) => match waiting.first() {
                Some(message) if message.sent <= sent => waiting.pop(),
                _ => None,
            },
            Waiting::Key(_, waiting) => {
                let key = waiting.iter().find(|(_, message)| message.sent <= sent).map(|(&key, _)| key)?;
                waiting.remove(&key)
            }
        }
    }

    /// Takes all messages, for a connection that has ended.
    pub(super) fn drain(&mut self) -> Vec<InFlight> {
        match &mut self.waiting {
            Waiting::Order(waiting) => std::iter::from_fn(|| waiting.pop()).collect(),
            Waiting::Key(_, waiting) => waiting.drain().map(|(_, message)| message).collect(),
        }
    }

    /// Returns whether a reply that does not come makes later replies ambiguous.
    pub(super) const fn is_ordered(&self) -> bool {
        matches!(self.waiting, Waiting::Order(_))
    }
}

/// Hashes keys, which this program chose itself: no peer can make them collide.
#[derive(Default)]
struct Spread(u64);

impl Hasher for Spread {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_u64(byte.into()));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(26);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use framelink_transport::session::Encoding;

    const fn message(number: u64) -> InFlight {
        let at = Duration::from_millis(number);
        InFlight { number, intended: at, sent: at }
    }

    const KEY: Patch = Patch { start: 0, len: 2, written: Encoding::Ascii, is_key: true, range: None };

    fn filled(patch: Option<Patch>) -> Window {
        let mut window = Window::new(3, patch);
        (5..8).for_each(|number| window.begin(message(number), 1, 1));
        assert!(!window.has_room());
        window
    }

    #[test]
    fn without_keys_replies_answer_in_order() {
        let mut window = filled(None);
        assert_eq!(
            [(); 4].map(|()| window.answered(b"any").map(|message| message.number)),
            [Some(5), Some(6), Some(7), None]
        );
    }

    #[test]
    fn messages_that_were_sent_together_are_answered_one_by_one() {
        let mut window = Window::new(5, None);
        assert_eq!(window.room_together(), 5);
        window.begin(message(5), 10, 3);
        window.begin(message(6), 10, 1);
        assert_eq!((window.len(), window.room_together()), (4, 1));
        let answered = [(); 3].map(|()| window.answered(b"any").map(|message| (message.number, message.sent)));
        let at = Duration::from_millis(5);
        assert_eq!(answered, [Some((5, at)), Some((15, at)), Some((25, at))]);
        assert_eq!((window.oldest(), window.drain()), (Some(Duration::from_millis(6)), vec![message(6)]));
        assert!(window.is_empty());
        assert_eq!(Window::new(5, Some(KEY)).room_together(), 1);
    }

    #[test]
    fn with_keys_replies_answer_in_any_order_and_once() {
        let mut window = filled(Some(KEY));
        for (reply, number) in [(&b"06x"[..], Some(6)), (b"06x", None), (b"08x", None), (b"no", None), (b"05", Some(5))]
        {
            assert_eq!(window.answered(reply).map(|message| message.number), number);
        }
        assert_eq!((window.len(), window.oldest()), (1, Some(Duration::from_millis(7))));
    }

    #[test]
    fn a_key_is_in_flight_once() {
        let window = filled(Some(KEY));
        assert_eq!((window.admits(105), window.admits(104)), (false, true));
    }

    #[test]
    fn messages_expire_from_the_oldest_on() {
        for patch in [None, Some(KEY)] {
            let mut window = filled(patch);
            let mut expired = Vec::from_iter(std::iter::from_fn(|| window.expired(Duration::from_millis(6))));
            expired.sort_by_key(|message| message.number);
            assert_eq!((expired, window.len()), (vec![message(5), message(6)], 1));
            assert_eq!(window.drain(), [message(7)]);
        }
    }
}
