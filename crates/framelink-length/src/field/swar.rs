//! Reads and writes eight digits at a time, as bytes of one word.

const ZEROS: u64 = 0x3030_3030_3030_3030;

/// Returns the number of eight ASCII digits; `None` if a byte is no digit. The first digit is the least significant
/// byte.
#[inline]
pub(crate) const fn from_digits(word: u64) -> Option<u64> {
    // A digit becomes 0 to 9. Any larger byte sets the high bit when 0x76 is added, or had it before. Only a byte that
    // had it can carry into the next byte.
    let digits = word ^ ZEROS;
    if (digits.wrapping_add(0x7676_7676_7676_7676) | digits) & 0x8080_8080_8080_8080 != 0 {
        return None;
    }
    // Joins neighbours three times: the first times ten (a hundred, ten thousand) plus the second. The multiplication
    // by 2^k × factor + 1 does both; a mask removes the rest from the other lanes.
    let pairs = (digits.wrapping_mul(10 << 8 | 1) >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul(100 << 16 | 1) >> 16) & 0x0000_ffff_0000_ffff;
    Some(fours.wrapping_mul(10_000 << 32 | 1) >> 32)
}

/// Returns the number of four ASCII digits, like [`from_digits`] with one step less.
#[inline]
pub(crate) const fn from_four_digits(word: u32) -> Option<u64> {
    let digits = word ^ 0x3030_3030;
    if (digits.wrapping_add(0x7676_7676) | digits) & 0x8080_8080 != 0 {
        return None;
    }
    let pairs = (digits.wrapping_mul(10 << 8 | 1) >> 8) & 0x00ff_00ff;
    Some((pairs.wrapping_mul(100 << 16 | 1) >> 16) as u64)
}

/// Returns a number below 100 000 000 as eight ASCII digits. The first digit is the most significant byte.
#[inline]
pub(crate) const fn to_digits(number: u64) -> u64 {
    let fours = ((number / 10_000) << 32) | (number % 10_000);
    // Divides by multiplication in all lanes at once: exact below 10 000 (by 100) and below 100 (by 10).
    let hundreds = ((fours * 10_486) >> 20) & 0x0000_007f_0000_007f;
    let pairs = (hundreds << 16) + (fours - hundreds * 100);
    let tens = ((pairs * 103) >> 10) & 0x000f_000f_000f_000f;
    ((tens << 8) + (pairs - tens * 10)) | ZEROS
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn every_number_below_ten_to_the_eighth_survives() {
        let step = |n: u64| if n < 1_000_000 { 1 } else { 97 };
        let mut number = 0;
        while number < 100_000_000 {
            let word = to_digits(number);
            if number % 9_973 == 0 {
                assert_eq!(word.to_be_bytes().as_slice(), format!("{number:08}").as_bytes());
            }
            assert_eq!(from_digits(word.swap_bytes()), Some(number));
            if let Ok(four @ 0..10_000) = u32::try_from(number) {
                let [.., a, b, c, d] = word.to_be_bytes();
                assert_eq!(from_four_digits(u32::from_le_bytes([a, b, c, d])), Some(u64::from(four)));
            }
            number += step(number);
        }
        assert_eq!(from_digits(to_digits(99_999_999).swap_bytes()), Some(99_999_999));
    }

    #[test]
    fn every_byte_that_is_no_digit_is_refused_in_every_place() {
        for place in 0..8 {
            for byte in u8::MIN..=u8::MAX {
                let mut digits = *b"12345678";
                digits[place] = byte;
                let number = from_digits(u64::from_le_bytes(digits));
                assert_eq!(number.is_some(), byte.is_ascii_digit(), "byte {byte:#04x} in place {place}");
                if place < 4 {
                    let [a, b, c, d, ..] = digits;
                    let number = from_four_digits(u32::from_le_bytes([a, b, c, d]));
                    assert_eq!(number.is_some(), byte.is_ascii_digit(), "byte {byte:#04x} in place {place} of four");
                }
            }
        }
    }
}
