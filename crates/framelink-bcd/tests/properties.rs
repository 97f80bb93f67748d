//! Properties of any number, any bytes and any digits.

use std::ops::RangeInclusive;

use framelink_bcd::{MAX_BYTES, PackError, Pad, UnpackError};
use framelink_bcd::{decode, decode_word, encode, encode_word, max_value};
use framelink_bcd::{pack, packed_len, unpack, unpack_right_f};
use proptest::collection::vec;
use proptest::prelude::*;

/// Numbers with every count of digits. Most plain random numbers have 19 or 20 digits.
fn any_magnitude() -> impl Strategy<Value = u64> {
    (any::<u64>(), 0..20_u32).prop_map(|(value, digits)| value / 10_u64.pow(digits))
}

/// Words of sixteen digits, as text that is valid in hexadecimal and in decimal.
fn sixteen_digits() -> impl Strategy<Value = String> {
    "[0-9]{16}"
}

fn any_pad() -> impl Strategy<Value = Pad> {
    prop_oneof![Just(Pad::LeftZero), Just(Pad::RightF)]
}

/// Bytes that are mostly packed digits, sometimes with another nibble.
fn nearly_packed(bytes: RangeInclusive<usize>) -> impl Strategy<Value = Vec<u8>> {
    let nibble = || prop_oneof![30 => 0..=9_u8, 1 => 10..=15_u8];
    let byte = (nibble(), nibble()).prop_map(|(high, low)| high << 4 | low);
    vec(byte, bytes)
}

/// A word is packed BCD if its hexadecimal text is also decimal text.
fn naive_word(word: u64) -> Option<u64> {
    format!("{word:x}").parse().ok()
}

proptest! {
    #[test]
    fn any_word_decodes_as_its_hexadecimal_text_reads(word: u64) {
        prop_assert_eq!(decode_word(word), naive_word(word));
    }

    #[test]
    fn word_of_digits_decodes_as_its_text_reads(text in sixteen_digits(), shift in 0..16_u32) {
        let word = u64::from_str_radix(&text, 16).unwrap() >> (4 * shift);
        let value = text.parse::<u64>().unwrap() / 10_u64.pow(shift);
        prop_assert_eq!(decode_word(word), Some(value));
        prop_assert_eq!(encode_word(value), Some(word));
    }

    #[test]
    fn one_wrong_nibble_spoils_a_word(text in sixteen_digits(), place in 0..16_u32, wrong in 10..=15_u64) {
        let word = u64::from_str_radix(&text, 16).unwrap();
        let spoiled = word & !(0xf << (4 * place)) | wrong << (4 * place);
        prop_assert_eq!(decode_word(spoiled), None);
    }

    #[test]
    fn what_is_encoded_decodes_to_itself(value in any_magnitude(), bytes in 0..=MAX_BYTES + 1) {
        let mut packed = vec![0; bytes];
        if encode(value, &mut packed).is_ok() {
            prop_assert_eq!(decode(&packed), Ok(value));
        }
    }

    #[test]
    fn what_is_decoded_is_encoded_to_the_same_bytes(packed in nearly_packed(1..=MAX_BYTES)) {
        if let Ok(value) = decode(&packed) {
            let mut again = vec![0; packed.len()];
            prop_assert_eq!(encode(value, &mut again), Ok(()));
            prop_assert_eq!(again, packed);
        }
    }

    #[test]
    fn encode_and_decode_agree_on_every_limit(value in any_magnitude(), bytes in 0..=MAX_BYTES + 1) {
        let mut packed = vec![0; bytes];
        let fits = max_value(bytes).is_some_and(|max| value <= max);
        prop_assert_eq!(encode(value, &mut packed).is_ok(), fits);
        prop_assert_eq!(decode(&packed).is_ok(), max_value(bytes).is_some());
    }

    #[test]
    fn decoding_and_unpacking_read_the_same_digits(packed in nearly_packed(1..=MAX_BYTES)) {
        let mut text = vec![0; 2 * packed.len()];
        let unpacked = unpack(&packed, 2 * packed.len(), Pad::LeftZero, &mut text);
        match (decode(&packed), unpacked) {
            (Ok(value), Ok(text)) => prop_assert_eq!(str::from_utf8(text).unwrap().parse(), Ok(value)),
            (Err(decoding), Err(unpacking)) => prop_assert_eq!(decoding.to_string(), unpacking.to_string()),
            (decoded, unpacked) => prop_assert!(false, "{decoded:?} as a number, {unpacked:?} as text"),
        }
    }

    #[test]
    fn packed_digits_unpack_to_the_same_text(text in "[0-9]{0,100}", pad in any_pad()) {
        let (mut packed, mut unpacked) = (vec![0; packed_len(text.len())], vec![0; text.len()]);
        let packed = pack(text.as_bytes(), pad, &mut packed).unwrap();
        prop_assert_eq!(unpack(packed, text.len(), pad, &mut unpacked), Ok(text.as_bytes()));
        if pad == Pad::RightF {
            prop_assert_eq!(unpack_right_f(packed, &mut unpacked), Ok(text.as_bytes()));
        }
    }

    #[test]
    fn uncounted_digits_pack_to_the_same_bytes(packed in nearly_packed(0..=20)) {
        let mut text = vec![0; 2 * packed.len()];
        if let Ok(text) = unpack_right_f(&packed, &mut text) {
            let mut again = vec![0; packed.len()];
            prop_assert_eq!(pack(text, Pad::RightF, &mut again), Ok(&packed[..]));
        }
    }

    #[test]
    fn buffer_is_long_enough_or_refused(text in "[0-9]{0,20}", room in 0..24_usize, pad in any_pad()) {
        let digits = text.len();
        let needed = packed_len(digits);
        let mut buffer = vec![0; room];
        match pack(text.as_bytes(), pad, &mut buffer) {
            Ok(packed) => prop_assert_eq!(packed.len(), needed),
            Err(error) => {
                prop_assert!(room < needed);
                prop_assert_eq!(error, PackError::Buffer { digits, needed, available: room });
            }
        }

        let mut buffer = vec![0; needed];
        let packed = pack(text.as_bytes(), pad, &mut buffer).unwrap();
        let mut ascii = vec![0; room];
        match unpack(packed, digits, pad, &mut ascii) {
            Ok(ascii) => prop_assert_eq!(ascii, text.as_bytes()),
            Err(error) => {
                prop_assert!(room < digits);
                prop_assert_eq!(error, UnpackError::Buffer { digits, available: room });
            }
        }
    }
}
