//! What each message holds, and whether a reply is right.

use framelink_transport::session::{Encoding, NumberRange, Template};

use super::compose::compose;
use crate::arguments::load::Expect;

/// The digits of a number that is written into messages.
pub(super) const COUNTED: usize = 10;

/// The messages of a run: the number of a message decides all of its bytes, so none is kept for its reply.
#[derive(Clone, Debug)]
pub(super) struct Payloads {
    pub(super) source: Source,
    pub(super) patch: Option<Patch>,
    pub(super) expect: Expect,
}

/// Where messages come from.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// The first bytes of a filler, as many as the size says.
    Sizes { filler: Vec<u8>, sizes: Sizes },
    /// These messages, in turn; there is at least one.
    Texts(Vec<Vec<u8>>),
    /// Messages of a template in which more than the number changes.
    Composed(Template),
}

#[derive(Clone, Debug)]
pub(super) enum Sizes {
    /// A size from the first to the second one.
    Between(usize, usize),
    /// These sizes, in turn; there is at least one.
    Listed(Vec<usize>),
}

/// A number in each message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Patch {
    pub(super) start: usize,
    /// A message that ends before has a shorter number.
    pub(super) len: usize,
    pub(super) written: Encoding,
    /// Replies are found by it.
    pub(super) is_key: bool,
    /// The numbers of a template. Other numbers begin with 0, and their last digits are written.
    pub(super) range: Option<NumberRange>,
}

/// Why a reply is not right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    Empty,
    Content,
}

impl Payloads {
    /// Returns the message with this number, without the number in it. A composed message has none before it is sent.
    #[inline]
    fn template(&self, number: u64) -> &[u8] {
        match &self.source {
            Source::Texts(texts) => texts.get(in_turn(number, texts.len())).map_or(&[], Vec::as_slice),
            Source::Sizes { filler, sizes } => filler.get(..sizes.of(number)).unwrap_or(filler),
            Source::Composed(_) => &[],
        }
    }

    /// Returns whether all messages have the same bytes, but for a number that is written into them.
    pub(super) fn have_one_template(&self) -> bool {
        match &self.source {
            Source::Texts(texts) => texts.len() == 1,
            Source::Sizes { sizes: Sizes::Between(least, most), .. } => least == most,
            Source::Sizes { sizes: Sizes::Listed(sizes), .. } => sizes.len() == 1,
            Source::Composed(_) => false,
        }
    }

    /// Returns the length of the message with this number; `None` if it is known when the message is composed.
    #[inline]
    pub(super) fn len_of(&self, number: u64) -> Option<usize> {
        match self.source {
            Source::Composed(_) => None,
            _ => Some(self.template(number).len()),
        }
    }

    /// Writes the number of a message into its bytes.
    #[inline]
    pub(super) fn number(&self, number: u64, message: &mut [u8]) {
        if let Some(patch) = &self.patch {
            patch.write(number, message);
        }
    }

    /// Returns a shortest and a longest message.
    pub(super) fn extremes(&self) -> (usize, usize) {
        let (least, most) = match &self.source {
            Source::Texts(texts) => {
                let lengths = || texts.iter().map(Vec::len);
                (lengths().min(), lengths().max())
            }
            Source::Sizes { sizes: Sizes::Between(least, most), .. } => (Some(*least), Some(*most)),
            Source::Sizes { sizes: Sizes::Listed(sizes), .. } => {
                (sizes.iter().min().copied(), sizes.iter().max().copied())
            }
            Source::Composed(_) => {
                let mut example = Vec::new();
                self.append(0, &mut example);
                (Some(example.len()), Some(example.len()))
            }
        };
        (least.unwrap_or_default(), most.unwrap_or_default())
    }

    /// Appends the message with this number.
    #[inline]
    pub(super) fn append(&self, number: u64, out: &mut Vec<u8>) {
        let begin = out.len();
        match &self.source {
            Source::Composed(template) => compose(template, self.patch.map_or(number, |patch| patch.key(number)), out),
            _ => out.extend_from_slice(self.template(number)),
        }
        self.number(number, &mut out[begin..]);
    }

    /// Checks the reply to the message with this number.
    #[inline]
    pub(super) fn check(&self, number: u64, reply: &[u8]) -> Result<(), Wrong> {
        match &self.expect {
            Expect::Any if reply.is_empty() => Err(Wrong::Empty),
            Expect::Any => Ok(()),
            Expect::Fixed(right) if right == reply => Ok(()),
            Expect::Echo if self.is_echo(number, reply) => Ok(()),
            Expect::Fixed(_) | Expect::Echo => Err(Wrong::Content),
        }
    }

    /// Returns the right reply, if all messages have the same.
    pub(super) fn only_reply(&self) -> Option<Vec<u8>> {
        let is_same = match self.expect {
            Expect::Any => false,
            Expect::Fixed(_) => true,
            Expect::Echo => self.patch.is_none() && self.have_one_template(),
        };
        is_same.then(|| self.right(0))
    }

