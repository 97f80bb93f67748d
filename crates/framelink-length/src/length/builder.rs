//! The builder of a `Length`.

use alloc::vec::Vec;

use crate::error::{HEAD_CAPACITY, MEMORY_MAX, SpecError};
use crate::field::{Counts, Field};
use crate::length::{Length, Quick};

/// Builds a [`Length`]. A setter replaces the value before. `build` checks all options together.
///
/// ```
/// use framelink_length::{Counts, Field, Length};
///
/// let built = Length::builder(Field::Net(2)).at(2).prefix([0x03]).counts(Counts::Frame).build()?;
/// assert_eq!(built, "net:2,at=2,prefix=03,counts=frame".parse()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct LengthBuilder {
    field: Field,
    at: Option<usize>,
    prefix: Vec<u8>,
    mask: Option<u64>,
    gap: Option<usize>,
    infix: Vec<u8>,
    tail: Option<usize>,
    suffix: Vec<u8>,
    counts: Counts,
    zero_is_empty: bool,
    keeps_header: bool,
    lower_case: bool,
    max: Option<usize>,
}

/// The default limit: 1 MiB.
const DEFAULT_MAX: usize = 1024 * 1024;

macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident($given:ident: $type:ty) => $place:ident = $value:expr;)*) => { $(
        $(#[$doc])*
        #[must_use]
        pub const fn $name(mut self, $given: $type) -> Self {
            self.$place = $value;
            self
        }
    )* };
}

impl LengthBuilder {
    /// Starts a framing of a length field and the payload that it counts.
    #[must_use]
    pub const fn new(field: Field) -> Self {
        Self {
            field,
            at: None,
            prefix: Vec::new(),
            mask: None,
            gap: None,
            infix: Vec::new(),
            tail: None,
            suffix: Vec::new(),
            counts: Counts::Rest,
            zero_is_empty: false,
            keeps_header: false,
            lower_case: false,
            max: None,
        }
    }

    /// Sets the first bytes of the frame. They are checked when read and written when sent. The default is none.
    #[must_use]
    pub fn prefix(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.prefix = bytes.into();
        self
    }

    /// Sets the first bytes of the gap. They are checked when read and written when sent. The default is none.
    #[must_use]
    pub fn infix(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.infix = bytes.into();
        self
    }

    /// Sets the first bytes of the tail. They are checked when read and written when sent. The default is none.
    #[must_use]
    pub fn suffix(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.suffix = bytes.into();
        self
    }

    /// Sets what the number counts. The default is [`Counts::Rest`].
    #[must_use]
    pub const fn counts(mut self, counts: Counts) -> Self {
        self.counts = match counts {
            Counts::Adjust(0) => Counts::Rest,
            other => other,
        };
        self
    }

    setters! {
        /// Sets how many bytes come before the length field. The default is the length of the prefix.
        at(bytes: usize) => at = Some(bytes);
        /// Sets the bits of an integer field that are the number, contiguous from bit 0. The others are free. The
        /// default is all.
        mask(mask: u64) => mask = Some(mask);
        /// Sets how many bytes come between the length field and the payload. The default is the length of the infix.
        gap(bytes: usize) => gap = Some(bytes);
        /// Sets how many bytes come after the payload. The default is the length of the suffix.
        tail(bytes: usize) => tail = Some(bytes);
        /// Sets whether the number 0, if it has no other meaning, is an empty frame that ends with its length field.
        /// The default is no.
        zero_is_empty(yes: bool) => zero_is_empty = yes;
        /// Sets whether messages are whole frames with their header, which are checked when sent. The default is no.
        keep_header(yes: bool) => keeps_header = yes;
        /// Sets whether hexadecimal digits are written in lower case. The default is no.
        lower_case(yes: bool) => lower_case = yes;
        /// Sets the largest payload in bytes, both ways. The default is 1 MiB, or the most that the header can announce
        /// if that is less.
        max(bytes: usize) => max = Some(bytes);
    }

    /// Builds the framing.
    ///
    /// # Errors
    /// If an option is out of bounds or does not go with the others, or if no frame can exist.
    pub fn build(&self) -> Result<Length, SpecError> {
        self.check_field()?;
        let at = part(SpecError::PrefixOutside, self.at, &self.prefix)?;
        let gap = part(SpecError::InfixOutside, self.gap, &self.infix)?;
        let tail = part(SpecError::SuffixOutside, self.tail, &self.suffix)?;
        self.check_room(at, gap, tail)?;
        let mask = self.checked_mask()?;
        let numbers = Numbers::new(self, mask.min(self.field.largest()), at, gap, tail)?;
        let slot = at + self.field.width().unwrap_or(0);
        let mut head = [0; HEAD_CAPACITY];
        put(&mut head, 0, &self.prefix);
        put(&mut head, slot, &self.infix);
        let mut end = [0; HEAD_CAPACITY];
        put(&mut end, 0, &self.suffix);
        let mut length = Length {
            field: self.field,
            counts: self.counts,
            zero_is_empty: self.zero_is_empty,
            keeps_header: self.keeps_header,
            lower_case: self.lower_case,
            at,
            gap,
            tail,
            prefix_len: self.prefix.len(),
            infix_len: self.infix.len(),
            suffix_len: self.suffix.len(),
            head,
            end,
            mask,
            least_number: numbers.least,
            most_number: numbers.most,
            number_to_payload: numbers.to_payload,
            quick: Quick::default(),
            max_payload: numbers.max_payload,
            most_payload: numbers.most_payload,
        };
        length.quick = Quick::of(&length);
        Ok(length)
    }

