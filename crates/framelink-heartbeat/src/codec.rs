//! A codec that tells heartbeats from messages in a `tokio_util::codec::Framed`.

use alloc::vec::Vec;

use bytes::BytesMut;
use tokio_util::codec::{Decoder, Encoder};

use crate::{Form, Seen};

/// Wraps a codec and tells heartbeats from messages, for a program with a `Framed` and a loop of its own. A
/// [`Liveness`](crate::Liveness) says when to send them.
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
    /// Our probe that waits for an answer.
    probe: Option<Vec<u8>>,
}

/// A message or a heartbeat, with the bytes that were received.
///
/// See [`HeartbeatCodec`] for an example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Beat<M> {
    /// A message of the application.
    Message(M),
    /// A heartbeat that asks for an answer, if the form has one. If probe and answer look the same, it may be either.
    Probe(M),
    /// The answer to a probe.
    Answer(M),
}

/// The received bytes, so that a `Framed` with a [`HeartbeatCodec`] can be forwarded, heartbeats included.
impl<M: AsRef<[u8]>> AsRef<[u8]> for Beat<M> {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Message(bytes) | Self::Probe(bytes) | Self::Answer(bytes) => bytes.as_ref(),
        }
    }
}

impl<C> HeartbeatCodec<C> {
    /// Wraps a codec.
    pub const fn new(codec: C, form: Form) -> Self {
        Self { codec, form, probe: None }
    }

    /// Awaits the answer to this probe, which was encoded. Only a pattern needs this: without it, answers are messages.
    pub fn await_answer(&mut self, probe: &[u8]) {
        self.probe = Some(probe.to_vec());
    }

    /// Returns the form of the heartbeats.
    pub const fn form(&self) -> &Form {
        &self.form
    }

    /// Returns the wrapped codec.
    pub fn into_inner(self) -> C {
        self.codec
    }

    fn tell<M: AsRef<[u8]>>(&mut self, message: M) -> Beat<M> {
        match self.form.recognise_after(message.as_ref(), self.probe.as_deref()) {
            None => Beat::Message(message),
            Some(Seen::Answer { .. }) => {
                self.probe = None;
                Beat::Answer(message)
            }
            Some(Seen::Beat | Seen::Probe | Seen::Either) => Beat::Probe(message),
        }
    }
}

impl<C: Decoder<Item: AsRef<[u8]>>> Decoder for HeartbeatCodec<C> {
    type Item = Beat<C::Item>;
    type Error = C::Error;

    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Self::Item>, C::Error> {
        let message = self.codec.decode(src)?;
        Ok(message.map(|message| self.tell(message)))
    }

    fn decode_eof(&mut self, src: &mut BytesMut) -> Result<Option<Self::Item>, C::Error> {
        let message = self.codec.decode_eof(src)?;
        Ok(message.map(|message| self.tell(message)))
    }
}

impl<M, C: Encoder<M>> Encoder<M> for HeartbeatCodec<C> {
    type Error = C::Error;

    fn encode(&mut self, message: M, dst: &mut BytesMut) -> Result<(), C::Error> {
        self.codec.encode(message, dst)
    }
}
