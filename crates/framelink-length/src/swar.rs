//! Eight digits at a time, as bytes of one word, the most significant digit in the most significant byte.

const LOW_NIBBLES: u64 = 0x0f0f_0f0f_0f0f_0f0f;
const ZEROS: u64 = 0x3030_3030_3030_3030;

/// Eight ASCII digits as a number, `None` if a byte is no digit.
#[inline]
pub(crate) const fn from_digits(word: u64) -> Option<u64> {
    // A digit has the high nibble 3, and still has it when 6 is added. A carry out of a byte can only come from one
    // whose high nibble was not 3.
    let plain = word & !LOW_NIBBLES;
    let raised = word.wrapping_add(0x0606_0606_0606_0606) & !LOW_NIBBLES;
    if plain != ZEROS || raised != ZEROS {
        return None;
    }
    let digits = word & LOW_NIBBLES;
    let pairs = ((digits >> 8) & 0x00ff_00ff_00ff_00ff) * 10 + (digits & 0x00ff_00ff_00ff_00ff);
    let fours = ((pairs >> 16) & 0x0000_ffff_0000_ffff) * 100 + (pairs & 0x0000_ffff_0000_ffff);
    Some((fours >> 32) * 10_000 + (fours & 0xffff_ffff))
}

/// A number below 100 000 000 as eight ASCII digits.
#[inline]
pub(crate) const fn to_digits(number: u64) -> u64 {
    let fours = ((number / 10_000) << 32) | (number % 10_000);
    // Division by a constant as multiplication, exact below 10 000 (by 100) and below 100 (by 10), in all lanes at once.
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
            assert_eq!(from_digits(word), Some(number));
            number += step(number);
        }
        assert_eq!(from_digits(to_digits(99_999_999)), Some(99_999_999));
    }

    #[test]
    fn every_byte_that_is_no_digit_is_refused_in_every_place() {
        for place in 0..8 {
            for byte in u8::MIN..=u8::MAX {
                let mut digits = *b"12345678";
                digits[place] = byte;
                let number = from_digits(u64::from_be_bytes(digits));
                assert_eq!(number.is_some(), byte.is_ascii_digit(), "byte {byte:#04x} in place {place}");
            }
        }
    }
}
