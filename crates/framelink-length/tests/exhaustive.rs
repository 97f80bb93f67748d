//! Every header of up to three bytes and every kind against a naive reader, and in longer headers every value at any
//! two positions.

use framelink_length::{Decode, DecodeError, Decoded, Encode, Field, Length};

/// The meaning of the first bytes of a stream by the notation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    /// A number, and its width in bytes.
    Number(u64, usize),
    /// Incomplete: at least this many more bytes are needed.
    Missing(usize),
    /// Wrong: this byte cannot be part of a number.
    WrongByte(usize),
    /// Wrong: the number is not in its shortest form, or empty.
    WrongForm,
}

/// An integer in base 256.
fn integer(input: &[u8], width: usize, is_little_endian: bool) -> Says {
    if input.len() < width {
        return Says::Missing(width - input.len());
    }
    let mut number = 0;
    for i in 0..width {
        let place = if is_little_endian { width - 1 - i } else { i };
        number = number * 256 + u64::from(input[place]);
    }
    Says::Number(number, width)
}

/// Digits of any base: each byte has a value or is wrong.
fn digits(input: &[u8], width: usize, base: u64, worth: fn(u8) -> Option<u64>) -> Says {
    let mut number = 0;
    for i in 0..width {
        match input.get(i) {
            None => return Says::Missing(width - i),
            Some(&byte) => match worth(byte) {
                None => return Says::WrongByte(i),
                Some(digit) => number = number * base + digit,
            },
        }
    }
    Says::Number(number, width)
}

fn ascii(byte: u8) -> Option<u64> {
    if byte.is_ascii_digit() { Some(u64::from(byte) - 0x30) } else { None }
}

fn ebcdic(byte: u8) -> Option<u64> {
    if (0xf0..=0xf9).contains(&byte) { Some(u64::from(byte) - 0xf0) } else { None }
}

fn hex(byte: u8) -> Option<u64> {
    "0123456789abcdef".bytes().position(|digit| digit == byte.to_ascii_lowercase()).map(|digit| digit as u64)
}

fn two_digits(byte: u8) -> Option<u64> {
    let (high, low) = (byte / 16, byte % 16);
    if high < 10 && low < 10 { Some(u64::from(high) * 10 + u64::from(low)) } else { None }
}

fn decimal(input: &[u8], separator: u8) -> Says {
    let mut number = 0;
    for (i, &byte) in input.iter().enumerate() {
        if byte == separator {
            return if i == 0 { Says::WrongForm } else { Says::Number(number, i + 1) };
        }
        let Some(digit) = ascii(byte) else { return Says::WrongByte(i) };
        if i > 0 && input[0] == b'0' {
            return Says::WrongForm;
        }
        number = number * 10 + digit;
    }
    // The shortest number is a digit and the separator.
    Says::Missing(if input.is_empty() { 2 } else { 1 })
}

fn varint(input: &[u8]) -> Says {
    let mut number = 0;
    for (i, &byte) in input.iter().enumerate() {
        number += u64::from(byte % 128) * 128_u64.pow(u32::try_from(i).unwrap_or(u32::MAX));
        if byte < 128 {
            return if i > 0 && byte == 0 { Says::WrongForm } else { Says::Number(number, i + 1) };
        }
    }
    Says::Missing(1)
}

/// The meaning of the bytes for any field.
fn says(field: Field, input: &[u8]) -> Says {
    match field {
        Field::Net(width) => integer(input, usize::from(width), false),
        Field::Le(width) => integer(input, usize::from(width), true),
        Field::Ascii(width) => digits(input, usize::from(width), 10, ascii),
        Field::Hex(width) => digits(input, usize::from(width), 16, hex),
        Field::Ebcdic(width) => digits(input, usize::from(width), 10, ebcdic),
        Field::Bcd(width) => digits(input, usize::from(width), 100, two_digits),
        Field::Decimal(separator) => decimal(input, separator),
        Field::Varint => varint(input),
        other => panic!("{other:?} is new"),
    }
}

/// Longer than any frame that three bytes or eight digits announce. It is never written, so the system keeps its pages
/// as shared zeros.
const ROOM: usize = 100_000_064;

/// The largest payload of a walk.
#[derive(Clone, Copy)]
enum Max {
    /// The most that the header can announce.
    All,
    /// Less, so that there are numbers over the limit.
    Less(usize),
}

