//! Every codec in a `tokio_util::codec::Framed`.

mod error;
mod foreign;

pub use error::CodecError;
pub use foreign::{ForeignCodec, ForeignError};

use bytes::{Buf, Bytes, BytesMut};
use tokio_util::codec::{Decoder, Encoder};

use crate::{Codec, Decode, Decoded, Encode, End, Ends, Envelope};

/// The error of both directions of a framing.
type ErrorOf<F> = CodecError<<F as Decode>::Error, <F as Encode>::Error>;

/// So many bytes are made room for at least when a frame is unfinished.
const FIRST_ROOM: usize = 2 * 1024;

/// A frame of more bytes than this keeps its memory to itself.
const LARGE: usize = 64 * 1024;

/// Items are the payloads, each a share of the stream's buffer: nothing is copied. One that is kept holds that buffer, which
/// is `Framed`'s and 8 KiB at first, but never that of a frame of more than 64 KiB before it.
///
/// Room is made for as many bytes as have arrived, not for what a header announces. A message that ends with one read
/// (`each-read`) is what the buffer holds when the decoder is asked; one that ends with silence (`quiet`)
/// ends here only when the stream does, for `Framed` has no clock.
///
/// The error is that of the [`Encoder`] too, so that a `Framed` can be forwarded to another.
impl<F: Decode + Encode> Decoder for Codec<F> {
    type Item = Bytes;
    type Error = ErrorOf<F>;

    #[inline]
    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Bytes>, Self::Error> {
        if src.is_empty() && self.fault().is_none() {
            return Ok(None);
        }
        let end = match self.framing().ends() {
            Ends::Read(_) => Some(End::Read),
            _ => None,
        };
        cut(self, src, end)
    }

    fn decode_eof(&mut self, src: &mut BytesMut) -> Result<Option<Bytes>, Self::Error> {
        cut(self, src, Some(End::Closed))
    }
}

#[inline]
fn cut<F: Decode + Encode>(
    codec: &mut Codec<F>,
    src: &mut BytesMut,
    end: Option<End>,
) -> Result<Option<Bytes>, ErrorOf<F>> {
    match codec.cut(src, end)? {
        Decoded::Frame(frame) => {
            let mut wire = src.split_to(frame.frame_len);
            if frame.frame_len > LARGE {
                // What comes next would share the memory of a frame this large, and hold it as long as it lives.
                *src = BytesMut::from(&src[..]);
            }
            wire.truncate(frame.payload_end);
            wire.advance(frame.payload_start);
            Ok(Some(wire.freeze()))
        }
        Decoded::Incomplete(need) => {
            src.reserve(need.missing.min(src.len().max(FIRST_ROOM)));
            Ok(None)
        }
    }
}

impl<F: Decode + Encode, T: AsRef<[u8]>> Encoder<T> for Codec<F> {
    type Error = ErrorOf<F>;

    #[inline]
    fn encode(&mut self, payload: T, dst: &mut BytesMut) -> Result<(), Self::Error> {
        let payload = payload.as_ref();
        if let Some(head) = self.short_head(payload.len()) {
            // Eight bytes are copied and those that are not the head cut off again: a move instead of a call.
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
