//! Copying.

/// Copies bytes to the end, in pieces. In one piece it can take four times as long: some C libraries copy what is larger than a
/// page with an instruction that is slow where the two places lie alike in their pages, and that is left to chance.
#[inline]
pub(crate) fn append(to: &mut Vec<u8>, bytes: &[u8]) {
    const PIECE: usize = 2048;
    if bytes.len() <= PIECE {
        to.extend_from_slice(bytes);
        return;
    }
    for piece in bytes.chunks(PIECE) {
        to.extend_from_slice(piece);
    }
}
