//! The sending half of a connection.

/// The methods of a sending half on every driver.
macro_rules! send_half_methods {
    () => {
        /// A sending half alone, on a stream whose other direction another task, thread or program has.
        pub fn new(writer: W, framing: impl Into<std::sync::Arc<C>>) -> Self {
            Self::assemble(writer, $crate::session::Sending::new(framing.into()), Clock::start(), None)
        }

        /// How many messages were accepted and are not wholly written.
        pub fn unwritten(&self) -> usize {
            self.sending.unwritten()
        }

        /// How many bytes of accepted messages are still to be written.
        pub fn unwritten_bytes(&self) -> usize {
            self.sending.queued_len()
        }

        /// How many messages the socket took whole since the connection began.
        pub fn messages_written(&self) -> u64 {
            self.sending.messages_written()
        }

        /// All bytes that the socket ever took, to be watched while this is busy.
        pub fn byte_count(&self) -> $crate::session::ByteCount {
            self.sending.byte_count()
        }

        /// The address of the other side.
        pub const fn peer_addr(&self) -> Option<std::net::SocketAddr> {
            self.peer
        }

        const fn error(&self, cause: $crate::connection::CauseOf<C>) -> $crate::connection::ErrorOf<C> {
            $crate::error::Error::new($crate::error::Operation::Send, self.peer, cause)
        }
    };
}
pub(crate) use send_half_methods;

/// For a sending half that has to be asked to send heartbeats. Where writes wait, `now` is the deadline of one that does not.
macro_rules! send_half_maintain {
    ($output:ident $(, $now:expr)?) => {
        /// Writes the heartbeats that are due, and what is left of a message whose sending was given up, without waiting, and says how
        /// soon to ask again. For a program that has only this half, while it has nothing to send.
        ///
        /// # Errors
        /// When the connection failed.
        pub fn maintain(&mut self) -> Result<Option<std::time::Duration>, $crate::connection::ErrorOf<C>> {
            let beat_at =
                self.$output($($now,)? |sending, port, clock| $crate::drive::write_beats(sending, port, clock))?;
            Ok(beat_at.map(|at| at.saturating_sub($crate::drive::Clock::now(&self.clock))))
        }
    };
}
pub(crate) use send_half_maintain;

/// The methods of a sending half whose operations wait. The driver has `write`, which goes on with something until it is done or the time is
/// over: then it is `None`.
macro_rules! waiting_send_half_methods {
    ($wait:ident $($async:ident)?) => {
        /// Sends one message and returns when the socket has taken all of it.
        ///
        /// That it was taken does not mean that it was delivered. On tokio, dropping the future leaves the message either not accepted at
        /// all, or with the rest of it to be written before anything else.
        ///
        /// # Errors
        /// When the message cannot be sent with this framing, when our side has ended, or when the connection failed.
        pub $($async)? fn send(&mut self, payload: &[u8]) -> Result<(), $crate::connection::ErrorOf<C>> {
            $wait!(self.write(|sending, port, clock| $crate::drive::put(sending, port, clock, payload)))?;
            $wait!(self.flush())
        }

        /// The same within that time. When that is over the message is either not accepted at all, or the rest of it leaves before
        /// anything else.
        ///
        /// # Errors
        /// As [`send`](Self::send), and when the socket did not take it in time.
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

        /// Accepts a message to be sent with the next [`flush`](Self::flush) or [`send`](Self::send), so that many small ones
        /// share a write. Waits only while 64 KiB or more are queued.
        ///
        /// # Errors
        /// As [`send`](Self::send).
        pub $($async)? fn feed(&mut self, payload: &[u8]) -> Result<(), $crate::connection::ErrorOf<C>> {
            $wait!(self.write(|sending, port, clock| {
                Ok($crate::drive::queue(sending, port, clock, payload)?.done())
            }))?;
            Ok(())
        }

        /// Writes all that is queued.
        ///
        /// # Errors
        /// When the connection failed.
        pub $($async)? fn flush(&mut self) -> Result<(), $crate::connection::ErrorOf<C>> {
            $wait!(self.write(|sending, port, clock| Ok($crate::drive::flush(sending, port, clock)?.done())))?;
            Ok(())
        }

        /// Ends our side: what is queued is written, then writing is shut down. The peer can go on sending.
        ///
        /// # Errors
        /// When the connection failed.
        pub $($async)? fn finish(&mut self) -> Result<(), $crate::connection::ErrorOf<C>> {
            self.sending.finish();
            $wait!(self.flush())
        }

        /// Accepts a message, writing what the socket takes of it and queueing the rest; `None` if there is no room for it in time.
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

        /// Gives the socket up: nothing more is sent.
        pub(super) fn give_up(&mut self) {
            self.writer = None;
            self.sending.on_failed();
        }
    };
}
pub(crate) use waiting_send_half_methods;
