//! Sending that answers at once: of a connection, and of a sending half alone.

/// Both have `output`, which does something with what is written, and `flush_now`.
macro_rules! polled_send_methods {
    () => {
        /// Sends one message as far as the socket takes it now. What it does not take is queued, for
        /// [`try_flush`](Self::try_flush); where 64 KiB or more are queued the message is not accepted.
        ///
        /// # Errors
        /// When the message cannot be sent with this framing, when our side has ended, or when the connection failed. For a connection
        /// that is not split also when an earlier call was given up or one is under way; so of all that sends.
        pub fn try_send(&mut self, payload: &[u8]) -> Result<$crate::drive::TrySend, $crate::connection::ErrorOf<C>> {
            self.output(|sending, port, clock| $crate::drive::try_put(sending, port, clock, payload))
        }

        /// Accepts a message to be sent with others by the next [`try_flush`](Self::try_flush), so that many small ones share a
        /// write.
        ///
        /// # Errors
        /// As [`try_send`](Self::try_send).
        pub fn try_feed(&mut self, payload: &[u8]) -> Result<$crate::drive::TrySend, $crate::connection::ErrorOf<C>> {
            self.output(|sending, port, clock| $crate::drive::try_queue(sending, port, clock, payload))
        }

        /// Writes what is queued, as far as the socket takes it now; true when all of it is out. Otherwise the system tells when
        /// the socket takes more.
        ///
        /// # Errors
        /// When the connection failed, and when an earlier call was given up.
        pub fn try_flush(&mut self) -> Result<bool, $crate::connection::ErrorOf<C>> {
            self.flush_now()
        }

        /// Ends our side: when what is queued is written, writing is shut down. True when that is done; otherwise
        /// [`try_flush`](Self::try_flush) does it. The peer can go on sending.
        ///
        /// # Errors
        /// When the connection failed, and when an earlier call was given up or one is under way.
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
