//! The bodies of the fuzz targets. Tests run them too. They panic if an invariant does not hold.

use framelink_codec::{Decode, Decoded, check};

use crate::{Counts, Field, Length};

/// Parses any text as a notation. An accepted text prints a normal form that parses to an equal value.
///
/// # Panics
/// If it does not.
pub fn notation(data: &[u8]) {
    check::notation::<Length>(data);
}

/// Decodes any bytes with any framing: chunking changes nothing, and no frame is outside the input.
///
/// # Panics
/// If that does not hold.
pub fn header(data: &[u8]) {
    let Some((length, rest)) = any_length(data) else { return };
    check::any_bytes(&length, rest, &[3, 1, 7]);
    // The exact path is the oracle of both fast paths.
    let exact = length.cut_exactly(rest);
    assert_eq!(length.decode(rest, 0, None), exact, "{length}");
    if let Some(frame) = length.whole_frame(rest) {
        assert_eq!(exact, Ok(Decoded::Frame(frame)), "{length}");
    }
}

/// Encodes any payloads with any framing: accepted payloads are decoded again, in chunks of any sizes.
///
/// # Panics
/// If it does not.
pub fn round_trip(data: &[u8]) {
    let Some((length, rest)) = any_length(data) else { return };
    let Some((&pieces, rest)) = rest.split_first() else { return };
    let size = (rest.len() / (usize::from(pieces % 5) + 1)).max(1);
    let payloads: alloc::vec::Vec<&[u8]> = rest.chunks(size).chain([&b""[..]]).collect();
    check::round_trip(&length, &payloads, &[1, usize::from(pieces) + 1, 2]);
}

/// Builds a framing from the first bytes, if it is valid.
fn any_length(data: &[u8]) -> Option<(Length, &[u8])> {
    let (&[kind, width, at, gap, tail, counts, adjust, flags], rest) = data.split_first_chunk::<8>()?;
    let field = match kind % 8 {
        0 => Field::Net(width % 9),
        1 => Field::Le(width % 9),
        2 => Field::Ascii(width % 19),
        3 => Field::Hex(width % 17),
        4 => Field::Ebcdic(width % 19),
        5 => Field::Bcd(width % 10),
        6 => Field::Decimal(width),
        _ => Field::Varint,
    };
    let [at, gap, tail] = [at, gap, tail].map(|len| usize::from(len % 20));
    let counts = match counts % 5 {
        0 => Counts::Rest,
        1 => Counts::Payload,
        2 => Counts::Itself,
        3 => Counts::Frame,
        _ => Counts::Adjust(i64::from(adjust) - 128),
    };
    let fixed = |len: usize| alloc::vec![adjust; if flags & 1 == 0 { 0 } else { len / 2 }];
    let mut builder = Length::builder(field)
        .at(at)
        .prefix(fixed(at))
        .gap(gap)
        .infix(fixed(gap))
        .tail(tail)
        .suffix(fixed(tail))
        .counts(counts)
        .zero_is_empty(flags & 2 != 0)
        .keep_header(flags & 4 != 0)
        .lower_case(flags & 8 != 0 && matches!(field, Field::Hex(_)));
    if flags & 16 != 0 && matches!(field, Field::Net(_) | Field::Le(_)) {
        builder = builder.mask((1 << (adjust % 63)) | ((1 << (adjust % 63)) - 1));
    }
    if flags & 32 != 0 {
        builder = builder.max(usize::from(adjust) * 3);
    }
    Some((builder.build().ok()?, rest))
}
