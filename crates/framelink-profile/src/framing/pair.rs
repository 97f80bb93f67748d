//! A pair of framings, one for each direction.

use framelink_codec::{Decode, Decoded, Encode, End, Ends, Envelope, Frame, Guess, ShortHead};

use crate::framing::Framing;

/// A framing for receiving and a framing for sending. Most peers use one framing for both.
///
/// ```
/// use framelink_codec::{Decode, Encode};
/// use framelink_profile::{FramingPair, Framing};
///
/// // The peer sends lines, and expects a two-byte length.
/// let framing: FramingPair<Framing> = FramingPair { receive: "line".parse()?, send: "net:2".parse()? };
/// assert!(framing.decode(b"hello\r\n", 0, None).is_ok());
/// assert_eq!(framing.envelope(b"hello").unwrap().head.as_ref(), [0, 5]);
/// # Ok::<(), framelink_codec::notation::NotationError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FramingPair<D = Framing, E = D> {
    /// Decodes received bytes.
    pub receive: D,
    /// Encodes messages to send.
    pub send: E,
}

impl From<Framing> for FramingPair {
    fn from(both: Framing) -> Self {
        Self { receive: both, send: both }
    }
}

impl<D: Decode, E> Decode for FramingPair<D, E> {
    type Error = D::Error;

    #[inline]
    fn decode(&self, input: &[u8], looked_at: usize, end: Option<End>) -> Result<Decoded, Self::Error> {
        self.receive.decode(input, looked_at, end)
    }

    #[inline]
    fn whole_frame(&self, input: &[u8]) -> Option<Frame> {
        self.receive.whole_frame(input)
    }

    fn ends(&self) -> Ends {
        self.receive.ends()
    }

    fn guess(&self, input: &[u8]) -> Option<Guess> {
        self.receive.guess(input)
    }
}

impl<D, E: Encode> Encode for FramingPair<D, E> {
    type Error = E::Error;

    fn wrap(&self, payload: &[u8], envelope: &mut Envelope) -> Result<(), Self::Error> {
        self.send.wrap(payload, envelope)
    }

    #[inline]
    fn short_head(&self, payload_len: usize) -> Option<ShortHead> {
        self.send.short_head(payload_len)
    }
}
