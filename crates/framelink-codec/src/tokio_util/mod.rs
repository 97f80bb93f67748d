//! Every codec as a `tokio_util::codec::Decoder` and `Encoder`.

mod error;
mod foreign;

pub use error::CodecError;
pub use foreign::{ForeignCodec, ForeignError};

use bytes::{Buf, Bytes, BytesMut};
use tokio_util::codec::{Decoder, Encoder};

use crate::{Codec, Decode, Decoded, Encode, End, Ends, Envelope, Frame};

/// The error of both directions of a framing.
type ErrorOf<F> = CodecError<<F as Decode>::Error, <F as Encode>::Error>;

/// The least space for an incomplete frame.
const FIRST_ROOM: usize = 2 * 1024;

/// A longer frame shares its memory with no other frame.
const LARGE: usize = 64 * 1024;

/// Items are payloads, and share the buffer of the `Framed` without a copy. An item that is kept keeps this buffer,
/// which has 8 KiB at first, but never the buffer of an earlier frame of more than 64 KiB.
///
/// The buffer grows with received bytes, not with an announced length. A message of `each-read` is what the buffer has
/// when the decoder is called. A `quiet` message ends only when the stream ends, because a `Framed` has no clock.
///
/// The [`Encoder`] has the same error type, so that a `Framed` can be forwarded to another.
impl<F: Decode + Encode> Decoder for Codec<F> {
    type Item = Bytes;
    type Error = ErrorOf<F>;

    #[inline]
    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Bytes>, Self::Error> {
        if let Some(frame) = self.whole_frame(src) {
            return Ok(Some(take(src, &frame)));
        }
        if src.is_empty() && self.fault().is_none() {
            return Ok(None);
        }
        let end = match self.framing().ends() {
            Ends::Read(_) => Some(End::Read),
            _ => None,
        };
        cut(self, src, end).transpose()
    }

    fn decode_eof(&mut self, src: &mut BytesMut) -> Result<Option<Bytes>, Self::Error> {
        match self.whole_frame(src) {
            Some(frame) => Ok(Some(take(src, &frame))),
            None => cut(self, src, Some(End::Closed)).transpose(),
        }
    }
}

/// Handles what the shortcut does not return. The type of the result differs from that of the shortcut on purpose:
/// otherwise the compiler puts both results into one place in memory, and the shortcut takes ten instructions more.
#[inline(never)]
fn cut<F: Decode + Encode>(
    codec: &mut Codec<F>,
    src: &mut BytesMut,
    end: Option<End>,
) -> Option<Result<Bytes, ErrorOf<F>>> {
    match codec.cut_exactly(src, end) {
        Ok(Decoded::Frame(frame)) => Some(Ok(take(src, &frame))),
        Ok(Decoded::Incomplete(need)) => {
            src.reserve(need.missing.min(src.len().max(FIRST_ROOM)));
            None
        }
        Err(fault) => Some(Err(fault.into())),
    }
}

/// Takes the frame from the buffer, and returns its payload.
#[inline(always)]
fn take(src: &mut BytesMut, frame: &Frame) -> Bytes {
    let mut wire = src.split_to(frame.frame_len);
    if frame.frame_len > LARGE {
        leave_memory(src);
    }
    if frame.payload_end < frame.frame_len {
        wire.truncate(frame.payload_end);
    }
    // `Bytes` advances in fewer instructions than `BytesMut`.
    let mut payload = wire.freeze();
    payload.advance(frame.payload_start);
    payload
}

/// Copies the bytes after a large frame: the next payload would share the memory of that frame, and keep it.
#[cold]
#[inline(never)]
fn leave_memory(src: &mut BytesMut) {
    *src = BytesMut::from(&src[..]);
}

impl<F: Decode + Encode, T: AsRef<[u8]>> Encoder<T> for Codec<F> {
    type Error = ErrorOf<F>;

    #[inline]
    fn encode(&mut self, payload: T, dst: &mut BytesMut) -> Result<(), Self::Error> {
        let payload = payload.as_ref();
        if let Some(head) = self.short_head(payload.len()) {
            // Copies eight bytes and truncates to the head: a move instead of a call.
            dst.reserve(payload.len() + head.bytes.len());
            let head_end = dst.len() + usize::from(head.len);
            dst.extend_from_slice(&head.bytes);
            dst.truncate(head_end);
            dst.extend_from_slice(payload);
            return Ok(());
        }
        self.encode_exactly(payload, dst)
    }
}

impl<F: Decode + Encode> Codec<F> {
    fn encode_exactly(&mut self, payload: &[u8], dst: &mut BytesMut) -> Result<(), ErrorOf<F>> {
        let mut envelope = Envelope::EMPTY;
        if !self.wrap(payload, &mut envelope).map_err(CodecError::Encode)? {
            return Err(CodecError::Ended);
        }
        dst.reserve(envelope.frame_len(payload.len()));
        dst.extend_from_slice(envelope.head.as_ref());
        dst.extend_from_slice(payload);
        dst.extend_from_slice(envelope.suffix.as_ref());
        Ok(())
    }
}