    /// The length field, valid or not.
    pub(crate) const fn field(&self) -> Field {
        self.field
    }

    /// The default limit.
    pub(crate) fn default_max(most_payload: usize) -> usize {
        DEFAULT_MAX.min(most_payload)
    }

    fn check_field(&self) -> Result<(), SpecError> {
        let kind = self.field.name();
        if let (Some(width), Some((most, unit))) = (self.field.width(), self.field.bounds())
            && !(1..=usize::from(most)).contains(&width)
        {
            return Err(SpecError::Width { kind, width, most, unit });
        }
        match self.field {
            Field::Decimal(separator @ b'0'..=b'9') => return Err(SpecError::Separator(separator)),
            Field::Decimal(_) | Field::Varint if matches!(self.counts, Counts::Itself | Counts::Frame) => {
                return Err(SpecError::CountsItsOwnWidth { kind });
            }
            _ => {}
        }
        if self.lower_case && !matches!(self.field, Field::Hex(_)) {
            return Err(SpecError::NotTaken { option: "lower", kind, by: "hex" });
        }
        if self.mask.is_some() && !matches!(self.field, Field::Net(_) | Field::Le(_)) {
            return Err(SpecError::NotTaken { option: "mask", kind, by: "net and le" });
        }
        Ok(())
    }

    fn check_room(&self, at: usize, gap: usize, tail: usize) -> Result<(), SpecError> {
        // Each part is checked alone first: the sum cannot overflow, and the error names the part that is too long.
        for (option, len) in [("at", at), ("gap", gap), ("tail", tail)] {
            if len > HEAD_CAPACITY {
                return Err(SpecError::TooLong { option, len });
            }
        }
        let field = self.field.most_bytes();
        if at + field + gap > HEAD_CAPACITY {
            return Err(SpecError::HeadTooLong { at, field, gap });
        }
        Ok(())
    }

    /// The bits that are the number; all bits of a word without a mask.
    fn checked_mask(&self) -> Result<u64, SpecError> {
        let Some(mask) = self.mask else { return Ok(u64::MAX) };
        let all = self.field.largest();
        if mask == 0 || mask & mask.wrapping_add(1) != 0 {
            return Err(SpecError::MaskWithHoles(mask));
        }
        if mask > all {
            return Err(SpecError::MaskTooWide { mask, field: self.field.most_bytes() });
        }
        Ok(if mask == all { u64::MAX } else { mask })
    }
}

/// The possible numbers, and their meaning.
struct Numbers {
    least: u64,
    most: u64,
    to_payload: u64,
    max_payload: usize,
    most_payload: usize,
}

impl Numbers {
    fn new(spec: &LengthBuilder, largest: u64, at: usize, gap: usize, tail: usize) -> Result<Self, SpecError> {
        // 128 bits hold every sum below: a u64 number, an i64 adjustment, and lengths up to 64.
        let wide = |len: usize| i128::try_from(len).unwrap_or(i128::MAX / 4);
        let width = spec.field.width().unwrap_or(0);
        let beside = wide(gap + tail);
        let to_payload = match spec.counts {
            Counts::Payload => 0,
            Counts::Rest => -beside,
            Counts::Itself => -beside - wide(width),
            Counts::Frame => -beside - wide(width) - wide(at),
            Counts::Adjust(by) => i128::from(by) - beside,
        };
        let least_payload = to_payload.max(0);
        let most_payload = i128::from(largest) + to_payload;
        if most_payload < 0 {
            let least = clamp_u64(-to_payload);
            return Err(SpecError::NoFrame { largest, least });
        }
        let most_payload = clamp_usize(most_payload).min(MEMORY_MAX);
        let max_payload = spec.max.unwrap_or(LengthBuilder::default_max(most_payload));
        if max_payload > most_payload {
            return Err(SpecError::MaxBeyond { max: max_payload, most: most_payload });
        }
        if wide(max_payload) < least_payload {
            return Err(SpecError::MaxBelow { max: max_payload, least: clamp_u64(least_payload) });
        }
        let least = clamp_u64(least_payload - to_payload);
        if spec.zero_is_empty && least == 0 {
            return Err(SpecError::ZeroCanBe);
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "meant modulo 2^64")]
        let to_payload_wrapped = to_payload as u64;
        Ok(Self {
            least,
            most: clamp_u64(wide(max_payload) - to_payload),
            to_payload: to_payload_wrapped,
            max_payload,
            most_payload,
        })
    }
}

/// The length of the part that begins with the bytes `fixed`.
fn part(outside: fn(usize, usize) -> SpecError, len: Option<usize>, fixed: &[u8]) -> Result<usize, SpecError> {
    let len = len.unwrap_or(fixed.len());
    if fixed.len() > len { Err(outside(fixed.len(), len)) } else { Ok(len) }
}

/// Copies bytes that fit, as `check_room` has checked.
fn put(into: &mut [u8; HEAD_CAPACITY], start: usize, bytes: &[u8]) {
    if let Some(place) = into.get_mut(start..start + bytes.len()) {
        place.copy_from_slice(bytes);
    }
}

fn clamp_u64(number: i128) -> u64 {
    u64::try_from(number.max(0)).unwrap_or(u64::MAX)
}

fn clamp_usize(number: i128) -> usize {
    usize::try_from(number.max(0)).unwrap_or(usize::MAX)
}