/// Tries all inputs of up to `width` bytes, each alone and with a long buffer after it.
fn walk(field: Field, width: usize, max: Max) {
    let (length, limit) = limited(field, max);
    let mut buffer = vec![0; ROOM];
    for len in 0..=width {
        for header in 0..1_u32 << (8 * len) {
            let [a, b, c, _] = header.to_le_bytes();
            buffer[..3].copy_from_slice(&[a, b, c]);
            let alone = &buffer[..len];
            agree(&length, limit, alone, says(field, alone));
            if len == width {
                agree(&length, limit, &buffer, says(field, &buffer[..16]));
            }
        }
    }
}

fn limited(field: Field, max: Max) -> (Length, usize) {
    let limit = match max {
        Max::All => usize::try_from(field.largest()).map_or(ROOM - 64, |largest| largest.min(ROOM - 64)),
        Max::Less(less) => less,
    };
    (Length::builder(field).max(limit).build().expect("a valid framing"), limit)
}

fn agree(length: &Length, limit: usize, input: &[u8], says: Says) {
    let got = length.decode(input, 0, None);
    match (length.whole_frame(input), got) {
        (Some(frame), _) => assert_eq!(got, Ok(Decoded::Frame(frame)), "{length}: the shortcut"),
        (None, Ok(Decoded::Frame(_))) => assert!(!has_shortcut(length, input), "{length}: no shortcut"),
        (None, _) => {}
    }
    let is_right = match (says, got) {
        (Says::Number(number, _), Err(DecodeError::OverLimit { announced, limit: said })) => {
            number == announced && number > limit as u64 && said == limit
        }
        (Says::Number(number, width), Ok(decoded)) => {
            let frame_len = width as u64 + number;
            number <= limit as u64
                && match decoded {
                    Decoded::Frame(frame) => {
                        frame.frame_len as u64 == frame_len
                            && frame.payload_start == width
                            && frame.payload_end == frame.frame_len
                            && frame.frame_len <= input.len()
                    }
                    Decoded::Incomplete(need) => (input.len() + need.missing) as u64 == frame_len,
                }
        }
        (Says::Missing(missing), Ok(Decoded::Incomplete(need))) => need.missing == missing,
        (Says::WrongByte(at), Err(DecodeError::Byte { offset, found, .. })) => offset == at && input[at] == found,
        (Says::WrongForm, Err(DecodeError::Form { offset, .. })) => offset == 0,
        _ => false,
    };
    let shown = &input[..input.len().min(8)];
    assert!(is_right, "{length}: {shown:02x?} of {} bytes: {got:?}, expected {says:?}", input.len());
}

/// Whether a whole frame is returned by the shortcut: eight bytes are there, and the field is no exception.
fn has_shortcut(length: &Length, input: &[u8]) -> bool {
    let field = length.field();
    let is_digits = matches!(field, Field::Hex(_) | Field::Decimal(_) | Field::Varint);
    input.len() >= 8 && !is_digits && field.width() <= Some(8)
}

#[test]
fn network_integers_are_base_256() {
    walk(Field::Net(1), 1, Max::All);
    walk(Field::Net(2), 2, Max::All);
    walk(Field::Net(3), 3, Max::Less(0x00f0_0000));
}

#[test]
fn little_endian_integers_are_base_256_backwards() {
    walk(Field::Le(1), 1, Max::All);
    walk(Field::Le(2), 2, Max::All);
    walk(Field::Le(3), 3, Max::Less(0x00f0_0000));
}

#[test]
fn ascii_digits_and_no_other_bytes_are_accepted() {
    walk(Field::Ascii(1), 1, Max::All);
    walk(Field::Ascii(2), 2, Max::Less(70));
    walk(Field::Ascii(3), 3, Max::All);
}

#[test]
fn hex_digits_of_either_case_and_no_other_bytes_are_accepted() {
    walk(Field::Hex(1), 1, Max::All);
    walk(Field::Hex(2), 2, Max::Less(0xc0));
    walk(Field::Hex(3), 3, Max::All);
}

#[test]
fn ebcdic_digits_and_no_other_bytes_are_accepted() {
    walk(Field::Ebcdic(1), 1, Max::All);
    walk(Field::Ebcdic(2), 2, Max::Less(70));
    walk(Field::Ebcdic(3), 3, Max::All);
}

