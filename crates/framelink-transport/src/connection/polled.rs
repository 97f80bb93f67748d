//! Non-blocking sending, for a connection and for a sending half alone.

/// The sending methods that return at once. The driver has `output`, which runs a closure, and `flush_now`.
macro_rules! polled_send_methods {
    () => {
        /// Sends one message as far as the socket takes it now, and queues the rest for
        /// [`try_flush`](Self::try_flush). While 64 KiB or more are queued, the message is not accepted.
        ///
        /// # Errors
        /// Fails if the framing cannot send the message, after the end of this side, or if the connection failed. On a
        /// connection that is not split, sending methods also fail during a call and after a call that was not completed.
        pub fn try_send(&mut self, payload: &[u8]) -> Result<$crate::drive::TrySend, $crate::connection::ErrorOf<C>> {
            self.output(|sending, port, clock| $crate::drive::try_put(sending, port, clock, payload))
        }

        /// Queues a message for the next [`try_flush`](Self::try_flush), so that small messages share a write. On a
        /// connection, a `try_recv` that returns [`TryRecv::Nothing`](crate::TryRecv::Nothing) has written what is
        /// queued.
        ///
        /// # Errors
        /// Fails like [`try_send`](Self::try_send).
        pub fn try_feed(&mut self, payload: &[u8]) -> Result<$crate::drive::TrySend, $crate::connection::ErrorOf<C>> {
            self.output(|sending, port, clock| $crate::drive::try_queue(sending, port, clock, payload))
        }

        /// Writes what is queued, as far as the socket takes it now. Returns true if all of it is written. Otherwise
        /// the system reports when the socket is writable again.
        ///
        /// # Errors
        /// Fails if the connection failed, or if an earlier call was not completed.
        pub fn try_flush(&mut self) -> Result<bool, $crate::connection::ErrorOf<C>> {
            self.flush_now()
        }

        /// Shuts down writing after everything that is queued is written. Returns true if that is done; otherwise
        /// [`try_flush`](Self::try_flush) does it later. The peer can go on sending.
        ///
        /// # Errors
        /// Fails if the connection failed, if an earlier call was not completed, or while a call is in flight.
        pub fn try_finish(&mut self) -> Result<bool, $crate::connection::ErrorOf<C>> {
            self.output(|sending, _, _| {
                sending.finish();
                Ok(())
            })?;
            self.try_flush()
        }
    };
}
pub(crate) use polled_send_methods;
