//! The bodies of the fuzz targets. Tests run them too. They panic if an invariant does not hold.

use core::time::Duration;

use framelink_codec::check;

use crate::{Unframed, UnframedBuilder};

/// Parses any text as a notation. An accepted text prints a normal form that parses to an equal value.
///
/// # Panics
/// If it does not.
pub fn notation(data: &[u8]) {
    check::notation::<Unframed>(data);
}

/// Decodes any bytes with any framing: chunking changes nothing, and no frame is outside the input.
///
/// # Panics
/// If that does not hold.
pub fn any_bytes(data: &[u8]) {
    let Some((unframed, rest)) = any_unframed(data) else { return };
    check::any_bytes(&unframed, rest, &[3, 1, 7]);
}

/// Encodes any payloads with any framing: accepted payloads are decoded again, in chunks of any sizes.
///
/// # Panics
/// If it does not.
pub fn round_trip(data: &[u8]) {
    let Some((unframed, rest)) = any_unframed(data) else { return };
    let Some((&pieces, rest)) = rest.split_first() else { return };
    let size = (rest.len() / (usize::from(pieces % 5) + 1)).max(1);
    let payloads: alloc::vec::Vec<&[u8]> = rest.chunks(size).chain([&b""[..]]).collect();
    check::round_trip(&unframed, &payloads, &[1, usize::from(pieces) + 1, 2]);
}

/// Builds a framing from the first bytes, if it is valid.
fn any_unframed(data: &[u8]) -> Option<(Unframed, &[u8])> {
    let (&[kind, len, limit, flags], rest) = data.split_first_chunk::<4>()?;
    let len = usize::from(len % 18);
    let mut builder: UnframedBuilder = match kind % 7 {
        0 => Unframed::until_close(),
        1 => Unframed::quiet(Duration::from_millis(u64::from(limit))),
        2 => Unframed::each_read(),
        3 => Unframed::fixed(len),
        4 => Unframed::line().lf_alone(flags & 1 != 0),
        5 => Unframed::delimited(rest.get(..len)?),
        _ => Unframed::between(rest.get(..len)?, rest.get(len / 2..len)?),
    };
    if flags & 2 != 0 {
        builder = builder.max(usize::from(limit) / 4);
    }
    // The bytes of the delimiters stay in the rest, so that payloads contain them.
    Some((builder.build().ok()?, rest))
}