#[test]
fn packed_digits_and_no_other_bytes_are_accepted() {
    walk(Field::Bcd(1), 1, Max::All);
    walk(Field::Bcd(2), 2, Max::Less(7000));
    walk(Field::Bcd(3), 3, Max::All);
}

#[test]
fn decimals_have_no_leading_zero_and_end_with_their_separator() {
    walk(Field::Decimal(b':'), 3, Max::All);
    walk(Field::Decimal(0), 3, Max::Less(50));
}

#[test]
fn varints_have_their_shortest_form() {
    walk(Field::Varint, 3, Max::All);
    walk(Field::Varint, 2, Max::Less(1000));
}

/// Fields of fixed width and four bytes or more: all that fit a word, and the longest.
fn wide_fields() -> impl Iterator<Item = Field> {
    let bytes = (4..=8).flat_map(|width| [Field::Net(width), Field::Le(width), Field::Bcd(width)]);
    let digits = (4..=9).chain([18]).flat_map(|width| [Field::Ascii(width), Field::Ebcdic(width)]);
    bytes.chain(digits).chain((4..=9).chain([16]).map(Field::Hex)).chain([Field::Bcd(9)])
}

#[test]
fn longer_fields_accept_valid_bytes_at_any_two_positions_and_no_others() {
    let mut buffer = vec![0; ROOM];
    for field in wide_fields() {
        let (length, limit) = limited(field, Max::All);
        let width = field.most_bytes();
        // The first digits are 0, so the number is small, and the frame fits the buffer.
        let (zero, nine) = match field {
            Field::Ascii(_) | Field::Hex(_) => (b'0', b'9'),
            Field::Ebcdic(_) => (0xf0, 0xf9),
            Field::Bcd(_) => (0, 0x99),
            _ => (0, 0xff),
        };
        for fill in [zero, nine] {
            for first in 0..width {
                // Neighbours, because carries go from one to the next, and both ends.
                for second in [first + 1, width - 1] {
                    for two in 0..=u16::MAX {
                        buffer[..width].fill(zero);
                        buffer[width.saturating_sub(3)..width].fill(fill);
                        let [a, b] = two.to_be_bytes();
                        buffer[first] = a;
                        buffer[second.min(width - 1)] = b;
                        agree(&length, limit, &buffer, says(field, &buffer[..18]));
                    }
                }
            }
        }
        buffer[..width].fill(0);
    }
}

#[test]
fn four_ascii_digits_and_no_other_bytes_are_accepted() {
    let (length, limit) = limited(Field::Ascii(4), Max::All);
    let mut buffer = vec![0; ROOM];
    for three in 0..1_u32 << 24 {
        let [_, a, b, c] = three.to_be_bytes();
        for four in [[a, b, c, b'7'], [b'7', a, b, c]] {
            buffer[..4].copy_from_slice(&four);
            agree(&length, limit, &buffer, says(Field::Ascii(4), &buffer[..4]));
        }
    }
}

/// Both ways to write a head, the fast one and the exact one.
#[test]
fn every_number_is_written_as_the_notation_says() {
    let narrow = [Field::Net(1), Field::Net(2), Field::Net(3), Field::Le(1), Field::Le(2), Field::Le(3)];
    let few =
        (1..=3).flat_map(|width| [Field::Ascii(width), Field::Ebcdic(width), Field::Hex(width), Field::Bcd(width)]);
    let zeros = vec![0; ROOM];
    for field in wide_fields().chain(narrow).chain(few).chain([Field::Decimal(b':'), Field::Varint]) {
        let (length, limit) = limited(field, Max::All);
        // All numbers of three digits or two bytes, then a sample; 99 991 is a prime.
        let numbers = (0..=70_000).chain((70_001..=limit).step_by(99_991)).chain([limit]);
        for number in numbers.filter(|&number| number <= limit) {
            let envelope = length.envelope(&zeros[..number]).expect("within the limit");
            let head = envelope.head.as_ref();
            assert_eq!(says(field, head), Says::Number(number as u64, head.len()), "{field}: {number}: {head:02x?}");
            if let Some(short) = length.short_head(number) {
                assert_eq!(&short.bytes[..usize::from(short.len)], head, "{field}: {number}");
            }
        }
        assert!(length.short_head(limit + 1).is_none(), "{field}");
    }
}
