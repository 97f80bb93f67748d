//! The parts of replies: which bytes are fixed, copied from the request, times, or numbers.

use std::cell::Cell;

use framelink_transport::session::Place;

use super::exchange::{Exchange, Side};
use super::numbers::{self, NumberRun};
use super::times::{TimeField, times_in};
use super::work::Work;

/// A part of a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Literal(Vec<u8>),
    /// Bytes of the request.
    Copied(Place),
    /// All bytes of the request.
    Request,
    /// A field of a template, in its notation, and its length.
    Field(String, usize),
}

/// A copy of fewer fixed bytes may be an accident.
const LEAST_FIXED: usize = 4;

/// Returns the parts of one template that composes all replies of a group, if there is one. `keys` are the places where
/// requests and replies have the same key.
pub(super) fn parts_of(group: &[&Exchange], keys: &[Place], work: &Work) -> Option<Vec<Part>> {
    whole_request(group, work).or_else(|| {
        let len = Side::Reply.least_len(group);
        group.iter().all(|exchange| exchange.reply.len() == len).then_some(())?;
        Reader::new(group, keys, work).read(len)
    })
}

/// Returns for each byte of the requests whether replies have it in a copy of several bytes.
pub(super) fn copied_bytes(group: &[&Exchange], keys: &[Place], work: &Work) -> Vec<bool> {
    let mut copied = vec![false; Side::Request.least_len(group)];
    let (reader, mut at) = (Reader::new(group, keys, work), 0);
    while at < Side::Reply.least_len(group) {
        let place = reader.copy_at(at).filter(|place| place.len() >= LEAST_FIXED);
        at += place.map_or(1, Place::len);
        if let Some(place) = place {
            copied[place.offset()..place.end()].fill(true);
        }
    }
    copied
}

/// The whole request between fixed bytes. Requests of one length are looked at only for an echo.
fn whole_request(group: &[&Exchange], work: &Work) -> Option<Vec<Part>> {
    let first = group.first()?;
    let more = first.reply.len().checked_sub(first.request.len())?;
    let is_varied = group.iter().any(|exchange| exchange.request.len() != first.request.len());
    if first.request.is_empty() || !(is_varied || more == 0) {
        return None;
    }
    (0..=more).find_map(|before| {
        let prefix = first.reply.get(..before)?;
        let suffix = first.reply.get(before + first.request.len()..)?;
        let is_around = |exchange: &&Exchange| {
            work.add(exchange.reply.len());
            let inner = exchange.reply.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(suffix));
            inner == Some(&*exchange.request)
        };
        (!work.is_over() && group.iter().all(is_around)).then(|| {
            let literal = |bytes: &[u8]| (!bytes.is_empty()).then(|| Part::Literal(bytes.to_vec()));
            [literal(prefix), Some(Part::Request), literal(suffix)].into_iter().flatten().collect()
        })
    })
}

/// Reads replies of one length from the start to the end.
struct Reader<'g> {
    group: &'g [&'g Exchange],
    keys: &'g [Place],
    work: &'g Work,
    times: Vec<TimeField>,
    /// For each byte of the replies, where the fixed bytes from there end.
    fixed_ends: Vec<usize>,
    /// Where the keys and times of the requests begin and end.
    request_fields: Vec<(usize, usize)>,
    /// The exchange that was different in the last comparison.
    different: Cell<usize>,
    parts: Vec<Part>,
}

