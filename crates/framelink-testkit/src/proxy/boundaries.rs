//! Finds where messages end in passing bytes.

use std::fmt;
use std::sync::Arc;

use framelink_codec::{Decode, Decoded};

use crate::sample::end_of;

/// Returns the length of the frame at the start of some bytes: `None` while it is incomplete, an error if the bytes are
/// no frame.
pub(super) type FrameLen = Arc<dyn Fn(&[u8]) -> Result<Option<usize>, NoFrame> + Send + Sync>;

/// The bytes are no frame.
pub(super) struct NoFrame;

pub(super) fn frame_len<F: Decode + Send + Sync + 'static>(framing: F) -> FrameLen {
    Arc::new(move |bytes| {
        // A chunk is the result of one read. Silence and the close are not visible here.
        let end = end_of(&framing).filter(|end| *end == framelink_codec::End::Read);
        match framing.decode(bytes, 0, end) {
            Ok(Decoded::Frame(frame)) => Ok(Some(frame.frame_len)),
            Ok(Decoded::Incomplete(_)) => Ok(None),
            Err(_) => Err(NoFrame),
        }
    })
}

/// The bytes of the unfinished message that have passed. No byte is held back for it.
pub(super) struct Boundaries {
    frame_len: Option<FrameLen>,
    begun: Vec<u8>,
}

impl Boundaries {
    pub(super) fn new(frame_len: Option<FrameLen>) -> Self {
        Self { frame_len, begun: Vec::new() }
    }

    /// Cuts a chunk into pieces, each with the message that ends with it. Without a framing, and after bytes that are
    /// no frame, the chunk counts as one message.
    pub(super) fn pieces(&mut self, mut chunk: Vec<u8>) -> Vec<Piece> {
        let mut pieces = Vec::new();
        while let Some(frame_len) = &self.frame_len {
            let before = self.begun.len();
            self.begun.extend_from_slice(&chunk);
            let len = match frame_len(&self.begun) {
                Ok(Some(len)) => len,
                Ok(None) => {
                    pieces.extend((!chunk.is_empty()).then_some(Piece { bytes: chunk, whole: None }));
                    return pieces;
                }
                Err(NoFrame) => {
                    self.frame_len = None;
                    break;
                }
            };
            let mut whole = std::mem::take(&mut self.begun);
            whole.truncate(len);
            let rest = chunk.split_off(len.saturating_sub(before).min(chunk.len()));
            pieces.push(Piece { bytes: std::mem::replace(&mut chunk, rest), whole: Some(whole) });
            if chunk.is_empty() {
                return pieces;
            }
        }
        pieces.push(Piece { whole: Some(chunk.clone()), bytes: chunk });
        pieces
    }
}

/// Bytes to pass, and the whole message that they complete, if they complete one.
pub(super) struct Piece {
    pub(super) bytes: Vec<u8>,
    pub(super) whole: Option<Vec<u8>>,
}

impl fmt::Debug for Boundaries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Boundaries").field("begun", &self.begun.len()).finish_non_exhaustive()
    }
}
