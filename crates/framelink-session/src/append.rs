//! Appending bytes to a buffer.

pub(crate) const PIECE: usize = 2048;

/// Appends bytes in pieces of 2 KiB. One large copy can take four times as long: some C libraries copy more than a page
/// with an instruction that is slow when source and target lie at similar offsets in their pages.
#[inline]
pub(crate) fn append(to: &mut Vec<u8>, bytes: &[u8]) {
    match bytes.len() {
        0..=PIECE => to.extend_from_slice(bytes),
        _ => append_pieces(to, bytes),
    }
}

#[inline(never)]
fn append_pieces(to: &mut Vec<u8>, bytes: &[u8]) {
    for piece in bytes.chunks(PIECE) {
        to.extend_from_slice(piece);
    }
}
