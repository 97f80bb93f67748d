//! Every input of up to three bytes, and every number of up to six digits, against a plain oracle.

use framelink_bcd::{DecodeError, decode, decode_short, decode_word, encode, encode_array, encode_word};

/// Decodes packed digits nibble by nibble.
fn oracle(packed: &[u8]) -> Result<u64, DecodeError> {
    let mut value = 0;
    for (position, &byte) in packed.iter().enumerate() {
        for (side, found) in [byte / 16, byte % 16].into_iter().enumerate() {
            if found > 9 {
                return Err(DecodeError::Nibble { index: 2 * position + side, found });
            }
            value = 10 * value + u64::from(found);
        }
    }
    Ok(value)
}

fn every_input_of(bytes: usize) {
    for number in 0..1_u32 << (8 * bytes) {
        let word = number.to_be_bytes();
        let packed = &word[word.len() - bytes..];
        let expected = oracle(packed);
        assert_eq!(decode(packed), expected, "{packed:02x?}");
        assert_eq!(decode_word(number.into()), expected.ok(), "{packed:02x?} as a word");
        if let Ok(short) = u16::try_from(number) {
            assert_eq!(decode_short(short).map(u64::from), decode_word(number.into()), "{packed:02x?} as two bytes");
        }
        if let Ok(value) = expected {
            let mut again = [0xee; 3];
            let again = &mut again[..bytes];
            assert_eq!(encode(value, again), Ok(()), "{value} encoded again");
            assert_eq!(again, packed, "{value} encoded again");
        }
    }
}

#[test]
fn every_byte_decodes_as_the_oracle_says() {
    every_input_of(1);
}

#[test]
fn every_two_bytes_decode_as_the_oracle_says() {
    every_input_of(2);
}

#[test]
fn every_three_bytes_decode_as_the_oracle_says() {
    every_input_of(3);
}

#[test]
fn every_number_of_six_digits_is_encoded_as_its_text_reads() {
    for value in 0..=999_999 {
        // Packed BCD printed in hexadecimal is the number printed in decimal.
        let text = format!("{value:06}");
        let word = u64::from_str_radix(&text, 16).unwrap();
        assert_eq!(encode_word(value), Some(word), "{value}");

        let expected = word.to_be_bytes();
        let mut packed = [0xee; 3];
        assert_eq!(encode(value, &mut packed), Ok(()), "{value}");
        assert_eq!(packed, expected[5..], "{value}");

        assert_eq!(encode_array(value), Ok(expected), "{value} in eight bytes");
        for bytes in [1, 2] {
            let fits = value < 100_u64.pow(bytes);
            let mut packed = vec![0xee; bytes as usize];
            assert_eq!(encode(value, &mut packed).is_ok(), fits, "{value} in {bytes} bytes");
        }
    }
}
