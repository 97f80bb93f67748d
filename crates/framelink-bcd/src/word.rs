//! Sixteen digits at once, in a machine word.

/// The most bytes of one integer: 9 bytes or 18 digits. Some integers of 20 digits do not fit a `u64`.
///
/// ```
/// assert_eq!(framelink_bcd::decode(&[0x99; framelink_bcd::MAX_BYTES]), Ok(999_999_999_999_999_999));
/// ```
pub const MAX_BYTES: usize = 9;

/// The bytes of a word, and so its pairs of digits.
pub(crate) const WORD_BYTES: usize = 8;

/// The smallest number with more than sixteen digits.
pub(crate) const WORD_END: u64 = 10_000_000_000_000_000;

/// Reads up to sixteen packed digits held in a word; `None` if any nibble is above 9.
///
/// The word is the packed bytes loaded big-endian, with zeros in the unused high bytes. Use it in hot loops: it has one
/// branch, no loop and no memory access. [`decode`](crate::decode) reads slices and says which nibble is wrong.
///
/// # Examples
///
/// ```
/// use framelink_bcd::decode_word;
///
/// let header = [0x01, 0x28];
/// assert_eq!(decode_word(u16::from_be_bytes(header).into()), Some(128));
/// assert_eq!(decode_word(0x9999_9999_9999_9999), Some(9_999_999_999_999_999));
/// assert_eq!(decode_word(0x012a), None);
/// ```
#[inline]
#[must_use]
pub const fn decode_word(packed: u64) -> Option<u64> {
    if above_nine(packed) != 0 {
        return None;
    }
    // Each line joins neighbours. Numbers h and l of k bits each read as h × 2^k + l. Minus h × (2^k − 10^d) that is
    // h × 10^d + l, where l has d digits. A lane loses at most its own h × 2^k, so no lane borrows from the next.
    let twos = packed - (0x10 - 10) * ((packed >> 4) & 0x0f0f_0f0f_0f0f_0f0f);
    let fours = twos - (0x100 - 100) * ((twos >> 8) & 0x00ff_00ff_00ff_00ff);
    let eights = fours - (0x1_0000 - 10_000) * ((fours >> 16) & 0x0000_ffff_0000_ffff);
    Some(eights - (0x1_0000_0000 - 100_000_000) * (eights >> 32))
}

/// Reads the four digits of two bytes, the most common header; `None` if a nibble is above 9.
///
/// It takes half the steps of [`decode_word`].
///
/// # Examples
///
/// ```
/// use framelink_bcd::decode_short;
///
/// assert_eq!(decode_short(u16::from_be_bytes([0x01, 0x28])), Some(128));
/// assert_eq!(decode_short(0x012a), None);
/// ```
#[inline]
#[must_use]
pub const fn decode_short(packed: u16) -> Option<u16> {
    let packed = packed as u32;
    if (packed >> 3) & ((packed >> 2) | (packed >> 1)) & 0x1111 != 0 {
        return None;
    }
    let twos = packed - (0x10 - 10) * ((packed >> 4) & 0x0f0f);
    let four = twos - (0x100 - 100) * (twos >> 8);
    #[expect(clippy::cast_possible_truncation, reason = "four digits, at most 9999")]
    let four = four as u16;
    Some(four)
}

/// Packs a number into the sixteen digits of a word; `None` if it is above 9 999 999 999 999 999.
///
/// The digits are at the low end: the last n bytes of the word's `to_be_bytes` are the number packed in n bytes, if it
/// fits them. [`encode`](crate::encode) writes slices and checks this.
///
/// # Examples
///
/// ```
/// use framelink_bcd::encode_word;
///
/// assert_eq!(encode_word(128), Some(0x0128));
/// assert_eq!(encode_word(9_999_999_999_999_999), Some(0x9999_9999_9999_9999));
/// assert_eq!(encode_word(10_000_000_000_000_000), None);
/// ```
#[inline]
#[must_use]
pub const fn encode_word(value: u64) -> Option<u64> {
    if value >= WORD_END {
        return None;
    }
    // The steps of `decode_word` backwards would be slower: dividing lane by lane takes two multiplications and their
    // masks for each step. Lengths have few digits, and this loop takes one turn for each two digits.
    let mut rest = value;
    let mut packed = 0;
    let mut shift = 0;
    while rest > 0 {
        let two = rest % 100;
        packed |= (two + (0x10 - 10) * (two / 10)) << shift;
        rest /= 100;
        shift += 8;
    }
    Some(packed)
}

/// The lowest bit of each nibble above 9. Such a nibble has bit 8, and bit 4 or bit 2.
#[inline]
pub(crate) const fn above_nine(packed: u64) -> u64 {
    (packed >> 3) & ((packed >> 2) | (packed >> 1)) & 0x1111_1111_1111_1111
}
