//! Forwarding: messages pass from the receiving half of one connection to the sending half of another.

use std::future::poll_fn;
use std::task::{Context, Poll, ready};

use framelink_codec::{Decode, Encode};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::coop;

use super::halves::{RecvHalf, SendHalf};
use super::moment::Moment;
use crate::connection::ErrorOf;
use crate::drive::{self, Came, Progress};
use crate::session::MessagePlace;

impl<C: Decode + Encode, R: AsyncRead + Unpin> RecvHalf<C, R> {
    /// Waits for messages, and passes all that have arrived whole to the sending half of another connection, whose
    /// framing may be a different one. Returns how many messages were passed, at least 1, or 0 if the peer has closed
    /// its side between two messages. For gateways.
    ///
    /// - Payloads are not copied more than once: small messages go from the read buffer into the queue of `to`, and
    ///   messages of 4 KiB or more from the read buffer to the socket.
    /// - What is queued is written before the future waits, so messages that arrive together leave together. A passed
    ///   message may still be queued when this returns: call [`SendHalf::flush`] or [`SendHalf::finish`] after the last.
    /// - While 64 KiB or more are queued, nothing is read. A peer that does not read thus stops the other.
    /// - Meanwhile, heartbeats of `to` are sent, as by [`SendHalf::keep`].
    ///
    /// Dropping the future loses nothing: each message is either still to be received, or sent next.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use framelink_transport::{Framing, tokio::{RecvHalf, SendHalf}};
    ///
    /// // 0x00 0x05 | 'h' 'e' 'l' 'l' 'o', and then the same with four decimal digits
    /// let mut from = RecvHalf::new(&b"\x00\x05hello"[..], "net:2".parse::<Framing>()?);
    /// let mut wire = Vec::new();
    /// let mut to = SendHalf::new(&mut wire, "ascii:4".parse::<Framing>()?);
    /// while from.forward(&mut to).await? > 0 {}
    /// to.finish().await?;
    /// assert_eq!(wire, b"0005hello");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Fails like [`recv`](Self::recv) and [`SendHalf::feed`]; [`Error::operation`](super::Error::operation) and
    /// [`Error::peer`](super::Error::peer) tell which. A message that the framing of `to` cannot send is lost. Messages
    /// before it were passed.
    pub async fn forward<W: AsyncWrite + Unpin>(&mut self, to: &mut SendHalf<C, W>) -> Result<usize, ErrorOf<C>> {
        poll_fn(|context| self.poll_forward(context, to)).await
    }

    /// Like [`forward`](Self::forward), as a poll function.
    pub fn poll_forward<W: AsyncWrite + Unpin>(
        &mut self,
        context: &mut Context<'_>,
        to: &mut SendHalf<C, W>,
    ) -> Poll<Result<usize, ErrorOf<C>>> {
        // A buffer may hold thousands of messages. A step passes some of them and costs one operation of the runtime.
        ready!(coop::poll_proceed(context)).made_progress();
        let mut moment = Moment::default();
        match ready!(self.poll_pass(context, to, &moment, None))? {
            0 => {}
            count => return Poll::Ready(Ok(count)),
        }
        loop {
            let clock = moment.of(self.clock);
            self.wake_when_told(context.waker());
            let until = match self.poll_input_at(context, &clock, |mut inbound| inbound.receive())? {
                Came::Message(place) => return self.poll_pass(context, to, &moment, Some(place)),
                Came::Closed => return Poll::Ready(Ok(0)),
                // The other half sends the heartbeat.
                Came::Beat => continue,
                Came::Wait(until) => until,
            };
            if to.poll_written(context, &moment)? == Progress::Blocked {
                // Nothing is read meanwhile.
                return Poll::Pending;
            }
            if let Poll::Ready(error) = to.poll_keep(context) {
                return Poll::Ready(Err(error));
            }
            ready!(self.poll_alarm(context, until));
            // The deadline has passed since the clock was read.
            moment = Moment::default();
        }
    }

    /// Passes what has been read. Pending while `to` has no room.
    fn poll_pass<W: AsyncWrite + Unpin>(
        &mut self,
        context: &mut Context<'_>,
        to: &mut SendHalf<C, W>,
        moment: &Moment,
        first: Option<MessagePlace>,
    ) -> Poll<Result<usize, ErrorOf<C>>> {
        let has_nothing = self.reader.is_none() || !self.receiving.is_inside_message();
        if first.is_none() && has_nothing && to.sending.has_room() {
            return Poll::Ready(Ok(0));
        }
        let (receiving, clock) = (&mut self.receiving, moment.of(to.clock));
        to.sending.wake_when_told(context.waker());
        let passed = to.poll_output_at(context, &clock, |sending, port, clock| {
            drive::forward(receiving, sending, port, clock, first)
        });
        match passed? {
            Some(count) => Poll::Ready(Ok(count)),
            None => Poll::Pending,
        }
    }
}

impl<C: Decode + Encode, W: AsyncWrite + Unpin> SendHalf<C, W> {
    /// Writes what is queued, as far as the socket takes it now.
    fn poll_written(&mut self, context: &mut Context<'_>, moment: &Moment) -> Result<Progress, ErrorOf<C>> {
        if !self.sending.has_output() {
            return Ok(Progress::Done);
        }
        self.sending.wake_when_told(context.waker());
        self.poll_output_at(context, &moment.of(self.clock), |sending, port, clock| drive::flush(sending, port, clock))
    }
}