impl<'g> Reader<'g> {
    fn new(group: &'g [&'g Exchange], keys: &'g [Place], work: &'g Work) -> Self {
        let times = [Side::Request, Side::Reply].map(|side| {
            work.add(group.len() * side.least_len(group));
            times_in(group, side, keys)
        });
        let [in_requests, times] = times;
        let in_requests = in_requests.iter().map(|time| (time.start, time.start + time.len));
        let request_fields = keys.iter().map(|key| (key.offset(), key.end())).chain(in_requests).collect();
        Self {
            group,
            keys,
            work,
            times,
            fixed_ends: fixed_ends(group),
            request_fields,
            different: Cell::new(0),
            parts: Vec::new(),
        }
    }

    fn read(mut self, len: usize) -> Option<Vec<Part>> {
        let mut at = 0;
        while at < len {
            at = self.step(at)?;
        }
        Some(self.parts)
    }

    /// Adds the part that begins here. Returns where the next one begins.
    fn step(&mut self, at: usize) -> Option<usize> {
        let time = self.times.iter().find(|time| time.start == at).cloned();
        let copy = self.copy_at(at);
        match (time, copy) {
            (Some(time), copy) if copy.is_none_or(|copy| copy.len() < time.len) => {
                self.parts.push(Part::Field(time.field, time.len));
                Some(at + time.len)
            }
            (_, Some(copy)) => {
                self.push_copy(copy);
                Some(at + copy.len())
            }
            _ if self.is_constant(at, 1) => {
                self.push_literal(at);
                Some(at + 1)
            }
            _ => self.push_number(at),
        }
    }

    fn is_constant(&self, at: usize, len: usize) -> bool {
        self.fixed_ends.get(at).is_some_and(|end| at + len <= *end)
    }

    /// Returns the place of the requests whose bytes stand here in the replies.
    fn copy_at(&self, at: usize) -> Option<Place> {
        let key = self.keys.iter().find(|key| key.offset() == at);
        if key.is_none() && self.is_plain(at) {
            return None;
        }
        let here = self.common_len(at, at, 0);
        if let Some(key) = key.filter(|key| here >= key.len()) {
            return Some(*key);
        }
        let most = self.most_len(at, here);
        let mut best = (here.min(most), at);
        for from in 0..Side::Request.least_len(self.group) {
            if best.0 == most || self.work.is_over() {
                break;
            }
            let len = self.common_len(at, from, best.0).min(most);
            if len > best.0 {
                best = (len, from);
            }
        }
        let (len, from) = best;
        let len = self.first_field_end(from, from + len) - from;
        Place::new(from, len).filter(|_| self.is_meant(at, from, len))
    }

    /// Returns whether fixed bytes are no copy without a look at the requests: they are equal, or the work is over.
    fn is_plain(&self, at: usize) -> bool {
        let (reply, end) = (&self.group[0].reply, self.fixed_ends.get(at).copied().unwrap_or(at));
        let is_long = end == self.fixed_ends.len() || end - at >= Place::MOST_LEN;
        let fixed = &reply[at..end.min(at + Place::MOST_LEN)];
        end > at && (self.work.is_over() || is_long && fixed.iter().all(|byte| *byte == reply[at]))
    }

    /// Returns how many bytes the replies have here like the requests have there. If these are up to `enough`, not all
    /// exchanges are compared.
    fn common_len(&self, at: usize, from: usize, enough: usize) -> usize {
        let mut least = Place::MOST_LEN;
        // The exchange that ended the last comparison often ends this one too.
        let first = self.different.get();
        for index in std::iter::once(first).chain(0..self.group.len()) {
            let exchange = self.group[index];
            let (reply, request) = (exchange.reply.get(at..), exchange.request.get(from..));
            let pairs = reply.unwrap_or_default().iter().zip(request.unwrap_or_default());
            least = pairs.take(least).take_while(|(one, other)| one == other).count();
            self.work.add(least + 1);
            if least <= enough {
                self.different.set(index);
                break;
            }
        }
        least
    }

    /// A copy ends with a key or a time of the requests. If the bytes behind it are the same, they may be a copy too, or
    /// by accident, such as the 00 of a response code.
    fn first_field_end(&self, start: usize, end: usize) -> usize {
        let within = self.request_fields.iter().filter(|field| start <= field.0 && field.1 < end);
        within.map(|field| field.1).min().unwrap_or(end)
    }

    /// A copy ends before a key that follows fixed bytes, and before a time that it does not contain. `len` is that of
    /// the copy from the same place.
    fn most_len(&self, at: usize, len: usize) -> usize {
        let key = self.keys.iter().map(|key| key.offset()).filter(|key| *key > at && self.is_constant(at, key - at));
        let cuts = |time: &&TimeField| time.start > at && at + len < time.start + time.len;
        let time = self.times.iter().filter(cuts).map(|time| time.start);
        key.chain(time).min().map_or(Place::MOST_LEN, |end| end - at)
    }

    /// Returns how many of these bytes differ between the replies.
    fn varied(&self, at: usize, len: usize) -> usize {
        (at..at + len).filter(|at| !self.is_constant(*at, 1)).count()
    }

    /// Whether equal bytes are a copy, and no accident: the first digit of a random number behind a `00` may stand behind
    /// zeros in the requests too.
    fn is_meant(&self, at: usize, from: usize, len: usize) -> bool {
        if !self.is_constant(at, len) {
            let goes_on = matches!(self.parts.last(), Some(Part::Copied(last)) if last.end() == from);
            let is_long = len >= LEAST_FIXED || self.varied(at, len) >= 2;
            return is_long || from == at || goes_on || self.group.len() >= 4;
        }
        let mut bytes = self.group[0].reply[at..at + len].to_vec();
        bytes.sort_unstable();
        bytes.dedup();
        len >= LEAST_FIXED && bytes.len() >= if from == at { 2 } else { 3 }
    }

    fn push_literal(&mut self, at: usize) {
        let byte = self.group[0].reply[at];
        match self.parts.last_mut() {
            Some(Part::Literal(bytes)) => bytes.push(byte),
            _ => self.parts.push(Part::Literal(vec![byte])),
        }
    }

    /// Adds a copy. It goes on a copy that ends where it begins.
    fn push_copy(&mut self, copy: Place) {
        if let Some(Part::Copied(last)) = self.parts.last_mut()
            && last.end() == copy.offset()
            && let Some(both) = Place::new(last.offset(), last.len() + copy.len())
        {
            *last = both;
            return;
        }
        self.parts.push(Part::Copied(copy));
    }

    /// Adds a counter or random digits. Zeros before a counter are part of it.
    fn push_number(&mut self, at: usize) -> Option<usize> {
        let is_other = |at: usize| {
            self.times.iter().any(|time| time.start == at)
                || self.copy_at(at).is_some_and(|copy| !self.is_constant(at, copy.len()))
        };
        let zeros = match self.parts.last() {
            Some(Part::Literal(bytes)) => bytes.iter().rev().take_while(|byte| matches!(byte, 0 | b'0')).count(),
            _ => 0,
        };
        let NumberRun { zeros, end, field } = numbers::run_at(self.group, at, zeros, is_other)?;
        if let Some(Part::Literal(bytes)) = self.parts.last_mut() {
            bytes.truncate(bytes.len() - zeros);
            if bytes.is_empty() {
                self.parts.pop();
            }
        }
        self.parts.push(Part::Field(field, end - at + zeros));
        Some(end)
    }
}

/// Returns for each byte of the replies where the fixed bytes from there end.
fn fixed_ends(group: &[&Exchange]) -> Vec<usize> {
    let mut ends: Vec<usize> = (0..Side::Reply.least_len(group)).collect();
    let mut end = ends.len();
    for at in (0..ends.len()).rev() {
        if !Side::Reply.is_constant(group, at..at + 1) {
            end = at;
        }
        ends[at] = end;
    }
    ends
}
