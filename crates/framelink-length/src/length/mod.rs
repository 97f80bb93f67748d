//! Framings with a length header.

mod builder;

pub use builder::LengthBuilder;

use core::fmt;

use crate::error::HEAD_CAPACITY;
use crate::field::number::{Reader, Writer};
use crate::field::{Counts, Field};
use crate::{Codec, LengthCodec};

/// A framing whose frames begin with their length.
///
/// Every value is valid. It decodes and encodes as a pure function of bytes ([`Decode`](crate::Decode),
/// [`Encode`](crate::Encode)), and is small and `Copy`. `Display` prints its notation in the normal form.
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
    /// The length of the prefix, which is the first of these bytes.
    pub(crate) prefix_len: usize,
    pub(crate) infix_len: usize,
    pub(crate) suffix_len: usize,
    /// The head with a length field of zeros; without a length field if its width is not fixed.
    pub(crate) head: [u8; HEAD_CAPACITY],
    /// The tail.
    pub(crate) end: [u8; HEAD_CAPACITY],
    /// The bits of an integer field that are the number; all bits of a word without free bits.
    pub(crate) mask: u64,
    /// The range of possible numbers, with the limit.
    pub(crate) least_number: u64,
    pub(crate) most_number: u64,
    /// A possible number plus this, modulo 2⁶⁴, is the length of the payload, which always fits a `usize`.
    pub(crate) number_to_payload: u64,
    pub(crate) quick: Quick,
    pub(crate) max_payload: usize,
    /// The largest payload that the header can announce, without the limit.
    pub(crate) most_payload: usize,
}

/// Values that are computed once and used for every frame. For fields of fixed width only.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Quick {
    pub(crate) reader: Reader,
    /// The reader of a plain frame, which is a head of at most eight bytes and the payload. Else [`Reader::Exact`].
    pub(crate) plain: Reader,
    /// The reader of a plain frame that is only the field and the payload that it counts. Else [`Reader::Exact`].
    pub(crate) common: Reader,
    /// Whether `common` is `bcd:2`.
    pub(crate) is_bcd2: bool,
    /// The limit of a plain frame, or less.
    pub(crate) most_payload: u32,
    /// Bytes before the length field, at most 64.
    pub(crate) at: u8,
    /// How a head that fits a word is written; its bytes with a length field of zeros.
    pub(crate) writer: Writer,
    pub(crate) head_len: u8,
    /// Whether the head has at most eight bytes.
    pub(crate) has_short_head: bool,
    pub(crate) head_word: u64,
    /// The bits of `head_word` that are fixed.
    pub(crate) head_literals: u64,
    /// The bits of a word that the field does not use.
    pub(crate) unused_bits: u32,
    /// The bits of `head_word` before and after the field, if the head fits a word and there is no tail.
    pub(crate) before: u8,
    pub(crate) after: u8,
    /// The bits of the number after that shift.
    pub(crate) net_mask: u64,
    /// Whether there is a prefix, infix or suffix to check.
    pub(crate) has_literals: bool,
    /// The difference between the largest and the smallest possible number.
    pub(crate) number_span: u64,
    /// A possible number plus this, modulo 2⁶⁴, is the length of the frame.
    pub(crate) number_to_frame: u64,
    /// The start of the delivered bytes, and the number of bytes after them in the frame.
    pub(crate) delivered_start: usize,
    pub(crate) delivered_short: usize,
}

