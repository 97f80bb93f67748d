//! The bodies of the fuzz targets, as functions that tests run too. They panic where an invariant does not hold.

use core::time::Duration;

use framelink_codec::check;

use crate::{Unframed, UnframedBuilder};

/// Reads any text as a notation: what is accepted prints a normal form that reads as the same.
///
/// # Panics
/// When it does not.
pub fn notation(data: &[u8]) {
    check::notation::<Unframed>(data);
}

/// Decodes any bytes by any framing: chunking changes nothing, and no answer lies outside the input.
///
/// # Panics
/// When that does not hold.
pub fn any_bytes(data: &[u8]) {
    let Some((unframed, rest)) = any_unframed(data) else { return };
    check::any_bytes(&unframed, rest, &[3, 1, 7]);
}

/// Sends any payloads by any framing: what the encoder takes comes back, however the stream is chunked.
///
/// # Panics
/// When it does not.
pub fn round_trip(data: &[u8]) {
    let Some((unframed, rest)) = any_unframed(data) else { return };
    let Some((&pieces, rest)) = rest.split_first() else { return };
    let size = (rest.len() / (usize::from(pieces % 5) + 1)).max(1);
    let payloads: alloc::vec::Vec<&[u8]> = rest.chunks(size).chain([&b""[..]]).collect();
    check::round_trip(&unframed, &payloads, &[1, usize::from(pieces) + 1, 2]);
}

/// Makes a framing of the first bytes, where that gives a valid one.
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
    // The bytes of the delimiters stay among the others, so that these hold them.
    Some((builder.build().ok()?, rest))
}
