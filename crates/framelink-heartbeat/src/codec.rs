//! Heartbeats told from messages in a `tokio_util::codec::Framed`.

use bytes::BytesMut;
use tokio_util::codec::{Decoder, Encoder};

use crate::{Form, Seen};

/// Any codec, with heartbeats told from messages: for people with a `Framed` and a loop of their own. When to send them a
/// [`Liveness`](crate::Liveness) says.
///
/// ```
/// use bytes::{Bytes, BytesMut};
/// use framelink_heartbeat::{Beat, Form, HeartbeatCodec};
/// use framelink_length::Length;
/// use tokio_util::codec::{Decoder, Encoder};
///
/// let mut codec = HeartbeatCodec::new("net:2".parse::<Length>()?.codec(), Form::literal(b"PING", b"PONG"));
/// let mut wire = BytesMut::from(&b"\x00\x02hi\x00\x04PING"[..]);
/// assert_eq!(codec.decode(&mut wire)?, Some(Beat::Message(Bytes::from("hi"))));
/// let Some(Beat::Probe(probe)) = codec.decode(&mut wire)? else { panic!() };
/// codec.encode(codec.form().answer(&probe).unwrap(), &mut wire)?;
/// assert_eq!(wire[..], b"\x00\x04PONG"[..]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct HeartbeatCodec<C> {
    codec: C,
    form: Form,
}

/// A message, or a heartbeat as it came.
///
/// See [`HeartbeatCodec`] for an example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Beat<M> {
    /// A message of the application.
    Message(M),
    /// It shows that the peer lives, and wants an answer where the form has one. Where answers look the same it may be one.
    Probe(M),
    /// It answers a probe.
    Answer(M),
}

/// The bytes as they came, so that a `Framed` with a [`HeartbeatCodec`] can be forwarded, heartbeats included.
impl<M: AsRef<[u8]>> AsRef<[u8]> for Beat<M> {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Message(bytes) | Self::Probe(bytes) | Self::Answer(bytes) => bytes.as_ref(),
        }
    }
}

impl<C> HeartbeatCodec<C> {
    /// Around a codec.
    pub const fn new(codec: C, form: Form) -> Self {
        Self { codec, form }
    }

    /// What heartbeats look like.
    pub const fn form(&self) -> &Form {
        &self.form
    }

    /// The codec.
    pub fn into_inner(self) -> C {
        self.codec
    }

    fn tell<M: AsRef<[u8]>>(&self, message: M) -> Beat<M> {
        match self.form.recognise(message.as_ref()) {
            None => Beat::Message(message),
            Some(Seen::Answer { .. }) => Beat::Answer(message),
            Some(Seen::Beat | Seen::Probe | Seen::Either) => Beat::Probe(message),
        }
    }
}

impl<C: Decoder<Item: AsRef<[u8]>>> Decoder for HeartbeatCodec<C> {
    type Item = Beat<C::Item>;
    type Error = C::Error;

    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Self::Item>, C::Error> {
        Ok(self.codec.decode(src)?.map(|message| self.tell(message)))
    }

    fn decode_eof(&mut self, src: &mut BytesMut) -> Result<Option<Self::Item>, C::Error> {
        Ok(self.codec.decode_eof(src)?.map(|message| self.tell(message)))
    }
}

impl<M, C: Encoder<M>> Encoder<M> for HeartbeatCodec<C> {
    type Error = C::Error;

    fn encode(&mut self, message: M, dst: &mut BytesMut) -> Result<(), C::Error> {
        self.codec.encode(message, dst)
    }
}
