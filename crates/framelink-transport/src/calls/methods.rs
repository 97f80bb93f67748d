//! The public methods of callers and receivers, with their documentation.

/// The methods of a `Caller` that do not wait.
macro_rules! caller_methods {
    () => {
        /// Closes the connection at once: calls in flight fail, and the receiver returns an error that says so.
        pub fn abort(&self) {
            self.mux.end(&Cause::Closed);
        }

        /// Returns whether calls are still possible, as far as is known.
        pub fn is_open(&self) -> bool {
            self.ended().is_none()
        }

        /// Returns why no more calls are possible, if so.
        pub(super) fn ended(&self) -> Option<CauseOf<C>> {
            self.mux.look(CallTable::ended)
        }

        /// Returns how many calls are in flight.
        pub fn in_flight(&self) -> usize {
            self.mux.look(|table| table.in_flight().len())
        }

        /// Returns how many calls timed out or were cancelled, and are not answered yet.
        pub fn unanswered(&self) -> usize {
            self.mux.look(|table| table.in_flight().unanswered())
        }

        /// Returns the address of the peer, or `None` if the stream has no address.
        pub fn peer_addr(&self) -> Option<SocketAddr> {
            self.mux.peer
        }
    };
}
pub(crate) use caller_methods;

/// Implements `Clone` and `Debug` for `Caller`.
macro_rules! caller_traits {
    () => {
        impl<C: Decode + Encode, W> Clone for Caller<C, W> {
            fn clone(&self) -> Self {
                Self { mux: Arc::clone(&self.mux) }
            }
        }

        /// Shows lengths and states, and no payloads, because they may contain card numbers.
        impl<C: Decode + Encode, W> fmt::Debug for Caller<C, W> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct("Caller")
                    .field("peer", &self.mux.peer)
                    .field("in_flight", &self.mux.look(|table| table.in_flight().len()))
                    .finish_non_exhaustive()
            }
        }
    };
}
pub(crate) use caller_traits;

/// The methods of a `Receiver` that do not wait.
macro_rules! receiver_methods {
    () => {
        /// Returns the counter of all bytes received so far. It can be read while the receiver is busy.
        pub fn byte_count(&self) -> ByteCount {
            self.half.byte_count()
        }

        /// Returns the handle to the heartbeats of this connection, or `None` without heartbeats.
        pub const fn liveness(&self) -> Option<&LivenessHandle> {
            self.half.receiving.liveness()
        }

        /// Returns whether the peer is alive, as far as heartbeats can tell, or `None` without heartbeats.
        pub fn standing(&self) -> Option<Standing> {
            self.half.standing()
        }

        /// Returns the address of the peer, or `None` if the stream has no address.
        pub fn peer_addr(&self) -> Option<SocketAddr> {
            self.half.peer_addr()
        }
    };
}
pub(crate) use receiver_methods;

/// Implements `Debug` for `Receiver`, and `Drop`, which ends the connection. `$bound` is the bound of `W`.
macro_rules! receiver_traits {
    ($($bound:tt)+) => {
        impl<C: Decode + Encode, R, W: $($bound)+> Drop for Receiver<C, R, W> {
            fn drop(&mut self) {
                self.mux.on_receiver_dropped();
            }
        }

        /// Shows lengths and states, and no payloads, because they may contain card numbers.
        impl<C: Decode + Encode, R, W: $($bound)+> fmt::Debug for Receiver<C, R, W> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct("Receiver").field("in_flight", &self.mux.look(|table| table.in_flight().len())).finish_non_exhaustive()
            }
        }
    };
}
pub(crate) use receiver_traits;