impl Quick {
    pub(crate) fn of(length: &Length) -> Self {
        let head_len = length.slot_end() + length.gap;
        let has_width = length.field.width().is_some();
        let fits_word = has_width && head_len <= 8 && length.tail == 0 && !length.keeps_header;
        let has_literals = length.prefix_len + length.infix_len + length.suffix_len > 0;
        // With any adjustment, the sum of it and a number of 64 bits may overflow to the length of a payload.
        let may_overflow = length.field.largest() > u64::MAX >> 1 && matches!(length.counts, Counts::Adjust(_));
        let is_plain = fits_word && !may_overflow;
        let is_common = is_plain && length.at == 0 && length.gap == 0 && length.number_to_payload == 0;
        let reader = Reader::of(length.field, length.mask);
        let common = if is_common { reader } else { Reader::Exact };
        let [a, b, c, d, e, f, g, h, ..] = length.head;
        let (delivered_start, delivered_short) = if length.keeps_header { (0, 0) } else { (head_len, length.tail) };
        let (field_start, field_end) = if fits_word { (length.at, length.slot_end()) } else { (0, 8) };
        Self {
            reader,
            plain: match reader {
                _ if !is_plain => Reader::Exact,
                Reader::Net2 | Reader::Net4 => Reader::Net,
                other => other,
            },
            common,
            is_bcd2: common == Reader::Bcd2,
            most_payload: u32::try_from(length.max_payload).unwrap_or(u32::MAX),
            at: u8::try_from(length.at).unwrap_or(u8::MAX),
            writer: if fits_word { Writer::of(length.field) } else { Writer::Exact },
            head_len: u8::try_from(head_len).unwrap_or(u8::MAX),
            has_short_head: head_len <= 8,
            head_word: u64::from_be_bytes([a, b, c, d, e, f, g, h]),
            head_literals: literals_of(length),
            unused_bits: length.field.unused_bits(),
            before: u8::try_from(8 * field_start).unwrap_or(0),
            after: u8::try_from(64 - 8 * field_end).unwrap_or(0),
            net_mask: length.field.largest() & length.mask,
            has_literals,
            number_span: length.most_number - length.least_number,
            number_to_frame: length.number_to_payload.wrapping_add((head_len + length.tail) as u64),
            delivered_start,
            delivered_short,
        }
    }
}

/// The bits of the fixed parts in the first eight bytes of the head.
fn literals_of(length: &Length) -> u64 {
    let (infix_start, mut bits) = (length.slot_end(), [0; 8]);
    for (i, byte) in bits.iter_mut().enumerate() {
        if i < length.prefix_len || (infix_start..infix_start + length.infix_len).contains(&i) {
            *byte = u8::MAX;
        }
    }
    u64::from_be_bytes(bits)
}

impl Length {
    /// Starts a framing with this length field.
    #[must_use]
    pub fn builder(field: Field) -> LengthBuilder {
        LengthBuilder::new(field)
    }

    /// Creates a codec: this framing with the state of one stream, for example for a `tokio_util::codec::Framed`.
    #[must_use]
    pub const fn codec(self) -> LengthCodec {
        Codec::new(self)
    }

    /// Returns the length field.
    #[must_use]
    pub const fn field(&self) -> Field {
        self.field
    }

    /// Returns what the number counts.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// Returns the largest payload in bytes, both ways, without headers, even if messages are whole frames.
    #[must_use]
    pub const fn max_payload(&self) -> usize {
        self.max_payload
    }

    /// Returns the smallest payload in bytes that the header can announce; 0 for most framings.
    #[must_use]
    pub const fn least_payload(&self) -> usize {
        self.payload_len(self.least_number)
    }

    /// Returns whether messages are whole frames with their header.
    #[must_use]
    pub const fn keeps_header(&self) -> bool {
        self.keeps_header
    }

    /// Returns the prefix: the fixed first bytes of the frame.
    #[must_use]
    pub fn prefix(&self) -> &[u8] {
        self.head.get(..self.prefix_len).unwrap_or_default()
    }

    /// Returns the infix: the fixed first bytes after the length field.
    #[must_use]
    pub fn infix(&self) -> &[u8] {
        let start = self.slot_end();
        self.head.get(start..start + self.infix_len).unwrap_or_default()
    }

    /// Returns the suffix: the fixed first bytes after the payload.
    #[must_use]
    pub fn suffix(&self) -> &[u8] {
        self.end.get(..self.suffix_len).unwrap_or_default()
    }

    /// Returns the number of free bytes before the length field, between it and the payload, and after the payload.
    /// Free bytes are no part of the length, the payload or a fixed part. Any value is accepted, and zeros are written.
    /// If messages are whole frames, the messages contain them.
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

    /// The end of the length field in the head template.
    #[inline]
    pub(crate) const fn slot_end(&self) -> usize {
        match self.field.width() {
            Some(width) => self.at + width,
            None => self.at,
        }
    }

    /// The length of the payload for a possible number.
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
