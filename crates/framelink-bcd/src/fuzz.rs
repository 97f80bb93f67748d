//! The bodies of the fuzz targets: what holds for any bytes.

use crate::{DecodeError, MAX_BYTES, Pad, decode, decode_word, encode, encode_word, max_value};
use crate::{pack, packed_len, unpack, unpack_right_f};

/// Longer inputs are cut to this length: the buffers here are arrays, and more digits take no other path.
const LIMIT: usize = 64;

/// Asserts the promises of this crate on these bytes as packed digits, as an integer and as text.
///
/// ```
/// framelink_bcd::fuzz::bcd(b"\x12\x34");
/// ```
///
/// # Panics
///
/// If a promise is broken.
pub fn bcd(data: &[u8]) {
    let data = &data[..data.len().min(LIMIT)];
    bytes_decode_as_the_oracle_says(&data[..data.len().min(MAX_BYTES + 1)]);
    if let Some((value, _)) = data.split_first_chunk() {
        integer_is_encoded_where_it_fits(u64::from_be_bytes(*value));
    }
    text_is_packed_if_it_is_digits(data);
    unpacked_digits_pack_to_the_same_bytes(data);

    let mut digits = [0; LIMIT];
    for (digit, byte) in digits.iter_mut().zip(data) {
        *digit = b'0' + byte % 10;
    }
    packed_digits_unpack_to_the_same_text(&digits[..data.len()]);
}

fn bytes_decode_as_the_oracle_says(packed: &[u8]) {
    let decoded = decode(packed);
    assert_eq!(decoded, oracle(packed), "{packed:02x?}");
    if packed.len() <= 8 {
        let word = packed.iter().fold(0, |word, &byte| word << 8 | u64::from(byte));
        assert_eq!(decode_word(word), oracle(&word.to_be_bytes()).ok(), "{word:#x} as a word");
    }
    if let Ok(value) = decoded {
        let mut again = [0; MAX_BYTES];
        let again = &mut again[..packed.len()];
        assert_eq!(encode(value, again), Ok(()));
        assert_eq!(again, packed, "{value} encoded again");
    }
}

fn integer_is_encoded_where_it_fits(value: u64) {
    // Most random integers have many digits, so the integer is also tried without its last digits.
    for value in [value, value / 1_000_000, value / 1_000_000_000_000, value % 10_000] {
        for bytes in 0..=MAX_BYTES + 1 {
            let mut packed = [0xee; MAX_BYTES + 1];
            let packed = &mut packed[..bytes];
            if max_value(bytes).is_some_and(|max| value <= max) {
                assert_eq!(encode(value, packed), Ok(()), "{value} in {bytes} bytes");
                assert_eq!(decode(packed), Ok(value), "{value} in {bytes} bytes");
            } else {
                assert!(encode(value, packed).is_err(), "{value} in {bytes} bytes");
                assert!(packed.iter().all(|&byte| byte == 0xee), "an error leaves the buffer as it was");
            }
        }
        if let Some(word) = encode_word(value) {
            assert_eq!(decode_word(word), Some(value));
        }
    }
}

fn text_is_packed_if_it_is_digits(text: &[u8]) {
    let is_digits = text.iter().all(u8::is_ascii_digit);
    let packed = pack(text, Pad::LeftZero, &mut [0; LIMIT]).is_ok();
    assert_eq!(packed, is_digits, "{text:02x?}");
}

fn unpacked_digits_pack_to_the_same_bytes(packed: &[u8]) {
    let mut text = [0; 2 * LIMIT];
    let mut again = [0; LIMIT];
    if let Ok(text) = unpack_right_f(packed, &mut text) {
        assert_eq!(pack(text, Pad::RightF, &mut again), Ok(packed));
    }
    for digits in [2 * packed.len(), (2 * packed.len()).saturating_sub(1)] {
        for pad in [Pad::LeftZero, Pad::RightF] {
            if let Ok(text) = unpack(packed, digits, pad, &mut text) {
                assert_eq!(pack(text, pad, &mut again), Ok(packed), "{digits} digits, {pad:?}");
            }
        }
    }
}

fn packed_digits_unpack_to_the_same_text(digits: &[u8]) {
    for pad in [Pad::LeftZero, Pad::RightF] {
        let mut packed = [0; LIMIT];
        let mut text = [0; LIMIT];
        let packed = match pack(digits, pad, &mut packed) {
            Ok(packed) => packed,
            Err(error) => panic!("{error}: {digits:02x?}"),
        };
        assert_eq!(packed.len(), packed_len(digits.len()));
        assert_eq!(unpack(packed, digits.len(), pad, &mut text), Ok(digits), "{pad:?}");
        if pad == Pad::RightF {
            assert_eq!(unpack_right_f(packed, &mut text), Ok(digits), "the count told by the pad");
        }
    }
}

/// Decodes packed digits nibble by nibble.
fn oracle(packed: &[u8]) -> Result<u64, DecodeError> {
    if !(1..=MAX_BYTES).contains(&packed.len()) {
        return Err(DecodeError::Width { bytes: packed.len() });
    }
    let mut value = 0;
    for index in 0..2 * packed.len() {
        let byte = packed[index / 2];
        let found = if index % 2 == 0 { byte / 16 } else { byte % 16 };
        if found > 9 {
            return Err(DecodeError::Nibble { index, found });
        }
        value = value * 10 + u64::from(found);
    }
    Ok(value)
}
