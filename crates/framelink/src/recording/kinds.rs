//! Divides exchanges into kinds of requests, and makes a rule for each.
//!
//! If one template composes all replies of a group, the group is one kind. Otherwise the first place in which the
//! requests differ divides it, apart from keys, times and numbers, which are different in each request. If no place
//! divides it, the replies of one kind of request are different, and one rule follows another.

use std::collections::BTreeMap;
use std::ops::Range;

use framelink_transport::session::{Encoding, Place};

use super::exchange::{Exchange, Side};
use super::fields::{Part, copied_bytes, parts_of};
use super::masking::mask;
use super::numbers::goes_up;
use super::times::times_in;
use super::work::Work;

/// A kind is at the start of a message, and there are few.
const MOST_OFFSET: usize = 64;
const MOST_KINDS: usize = 16;
/// A place whose bytes are copied is a kind only at the very start, such as a command.
const COMMAND: usize = 8;
/// The most letters of a word that a rule compares.
const MOST_WORD: usize = 16;
/// The most rules of one kind whose replies differ.
pub(super) const MOST_IN_TURN: usize = 8;

/// A rule, before it is written in a notation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RecordedRule {
    /// The bytes that a request has at each offset.
    pub(super) bytes: BTreeMap<usize, Vec<u8>>,
    /// The length of a request, if it tells kinds apart.
    pub(super) len: Option<usize>,
    pub(super) say: Vec<Part>,
    /// How many digits and characters of card numbers are hidden.
    pub(super) masked: usize,
    /// How many requests the rule answers. `None`: all.
    pub(super) times: Option<u32>,
    /// How many exchanges it stands for.
    pub(super) exchanges: usize,
}

/// Returns rules that answer the requests with the replies.
pub(super) fn rules_of(exchanges: &[Exchange], keys: &[Place], work: &Work) -> Vec<RecordedRule> {
    let mut kinds = Kinds { keys, work, rules: Vec::new() };
    if !exchanges.is_empty() {
        kinds.divide(&exchanges.iter().collect::<Vec<_>>(), &[]);
    }
    kinds.rules
}

struct Kinds<'k> {
    keys: &'k [Place],
    work: &'k Work,
    rules: Vec<RecordedRule>,
}

/// What tells kinds of requests apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    Byte(usize),
    Len,
}

impl Mark {
    fn of(self, exchange: &Exchange) -> usize {
        match self {
            Self::Byte(at) => exchange.request.get(at).copied().unwrap_or_default().into(),
            Self::Len => exchange.request.len(),
        }
    }

    /// Returns the parts of a group, in the order of their first requests.
    fn divide<'g>(self, group: &[&'g Exchange]) -> Vec<Vec<&'g Exchange>> {
        let mut parts: Vec<Vec<&Exchange>> = Vec::new();
        for exchange in group {
            match parts.iter_mut().find(|part| part.first().is_some_and(|first| self.of(first) == self.of(exchange))) {
                Some(part) => part.push(exchange),
                None => parts.push(vec![exchange]),
            }
        }
        parts
    }
}

