//! The sending half of a connection.

/// The methods of a sending half on every driver.
macro_rules! send_half_methods {
    () => {
        /// Creates a sending half on a stream whose other direction belongs to another task, thread or program.
        pub fn new(writer: W, framing: impl Into<std::sync::Arc<C>>) -> Self {
            Self::assemble(
                writer,
                $crate::session::Sending::new(framing.into()),
                Clock::start(),
                $crate::connection::peer_addr::PeerAddr::None,
            )
        }

        /// Returns how many accepted messages are not completely written.
        pub fn unwritten(&self) -> usize {
            self.sending.unwritten()
        }

        /// Returns how many bytes of accepted messages are not written yet.
        pub fn unwritten_bytes(&self) -> usize {
            self.sending.queued_len()
        }

        /// Returns how many messages the socket has taken completely since the connection began.
        pub fn messages_written(&self) -> u64 {
            self.sending.messages_written()
        }

        /// Returns the counter of all bytes that the socket has taken. It can be read while the half is busy.
        pub fn byte_count(&self) -> $crate::session::ByteCount {
            self.sending.byte_count()
        }

        /// Returns the address of the peer, or `None` if the stream has no address.
        pub fn peer_addr(&self) -> Option<std::net::SocketAddr> {
            self.peer.get()
        }

        fn error(&self, cause: $crate::connection::CauseOf<C>) -> $crate::connection::ErrorOf<C> {
            $crate::error::Error::new($crate::error::Operation::Send, self.peer.get(), cause)
        }
    };
}
pub(crate) use send_half_methods;

/// `maintain` of a sending half. On a driver whose writes wait, `now` is a deadline that has passed.
macro_rules! send_half_maintain {
    ($output:ident $(, $now:expr)?) => {
        /// Writes the heartbeats that are due and the rest of a message whose `send` was cancelled or timed out,
        /// without waiting. Returns how soon to call this again. For a program with only this half.
        ///
        /// # Errors
        /// Fails if the connection failed.
        pub fn maintain(&mut self) -> Result<Option<std::time::Duration>, $crate::connection::ErrorOf<C>> {
            let beat_at =
                self.$output($($now,)? |sending, port, clock| $crate::drive::write_beats(sending, port, clock))?;
            Ok(beat_at.map(|at| at.saturating_sub($crate::drive::Clock::now(&self.clock))))
        }
    };
}
pub(crate) use send_half_maintain;

/// The methods of a sending half whose operations wait. The driver has `write`, which repeats a step until it is
/// done, and `write_until`, which returns `None` if the deadline passes first.
macro_rules! waiting_send_half_methods {
    ($wait:ident $($async:ident)?) => {
        /// Sends one message and returns when the socket has taken all of it.
        ///
        /// Success does not mean that the message was delivered. If the future is dropped on tokio, either the
        /// message is not accepted at all, or the rest of it is written before anything else.
        ///
        /// # Errors
        /// Fails if the framing cannot send the message, after the end of this side, or if the connection failed.
        pub $($async)? fn send(&mut self, payload: &[u8]) -> Result<(), $crate::connection::ErrorOf<C>> {
            $wait!(self.write(|sending, port, clock| $crate::drive::put(sending, port, clock, payload)))?;
            $wait!(self.flush())
        }

        /// Sends one message within `limit`, like [`send`](Self::send). After a timeout, either the message is not
        /// accepted at all, or the rest of it is written before anything else.
        ///
        /// # Errors
        /// Fails like [`send`](Self::send), and if the socket did not take the message in time.
        pub $($async)? fn send_within(
            &mut self,
            payload: &[u8],
            limit: std::time::Duration,
        ) -> Result<(), $crate::connection::ErrorOf<C>> {
            let deadline = Some($crate::drive::Clock::now(&self.clock).saturating_add(limit));
            if $wait!(self.put(payload, deadline))?.is_none() {
                return Err(self.error($crate::error::Cause::NoRoom { after: limit, queued_bytes: self.unwritten_bytes() }));
            }
            $wait!(self.flush_until(deadline, limit))
        }

        #[doc = $crate::connection::docs!(send_with_outcome)]
        pub $($async)? fn send_with_outcome(
            &mut self,
            payload: &[u8],
            limit: std::time::Duration,
        ) -> Result<(), $crate::connection::CallErrorOf<C>> {
            let before = self.sending.accepted();
            $wait!(self.send_within(payload, limit)).map_err(|error| {
                let sent = $crate::drive::sent_of_message(&self.sending, before, error.cause());
                $crate::error::CallError::new(sent, error)
            })
        }

        /// Queues a message that the next [`flush`](Self::flush) or [`send`](Self::send) sends, so that many small
        /// messages share a write. Waits only while 64 KiB or more are queued.
        ///
        /// # Errors
        /// Fails like [`send`](Self::send).
        pub $($async)? fn feed(&mut self, payload: &[u8]) -> Result<(), $crate::connection::ErrorOf<C>> {
            if self.writer.is_some() && $crate::drive::queue_now(&mut self.sending, payload) {
                return Ok(());
            }
            $wait!(self.write(|sending, port, clock| {
                Ok($crate::drive::queue(sending, port, clock, payload)?.done())
            }))?;
            Ok(())
        }

        /// Writes everything that is queued.
        ///
        /// # Errors
        /// Fails if the connection failed.
        pub $($async)? fn flush(&mut self) -> Result<(), $crate::connection::ErrorOf<C>> {
            $wait!(self.write(|sending, port, clock| Ok($crate::drive::flush(sending, port, clock)?.done())))?;
            Ok(())
        }

        /// Writes what is queued, then shuts down writing. The peer can go on sending.
        ///
        /// # Errors
        /// Fails if the connection failed.
        pub $($async)? fn finish(&mut self) -> Result<(), $crate::connection::ErrorOf<C>> {
            self.sending.finish();
            $wait!(self.flush())
        }

        /// Accepts a message, writing what the socket takes. Returns `None` if there is no room before the deadline.
        pub(super) $($async)? fn put(
            &mut self,
            payload: &[u8],
            deadline: Option<std::time::Duration>,
        ) -> Result<Option<$crate::session::Ticket>, $crate::connection::ErrorOf<C>> {
            $wait!(self.write_until(deadline, |sending, port, clock| {
                $crate::drive::put(sending, port, clock, payload)
            }))
        }

        pub(super) $($async)? fn flush_until(
            &mut self,
            deadline: Option<std::time::Duration>,
            limit: std::time::Duration,
        ) -> Result<(), $crate::connection::ErrorOf<C>> {
            let flushed = $wait!(self.write_until(deadline, |sending, port, clock| {
                Ok($crate::drive::flush(sending, port, clock)?.done())
            }))?;
            flushed.ok_or_else(|| {
                let unwritten_bytes = self.unwritten_bytes();
                self.error($crate::error::Cause::TimedOut { after: limit, unwritten_bytes, unfinished: None })
            })
        }

        /// Closes the socket of this half: nothing more is sent.
        pub(super) fn give_up(&mut self) {
            self.writer = None;
            self.sending.on_failed();
        }
    };
}
pub(crate) use waiting_send_half_methods;
