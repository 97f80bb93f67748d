//! Forwarding: messages pass from the read buffer into the send queue of another connection.

use framelink_codec::{Decode, Decoded, Encode};

use super::{Messages, Receiving};
use crate::sending::Sending;

impl<D: Decode> Receiving<D> {
    /// Queues messages that have been read already at another connection, whose framing may be a different one. Returns
    /// how many were queued: up to `most`, and up to the first with `large` bytes or more.
    ///
    /// It is a shortcut for [`poll_place`](Self::poll_place) and [`Sending::queue`] one by one, which counts all messages
    /// at once. It stops before a message that needs more than that: one for which the queue [has no
    /// room](Sending::has_room), one that cannot be sent or has no [short head](Encode::short_head), a fault, and any
    /// message of a connection with heartbeats or with requests to count. 0 means only that `poll_place` has to be
    /// called.
    ///
    /// ```
    /// use std::time::Duration;
    /// use framelink_profile::Framing;
    /// use framelink_session::{Receiving, Sending, Transmit};
    ///
    /// let mut receiving = Receiving::new("net:2".parse::<Framing>()?);
    /// let mut sending = Sending::new("ascii:4".parse::<Framing>()?);
    /// receiving.on_bytes(b"\x00\x02hi\x00\x05hello\x00", Duration::ZERO);
    /// assert_eq!(receiving.forward(&mut sending, 4096, 64), 2);
    /// assert_eq!(sending.poll(), Transmit::Write(b"0002hi0005hello"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn forward<E: Encode>(&mut self, to: &mut Sending<E>, large: usize, most: usize) -> usize {
        if self.buffer.is_empty() || !self.is_plain() {
            return 0;
        }
        let Some(mut batch) = to.begin_batch() else { return 0 };
        let takes_empty = self.empties().is_none();
        let input = self.buffer.as_ref();
        let (mut count, mut taken) = (0, 0);
        while count < most && taken < input.len() {
            let rest = input.get(taken..).unwrap_or_default();
            let frame = match self.codec.whole_frame(rest) {
                Some(frame) => frame,
                // What is no whole frame is decoded again by `poll_place`, which keeps or reports the answer.
                None => match self.codec.cut(rest, self.end) {
                    Ok(Decoded::Frame(frame)) => frame,
                    _ => break,
                },
            };
            let payload = frame.payload(rest);
            let is_plain = payload.len() < large && (takes_empty || !payload.is_empty());
            if !is_plain || !batch.push(to.framing(), payload) {
                break;
            }
            taken += frame.frame_len;
            count += 1;
        }
        to.end_batch(batch, count);
        if count > 0 {
            self.on_forwarded(count as u64, taken);
        }
        count
    }

    /// Returns whether a message is only its bytes: it can be no heartbeat, and is not counted as a request.
    #[inline]
    pub(super) fn is_plain(&self) -> bool {
        self.has_started() && self.liveness.is_none() && self.messages_are == Messages::Plain && !self.is_flooded()
    }

    /// Takes the whole messages that only the framing looks at, as [`whole_place`](Self::whole_place) does, and passes each to
    /// `take`, until that returns false or an error. The messages are not copied.
    ///
    /// ```
    /// use std::time::Duration;
    /// use framelink_profile::Framing;
    /// use framelink_session::Receiving;
    ///
    /// let mut receiving = Receiving::new("net:2".parse::<Framing>()?);
    /// receiving.on_bytes(b"\x00\x02hi\x00\x05hello\x00\x05other", Duration::ZERO);
    /// let mut taken = Vec::new();
    /// receiving.take_whole(|message| {
    ///     taken.push(message.len());
    ///     Ok::<_, Box<dyn std::error::Error>>(taken.len() < 2)
    /// })?;
    /// assert_eq!((taken, receiving.messages_received()), (vec![2, 5], 2));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Returns the error of `take`. The message that was passed to it counts as taken.
    #[inline]
    pub fn take_whole<E>(&mut self, mut take: impl FnMut(&[u8]) -> Result<bool, E>) -> Result<(), E> {
        if !self.is_checked || self.codec.has_failed() {
            return Ok(());
        }
        let mut taken = Taken { receiving: self, count: 0, bytes: 0 };
        let Receiving { buffer, codec, .. } = &*taken.receiving;
        let (framing, mut rest) = (codec.framing(), buffer.as_ref());
        // Empty messages may be counted.
        while let Some(frame) = framing.whole_frame(rest).filter(|frame| frame.payload_len() > 0) {
            taken.bytes += frame.frame_len;
            taken.count += 1;
            if !take(frame.payload(rest))? {
                break;
            }
            rest = rest.get(frame.frame_len..).unwrap_or_default();
        }
        Ok(())
    }

    /// Records `count` delivered messages, which are the first `taken` bytes of the buffer.
    fn on_forwarded(&mut self, count: u64, taken: usize) {
        self.on_taken_whole(count, taken);
        self.on_idle(true);
    }

    fn on_taken_whole(&mut self, count: u64, taken: usize) {
        self.buffer.take(taken);
        self.codec.look_again();
        self.missing = 0;
        self.frames += count;
        self.messages += count;
        self.on_rest();
        if let Some(extras) = &mut self.extras {
            extras.limits.on_message();
        }
        self.is_away = true;
        self.on_taken();
    }
}

/// Messages that were taken from the buffer. They are removed also if `take` panics.
struct Taken<'r, D: Decode> {
    receiving: &'r mut Receiving<D>,
    count: u64,
    bytes: usize,
}

impl<D: Decode> Drop for Taken<'_, D> {
    fn drop(&mut self) {
        if self.count > 0 {
            self.receiving.on_taken_whole(self.count, self.bytes);
        }
    }
}
