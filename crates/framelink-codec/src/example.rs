//! The smallest framing, as an example.
//!
//! ```text
//!  0x05 | 'h' 'e' 'l' 'l' 'o'     one byte that counts the payload
//! ```

use core::error::Error;
use core::fmt;

use crate::{Decode, Decoded, Encode, EndedBy, Envelope, Frame, Need};

/// One byte of length, then that many bytes of payload: 0 to 255.
///
/// ```
/// use framelink_codec::{Frames, example::OneByte};
///
/// let messages: Vec<_> = Frames::new(&OneByte, b"\x02hi\x00\x05there").map(|frame| frame.unwrap().payload).collect();
/// assert_eq!(messages, [&b"hi"[..], b"", b"there"]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OneByte;

impl Decode for OneByte {
    type Error = core::convert::Infallible; // every byte is a length

    fn decode(
        &self,
        input: &[u8],
        _looked_at: usize, // decoding a header again costs nothing
        _end: Option<crate::End>,
    ) -> Result<Decoded, Self::Error> {
        let Some(&len) = input.first() else {
            return Ok(Decoded::Incomplete(Need { missing: 1, looked_at: 0 }));
        };
        let frame_len = 1 + usize::from(len);
        Ok(match frame_len.checked_sub(input.len()) {
            None | Some(0) => {
                Decoded::Frame(Frame { payload_start: 1, payload_end: frame_len, frame_len, ended_by: EndedBy::Count })
            }
            Some(missing) => Decoded::Incomplete(Need { missing, looked_at: 0 }),
        })
    }
}

impl Encode for OneByte {
    type Error = TooLong;

    fn wrap(&self, payload: &[u8], envelope: &mut Envelope) -> Result<(), TooLong> {
        let len = u8::try_from(payload.len()).map_err(|_| TooLong(payload.len()))?;
        envelope.set(&[len], &[]).ok_or(TooLong(payload.len()))
    }
}

/// The error for a payload of this many bytes, which one byte cannot announce.
///
/// ```
/// use framelink_codec::{Encode, example::{OneByte, TooLong}};
///
/// assert_eq!(OneByte.envelope(&[0; 256]), Err(TooLong(256)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong(pub usize);

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "payload of {} bytes, at most 255 can be sent", self.0)
    }
}

impl Error for TooLong {}