    /// Returns the reply that is right for this message, to be shown beside a wrong one.
    pub(super) fn right(&self, number: u64) -> Vec<u8> {
        let mut right = Vec::new();
        match &self.expect {
            Expect::Fixed(bytes) => right.clone_from(bytes),
            Expect::Echo | Expect::Any => self.append(number, &mut right),
        }
        right
    }

    fn is_echo(&self, number: u64, reply: &[u8]) -> bool {
        let sent = self.template(number);
        let Some(patch) = self.patch else { return sent == reply };
        if sent.len() != reply.len() {
            return false;
        }
        let (start, end) = (patch.start.min(sent.len()), patch.end(sent.len()));
        let (before, rest) = reply.split_at(start);
        let (written, behind) = rest.split_at(end - start);
        let has_number = patch.is_key || {
            let mut number_of = [0; 32];
            let number_of = &mut number_of[..(end - start).min(32)];
            write(patch.value(number), patch.written, number_of);
            number_of == written
        };
        has_number && before == &sent[..start] && behind == &sent[end..]
    }
}

impl Sizes {
    #[inline]
    fn of(&self, number: u64) -> usize {
        match self {
            Self::Between(least, most) if least == most => *least,
            Self::Between(least, most) => least + in_turn(mixed(number), most - least + 1),
            Self::Listed(sizes) => sizes.get(in_turn(number, sizes.len())).copied().unwrap_or_default(),
        }
    }
}

impl Patch {
    fn end(&self, message_len: usize) -> usize {
        (self.start + self.len).min(message_len).max(self.start.min(message_len))
    }

    fn write(&self, number: u64, message: &mut [u8]) {
        let end = self.end(message.len());
        if let Some(place) = message.get_mut(self.start..end) {
            write(self.value(number), self.written, place);
        }
    }

    /// Returns the number that a message with this number has. Only its last digits are written.
    #[inline]
    const fn value(&self, number: u64) -> u64 {
        match self.range {
            Some(range) => range.first() + number % range.count(),
            None => number,
        }
    }

    /// Reads the number of a reply; `None` if the reply has no number there.
    #[inline]
    pub(super) fn read(&self, reply: &[u8]) -> Option<u64> {
        let place = reply.get(self.start..self.start + self.len)?;
        self.written.decode(place)
    }

    /// Returns the number of a message as its place holds it.
    #[inline]
    pub(super) fn key(&self, number: u64) -> u64 {
        match (self.range, self.values()) {
            (Some(_), _) | (None, None) => self.value(number),
            (None, Some(values)) => number % values,
        }
    }

    /// Returns how many numbers the place can hold; `None` if that is more than there are.
    pub(super) fn values(&self) -> Option<u64> {
        match self.range {
            Some(range) => Some(range.count()),
            None => self.written.most(self.len).checked_add(1),
        }
    }
}

/// Writes the last digits or bytes of a number, with zeros before it.
#[expect(clippy::cast_possible_truncation, reason = "one digit or byte of a number")]
#[inline]
fn write(mut number: u64, written: Encoding, mut place: &mut [u8]) {
    if !matches!(written, Encoding::Ascii | Encoding::Binary) {
        let last = written.most(place.len()).checked_add(1).map_or(number, |values| number % values);
        let _ = written.encode(last, place); // fits, unless there is no place
        return;
    }
    // Eight digits at once: one by one they would cost more than all else that is done for a short message.
    if written == Encoding::Ascii {
        let (before, eights) = place.as_rchunks_mut();
        for eight in eights.iter_mut().rev() {
            *eight = eight_digits(number % 100_000_000);
            number /= 100_000_000;
        }
        place = before;
    }
    for byte in place.iter_mut().rev() {
        (*byte, number) = match written {
            Encoding::Binary => (number as u8, number >> 8),
            _ => (b'0' + (number % 10) as u8, number / 10),
        };
    }
}

/// Returns the digits of a number below 100000000. Two halves of four digits are divided by 100 and then by 10 side by
/// side in one register, with multiplications by the inverse.
#[inline]
const fn eight_digits(number: u64) -> [u8; 8] {
    let fours = (number / 10_000) | ((number % 10_000) << 32);
    let hundreds = ((fours * 10_486) >> 20) & 0x0000_007f_0000_007f;
    let pairs = hundreds | ((fours - 100 * hundreds) << 16);
    let tens = ((pairs * 103) >> 10) & 0x000f_000f_000f_000f;
    let digits = tens | ((pairs - 10 * tens) << 8);
    (digits + 0x3030_3030_3030_3030).to_le_bytes()
}

#[inline]
fn in_turn(number: u64, count: usize) -> usize {
    usize::try_from(number % (count.max(1) as u64)).unwrap_or_default()
}