impl Kinds<'_> {
    /// Adds the rules of a group. `marks` are those that divided it from others.
    fn divide(&mut self, group: &[&Exchange], marks: &[Mark]) {
        if let Some(say) = parts_of(group, self.keys, self.work) {
            self.push(group, marks, say, None);
        } else if let Some(mark) = self.mark_of(group) {
            let marks = [marks, &[mark]].concat();
            mark.divide(group).iter().for_each(|part| self.divide(part, &marks));
        } else {
            self.in_turn(group, marks);
        }
    }

    /// One rule after the other: each answers as many requests as had its reply, and the last one all others.
    fn in_turn(&mut self, group: &[&Exchange], marks: &[Mark]) {
        let (mut rest, mut runs) = (group, Vec::new());
        while !rest.is_empty() && runs.len() < MOST_IN_TURN {
            let (len, say) = self.longest_run(rest);
            runs.push((&rest[..len], say));
            rest = &rest[len..];
        }
        let last = runs.len().saturating_sub(1);
        for (index, (run, say)) in runs.into_iter().enumerate() {
            let times = u32::try_from(run.len()).ok().filter(|_| index < last);
            self.push(run, marks, say, times);
        }
    }

    /// Returns how many of the first exchanges one template composes. The steps by which more are tried are doubled until
    /// a template does not compose all, and halved then.
    fn longest_run(&self, group: &[&Exchange]) -> (usize, Vec<Part>) {
        let parts = |len: usize| parts_of(&group[..len], self.keys, self.work);
        // One reply always has parts.
        let (mut len, mut say) = (1, parts(1).unwrap_or_default());
        let (mut step, mut is_growing) = (1, true);
        while step > 0 {
            let longer = (len + step).min(group.len());
            match parts(longer).filter(|_| longer > len) {
                Some(parts) => (len, say) = (longer, parts),
                None => is_growing = false,
            }
            step = if is_growing { step * 2 } else { step / 2 };
        }
        (len, say)
    }

    fn push(&mut self, group: &[&Exchange], marks: &[Mark], mut say: Vec<Part>, times: Option<u32>) {
        let masked = mask(group, &mut say);
        let is_fixed = self.fixed(group);
        let mut bytes = BTreeMap::new();
        let first = is_fixed.iter().position(|is_fixed| *is_fixed).map(Mark::Byte);
        let chosen = if marks.is_empty() { first.into_iter().collect() } else { marks.to_vec() };
        for mark in &chosen {
            let Mark::Byte(at) = *mark else { continue };
            let request = &group[0].request;
            let range = around(request, &is_fixed, at);
            bytes.insert(range.start, request[range].to_vec());
        }
        let len = chosen.contains(&Mark::Len).then(|| group[0].request.len());
        self.rules.push(RecordedRule { bytes, len, say, masked, times, exchanges: group.len() });
    }

    /// Returns what divides a group.
    fn mark_of(&self, group: &[&Exchange]) -> Option<Mark> {
        self.work.add(group.len() * MOST_OFFSET * MOST_KINDS);
        if self.work.is_over() {
            return None;
        }
        let is_own = self.own(group);
        let kinds = |mark: Mark| mark.divide(group).len();
        let divides = |at: &usize| !is_own[*at] && (2..=MOST_KINDS).contains(&kinds(Mark::Byte(*at)));
        let is_copied = copied_bytes(group, self.keys, self.work);
        let places = || (0..is_own.len()).filter(divides);
        let place = places().find(|at| !is_copied[*at]).or_else(|| places().find(|at| *at < COMMAND));
        place.map(Mark::Byte).or_else(|| (2..=MOST_KINDS).contains(&kinds(Mark::Len)).then_some(Mark::Len))
    }

    /// Returns for each byte whether all requests have the same, and it is no part of what each request has for itself.
    fn fixed(&self, group: &[&Exchange]) -> Vec<bool> {
        let is_own = self.own(group).into_iter().enumerate();
        is_own.map(|(at, is_own)| !is_own && Side::Request.is_constant(group, at..at + 1)).collect()
    }

    /// Returns for each byte whether it is part of what each request has for itself: a key, a time, a number, the
    /// middle of a card number.
    fn own(&self, group: &[&Exchange]) -> Vec<bool> {
        let len = Side::Request.least_len(group).min(MOST_OFFSET);
        let mut is_own = vec![false; len];
        let mut mark = |start: usize, end: usize| is_own[start.min(len)..end.min(len)].fill(true);
        self.keys.iter().for_each(|key| mark(key.offset(), key.end()));
        times_in(group, Side::Request, self.keys).iter().for_each(|time| mark(time.start, time.start + time.len));
        for (start, end) in counters(group, len) {
            mark(start, end);
        }
        for (at, is_own) in is_own.iter_mut().enumerate() {
            *is_own |= group.iter().any(|exchange| exchange.hidden.get(at).is_some_and(|hidden| hidden.is_any()));
        }
        is_own
    }
}

/// Returns the places of numbers that go up with each request. One byte is a number only if it goes up by one.
fn counters(group: &[&Exchange], len: usize) -> Vec<(usize, usize)> {
    let (mut found, mut at) = (Vec::new(), 0);
    while at < len {
        let varies = |at: &usize| !Side::Request.is_constant(group, *at..*at + 1);
        let end = at + (at..len).take_while(varies).count();
        let is_counter = [Encoding::Ascii, Encoding::Binary].iter().any(|encoding| {
            let values = group.iter().map(|exchange| encoding.decode(exchange.request.get(at..end)?));
            let values = values.collect::<Option<Vec<_>>>().unwrap_or_default();
            let by_one = values.windows(2).all(|pair| pair[1] == pair[0].wrapping_add(1));
            values.len() >= 3 && goes_up(&values) && (by_one || end - at > 1)
        });
        if is_counter {
            found.push((at, end));
        }
        at = end.max(at + 1);
    }
    found
}

/// Returns the bytes that a rule compares around a place: a word, or four bytes from a multiple of four.
fn around(request: &[u8], is_fixed: &[bool], at: usize) -> Range<usize> {
    let (within, is_part): (Range<usize>, fn(u8) -> bool) = match request[at] {
        _ if at < 4 => (0..4, |_| true),
        byte if is_word(byte) => (at.saturating_sub(MOST_WORD)..at + MOST_WORD, is_word),
        b'0'..=b'9' => (at / 4 * 4..at / 4 * 4 + 4, |byte| byte.is_ascii_digit()),
        _ => (at..at + 1, |_| true),
    };
    let is_like =
        |other: &usize| is_fixed.get(*other) == Some(&true) && request.get(*other).is_some_and(|byte| is_part(*byte));
    let before = (within.start..at).rev().take_while(is_like).count();
    let behind = (at + 1..within.end).take_while(is_like).count();
    at - before..at + 1 + behind
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || matches!(byte, b'^' | b'_' | b'-')
}
