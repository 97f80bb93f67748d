//! Every header of up to three bytes, of every kind, against a reader that is naive and plainly right.

use framelink_length::{Decode, DecodeError, Decoded, Field, Length};

/// What the notation says about some bytes at the start of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    /// A number, in so many bytes.
    Number(u64, usize),
    /// Nothing yet: at least so many more bytes.
    Missing(usize),
    /// Nothing ever: this byte cannot be part of it.
    WrongByte(usize),
    /// Nothing ever: it is longer than it should be, or empty.
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

/// Digits of any base, each byte worth something or wrong.
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
    // A digit and the separator are the shortest there is.
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

/// Longer than any frame that three bytes announce, and never touched: its pages stay the system's zeros.
const ROOM: usize = (1 << 24) + 64;

/// The largest payload of a walk.
#[derive(Clone, Copy)]
enum Max {
    /// All that the header can announce.
    All,
    /// Less, so that there are numbers over the limit, however large.
    Less(usize),
}

/// Walks all inputs of up to `width` bytes, each alone and with a long buffer behind it.
fn walk(field: Field, width: usize, max: Max, says: impl Fn(&[u8]) -> Says) {
    let builder = Length::builder(field);
    let largest = usize::try_from(field.largest()).unwrap().min(ROOM - 64);
    let limit = match max {
        Max::All => largest,
        Max::Less(less) => less,
    };
    let length = builder.max(limit).build().unwrap();
    let mut buffer = vec![0; ROOM];
    for len in 0..=width {
        for header in 0..1_u32 << (8 * len) {
            let [a, b, c, _] = header.to_le_bytes();
            buffer[..3].copy_from_slice(&[a, b, c]);
            let alone = &buffer[..len];
            agree(&length, limit, alone, says(alone));
            if len == width {
                agree(&length, limit, &buffer, says(&buffer[..16]));
            }
        }
    }
}

fn agree(length: &Length, limit: usize, input: &[u8], says: Says) {
    let got = length.decode(input, 0, None);
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

#[test]
fn network_integers_say_what_base_256_says() {
    walk(Field::Net(1), 1, Max::All, |input| integer(input, 1, false));
    walk(Field::Net(2), 2, Max::All, |input| integer(input, 2, false));
    walk(Field::Net(3), 3, Max::Less(0x00f0_0000), |input| integer(input, 3, false));
}

#[test]
fn little_endian_integers_say_what_base_256_says_backwards() {
    walk(Field::Le(1), 1, Max::All, |input| integer(input, 1, true));
    walk(Field::Le(2), 2, Max::All, |input| integer(input, 2, true));
    walk(Field::Le(3), 3, Max::Less(0x00f0_0000), |input| integer(input, 3, true));
}

#[test]
fn ascii_digits_are_digits_and_nothing_else() {
    walk(Field::Ascii(1), 1, Max::All, |input| digits(input, 1, 10, ascii));
    walk(Field::Ascii(2), 2, Max::Less(70), |input| digits(input, 2, 10, ascii));
    walk(Field::Ascii(3), 3, Max::All, |input| digits(input, 3, 10, ascii));
}

#[test]
fn hex_digits_of_either_case_are_digits_and_nothing_else() {
    walk(Field::Hex(1), 1, Max::All, |input| digits(input, 1, 16, hex));
    walk(Field::Hex(2), 2, Max::Less(0xc0), |input| digits(input, 2, 16, hex));
    walk(Field::Hex(3), 3, Max::All, |input| digits(input, 3, 16, hex));
}

#[test]
fn ebcdic_digits_are_digits_and_nothing_else() {
    walk(Field::Ebcdic(1), 1, Max::All, |input| digits(input, 1, 10, ebcdic));
    walk(Field::Ebcdic(2), 2, Max::Less(70), |input| digits(input, 2, 10, ebcdic));
    walk(Field::Ebcdic(3), 3, Max::All, |input| digits(input, 3, 10, ebcdic));
}

#[test]
fn packed_digits_are_digits_and_nothing_else() {
    walk(Field::Bcd(1), 1, Max::All, |input| digits(input, 1, 100, two_digits));
    walk(Field::Bcd(2), 2, Max::Less(7000), |input| digits(input, 2, 100, two_digits));
    walk(Field::Bcd(3), 3, Max::All, |input| digits(input, 3, 100, two_digits));
}

#[test]
fn decimals_have_no_leading_zero_and_end_with_their_separator() {
    walk(Field::Decimal(b':'), 3, Max::All, |input| decimal(input, b':'));
    walk(Field::Decimal(0), 3, Max::Less(50), |input| decimal(input, 0));
}

#[test]
fn varints_are_the_shortest_that_say_the_number() {
    walk(Field::Varint, 3, Max::All, varint);
    walk(Field::Varint, 2, Max::Less(1000), varint);
}
