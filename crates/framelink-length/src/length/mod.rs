//! A framing whose frames begin with their length, as a value.

mod builder;

pub use builder::LengthBuilder;

use core::fmt;

use crate::error::HEAD_CAPACITY;
use crate::field::number::{Reader, Writer};
use crate::field::{Counts, Field};
use crate::{Codec, LengthCodec};

/// Frames that begin with their length.
///
/// A value that exists is valid. It is a pure function of bytes through [`Decode`](crate::Decode) and
/// [`Encode`](crate::Encode), small, and `Copy`. `Display` prints its notation in the normal form.
///
/// ```
/// use framelink_length::{Decode, Decoded, Encode, Length};
///
/// // 0x03 0x00 0x00 0x09 | 'h' 'e' 'l' 'l' 'o'     RFC 1006: version 3, reserved, length of the whole packet
/// let tpkt: Length = "tpkt".parse()?;
/// assert_eq!(tpkt.to_string(), "net:2,at=2,prefix=03,counts=frame");
/// assert_eq!(tpkt.envelope(b"hello")?.head.as_ref(), [3, 0, 0, 9]);
///
/// let wire = b"\x03\x00\x00\x09hello";
/// let Decoded::Frame(frame) = tpkt.decode(wire, 0, None)? else { panic!() };
/// assert_eq!(frame.payload(wire), b"hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Length {
    pub(crate) field: Field,
    pub(crate) counts: Counts,
    pub(crate) zero_is_empty: bool,
    pub(crate) keeps_header: bool,
    pub(crate) lower_case: bool,
    /// Bytes before the length field.
    pub(crate) at: usize,
    pub(crate) gap: usize,
    pub(crate) tail: usize,
    /// How many of them are fixed, from the first.
    pub(crate) prefix_len: usize,
    pub(crate) infix_len: usize,
    pub(crate) suffix_len: usize,
    /// The head as it is written, its length field zero and as wide as one of fixed width is, else absent.
    pub(crate) head: [u8; HEAD_CAPACITY],
    /// The tail as it is written.
    pub(crate) end: [u8; HEAD_CAPACITY],
    /// The bits of an integer field that are the number; all of a word where none are free.
    pub(crate) mask: u64,
    /// The numbers that can be, the limit included.
    pub(crate) least_number: u64,
    pub(crate) most_number: u64,
    /// Added to a number that can be, modulo 2⁶⁴, it gives the payload's length: always a `usize`.
    pub(crate) number_to_payload: u64,
    pub(crate) quick: Quick,
    pub(crate) max_payload: usize,
    /// The largest payload that the header can announce, limit or not.
    pub(crate) most_payload: usize,
}

/// What follows from the rest and is asked for every frame. For fields of fixed width only.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Quick {
    pub(crate) reader: Reader,
    /// Bytes before the length field, at most 64.
    pub(crate) at: u8,
    /// Whether the whole head fits a word, and how; its bytes with the length field zero.
    pub(crate) writer: Writer,
    pub(crate) head_len: u8,
    pub(crate) head_word: u64,
    /// The bits of a word that the field leaves unused.
    pub(crate) unused_bits: u32,
    /// Whether there is a prefix, infix or suffix to look at.
    pub(crate) has_literals: bool,
    /// Between the first and the last number that can be.
    pub(crate) number_span: u64,
    /// Added to a number that can be, modulo 2⁶⁴, it gives the frame's length.
    pub(crate) number_to_frame: u64,
    /// Where what is delivered begins, and how many bytes before the end of the frame it ends.
    pub(crate) delivered_start: usize,
    pub(crate) delivered_short: usize,
}

