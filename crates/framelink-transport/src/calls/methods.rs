//! The public methods of the callers and the receiver of a connection, with their documentation.

/// The methods of a `Caller` that wait for nothing.
macro_rules! caller_methods {
    () => {
        /// Gives the connection up at once: calls in flight fail, and the receiver returns an error that says so.
        pub fn abort(&self) {
            self.mux.end(&Cause::Closed);
        }

        /// Returns whether calls are still possible, as far as is known.
        pub fn is_open(&self) -> bool {
            self.ended().is_none()
        }

        /// Why no more calls are possible, if so.
        pub(super) fn ended(&self) -> Option<CauseOf<C>> {
            self.mux.look(CallTable::ended)
        }

        /// Returns how many calls are waited for.
        pub fn in_flight(&self) -> usize {
            self.mux.look(|table| table.in_flight().len())
        }

        /// Returns how many calls were given up and are not answered yet.
        pub fn unanswered(&self) -> usize {
            self.mux.look(|table| table.in_flight().unanswered())
        }

        /// Returns the address of the peer, where it has one.
        pub fn peer_addr(&self) -> Option<SocketAddr> {
            self.mux.peer
        }
    };
}
pub(crate) use caller_methods;

/// What a `Caller` is besides: to be cloned and shown.
macro_rules! caller_traits {
    () => {
        impl<C: Decode + Encode, W> Clone for Caller<C, W> {
            fn clone(&self) -> Self {
                Self { mux: Arc::clone(&self.mux) }
            }
        }

        /// Lengths and states only: card numbers travel in requests.
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

/// The methods of a `Receiver` that wait for nothing.
macro_rules! receiver_methods {
    () => {
        /// Returns the count of all bytes that have come, to be watched while this is busy.
        pub fn byte_count(&self) -> ByteCount {
            self.half.byte_count()
        }

        /// Returns where heartbeats are told, if the connection has them.
        pub const fn liveness(&self) -> Option<&LivenessHandle> {
            self.half.receiving.liveness()
        }

        /// Returns how things stand with the peer; `None` without heartbeats.
        pub fn standing(&self) -> Option<Standing> {
            self.half.standing()
        }

        /// Returns the address of the peer, where it has one.
        pub const fn peer_addr(&self) -> Option<SocketAddr> {
            self.half.peer_addr()
        }
    };
}
pub(crate) use receiver_methods;

/// What a `Receiver` is besides, where `W` is bounded like that: to be shown, and to end the connection when it is dropped.
macro_rules! receiver_traits {
    ($($bound:tt)+) => {
        impl<C: Decode + Encode, R, W: $($bound)+> Drop for Receiver<C, R, W> {
            fn drop(&mut self) {
                self.mux.on_receiver_dropped();
            }
        }

        /// Lengths and states only: card numbers travel in messages.
        impl<C: Decode + Encode, R, W: $($bound)+> fmt::Debug for Receiver<C, R, W> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct("Receiver").field("in_flight", &self.mux.look(|table| table.in_flight().len())).finish_non_exhaustive()
            }
        }
    };
}
pub(crate) use receiver_traits;