/// Spreads numbers evenly (the finaliser of splitmix64): each run has the same sizes.
const fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// Small letters, again and again: every framing can carry them.
pub(super) fn filler(len: usize) -> Vec<u8> {
    (b'a'..=b'z').cycle().take(len).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sized(least: usize, most: usize, patch: Option<Patch>, expect: Expect) -> Payloads {
        Payloads { source: Source::Sizes { filler: filler(most), sizes: Sizes::Between(least, most) }, patch, expect }
    }

    fn message(payloads: &Payloads, number: u64) -> Vec<u8> {
        let mut out = b"before".to_vec();
        payloads.append(number, &mut out);
        out.split_off(6)
    }

    const COUNT: Patch = Patch { start: 0, len: COUNTED, written: Encoding::Ascii, is_key: false, range: None };
    const KEY: Patch = Patch { start: 2, len: 3, written: Encoding::Ascii, is_key: true, range: None };

    #[test]
    fn messages_are_fixed_counted_or_keyed() {
        assert_eq!(message(&sized(4, 4, None, Expect::Any), 7), b"abcd");
        assert_eq!(message(&sized(12, 12, Some(COUNT), Expect::Any), 1234), b"0000001234kl");
        assert_eq!(message(&sized(3, 3, Some(COUNT), Expect::Any), 1234), b"234");
        assert_eq!(message(&sized(6, 6, Some(KEY), Expect::Any), 1234), b"ab234f");
        let binary = Patch { written: Encoding::Binary, ..KEY };
        assert_eq!(message(&sized(6, 6, Some(binary), Expect::Any), 258), b"ab\x00\x01\x02f");
    }

    #[test]
    fn digits_are_those_of_the_number() {
        let numbers = (0..64).map(|shift| u64::MAX >> shift).chain((0..20).map(|power| 10_u64.pow(power)));
        for number in numbers.chain([0, 9, 99, 12_345_678, 99_999_999, 1_234_567_890]) {
            for len in 0..=25 {
                let (mut place, text) = (vec![b'x'; len], format!("{number:025}"));
                write(number, Encoding::Ascii, &mut place);
                assert_eq!(place, text.as_bytes()[25 - len..], "{number} in {len} digits");
            }
        }
    }

    #[test]
    fn a_key_is_read_as_it_was_written() {
        for written in Encoding::ALL {
            let patch = Patch { written, ..KEY };
            for number in [0, 1, 255, 256, 999, 1000, 123_456_789] {
                let message = message(&sized(6, 6, Some(patch), Expect::Any), number);
                assert_eq!(patch.read(&message), Some(patch.key(number)), "{number}");
            }
        }
        assert_eq!((KEY.read(b"ab12"), KEY.read(b"ab12x"), KEY.values()), (None, None, Some(1000)));
    }

    #[test]
    fn numbers_of_a_template_stay_in_their_range() {
        let patch = Patch { range: NumberRange::new(1, 999), ..KEY };
        for (number, written) in [(0, b"ab001f"), (998, b"ab999f"), (999, b"ab001f")] {
            let message = message(&sized(6, 6, Some(patch), Expect::Any), number);
            assert_eq!((&message[..], patch.read(&message)), (&written[..], Some(patch.key(number))));
        }
        assert_eq!(patch.values(), Some(999));
    }

    #[test]
    fn sizes_of_a_range_are_all_used_and_no_others() {
        let payloads = sized(3, 6, None, Expect::Any);
        let mut counts = [0; 8];
        (0..4000).for_each(|number| counts[message(&payloads, number).len()] += 1);
        assert_eq!(counts.map(|count| count > 800), [false, false, false, true, true, true, true, false], "{counts:?}");
    }

    #[test]
    fn an_echo_is_right_only_with_all_its_bytes() {
        for patch in [None, Some(COUNT), Some(KEY)] {
            let payloads = sized(8, 16, patch, Expect::Echo);
            for number in 0..50 {
                let right = message(&payloads, number);
                assert_eq!(payloads.check(number, &right), Ok(()), "{patch:?}");
                assert_eq!(payloads.check(number, &right[1..]), Err(Wrong::Content), "{patch:?}");
                for place in 0..right.len() {
                    let mut wrong = right.clone();
                    wrong[place] ^= 1;
                    // Replies are found by their key, so that is not compared again.
                    let is_right = patch == Some(KEY) && (2..5).contains(&place);
                    assert_eq!(payloads.check(number, &wrong).is_ok(), is_right, "{patch:?} {place}");
                }
            }
        }
    }

    #[test]
    fn replies_are_right_as_expected() {
        let any = sized(1, 1, None, Expect::Any);
        assert_eq!((any.check(0, b""), any.check(0, b"x")), (Err(Wrong::Empty), Ok(())));
        let fixed = sized(1, 1, None, Expect::Fixed(b"ok".to_vec()));
        assert_eq!((fixed.check(0, b"ok"), fixed.check(0, b"no")), (Ok(()), Err(Wrong::Content)));
    }

    #[test]
    fn listed_sizes_and_texts_come_in_turn() {
        let sizes = Payloads {
            source: Source::Sizes { filler: filler(3), sizes: Sizes::Listed(vec![3, 1]) },
            patch: None,
            expect: Expect::Any,
        };
        assert_eq!([0, 1, 2].map(|number| message(&sizes, number).len()), [3, 1, 3]);
        let texts = Payloads { source: Source::Texts(vec![b"x".to_vec(), b"yy".to_vec()]), ..sizes };
        assert_eq!([0, 1, 2].map(|number| message(&texts, number)), [&b"x"[..], b"yy", b"x"]);
        assert_eq!((texts.extremes(), texts.have_one_template()), ((1, 2), false));
    }
}