impl Quick {
    pub(crate) fn of(length: &Length) -> Self {
        let head_len = length.slot_end() + length.gap;
        let fits_word = head_len <= 8 && length.tail == 0 && !length.keeps_header;
        let [a, b, c, d, e, f, g, h, ..] = length.head;
        let (delivered_start, delivered_short) = if length.keeps_header { (0, 0) } else { (head_len, length.tail) };
        Self {
            reader: Reader::of(length.field, length.mask),
            at: u8::try_from(length.at).unwrap_or(u8::MAX),
            writer: if fits_word { Writer::of(length.field) } else { Writer::Exact },
            head_len: u8::try_from(head_len).unwrap_or(u8::MAX),
            head_word: u64::from_be_bytes([a, b, c, d, e, f, g, h]),
            unused_bits: length.field.unused_bits(),
            has_literals: length.prefix_len + length.infix_len + length.suffix_len > 0,
            number_span: length.most_number - length.least_number,
            number_to_frame: length.number_to_payload.wrapping_add((head_len + length.tail) as u64),
            delivered_start,
            delivered_short,
        }
    }
}

impl Length {
    /// Starts a framing with this length field.
    #[must_use]
    pub fn builder(field: Field) -> LengthBuilder {
        LengthBuilder::new(field)
    }

    /// This framing with the memory of one stream; what `tokio_util::codec::Framed` takes.
    #[must_use]
    pub const fn codec(self) -> LengthCodec {
        Codec::new(self)
    }

    /// How the length is written.
    #[must_use]
    pub const fn field(&self) -> Field {
        self.field
    }

    /// What the number counts.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// The largest payload in bytes, both ways, headers not counted even where messages are whole frames.
    #[must_use]
    pub const fn max_payload(&self) -> usize {
        self.max_payload
    }

    /// The smallest payload in bytes that the header can announce; 0 for most framings.
    #[must_use]
    pub const fn least_payload(&self) -> usize {
        self.payload_len(self.least_number)
    }

    /// Whether messages are whole frames, header included.
    #[must_use]
    pub const fn keeps_header(&self) -> bool {
        self.keeps_header
    }

    /// The prefix that is checked, the first of the bytes before the length field.
    #[must_use]
    pub fn prefix(&self) -> &[u8] {
        self.head.get(..self.prefix_len).unwrap_or_default()
    }

    /// The infix that is checked, the first bytes after the length field.
    #[must_use]
    pub fn infix(&self) -> &[u8] {
        let start = self.slot_end();
        self.head.get(start..start + self.infix_len).unwrap_or_default()
    }

    /// The suffix that is checked, the first bytes after the payload.
    #[must_use]
    pub fn suffix(&self) -> &[u8] {
        self.end.get(..self.suffix_len).unwrap_or_default()
    }

    /// How many bytes of a frame are free: they are neither the length nor the payload, and no option says what they are. Those before the
    /// length field, those between it and the payload, and those after the payload. They are accepted as they are, and written as
    /// zeros; where messages are whole frames, the messages hold them.
    ///
    /// ```
    /// use framelink_length::Length;
    ///
    /// let length: Length = "net:2,at=4,prefix=0301,gap=1,tail=2".parse()?;
    /// assert_eq!(length.free_bytes(), [2, 1, 2]);
    /// # Ok::<(), framelink_length::NotationError>(())
    /// ```
    #[must_use]
    pub const fn free_bytes(&self) -> [usize; 3] {
        [self.at - self.prefix_len, self.gap - self.infix_len, self.tail - self.suffix_len]
    }

    /// Where the length field of the head template ends.
    #[inline]
    pub(crate) const fn slot_end(&self) -> usize {
        match self.field.width() {
            Some(width) => self.at + width,
            None => self.at,
        }
    }

    /// The payload's length for a number that can be.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "`most_number` bounds the sum by `max_payload`, a usize")]
    pub(crate) const fn payload_len(&self, number: u64) -> usize {
        number.wrapping_add(self.number_to_payload) as usize
    }
}

impl fmt::Debug for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Length({self})")
    }
}

impl core::hash::Hash for Length {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        (self.field, self.counts, self.at, self.gap, self.tail, self.max_payload).hash(state);
        (self.zero_is_empty, self.keeps_header, self.lower_case, self.mask).hash(state);
        (self.prefix(), self.infix(), self.suffix()).hash(state);
    }
}
