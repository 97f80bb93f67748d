//! The receiving half of a connection.

use crate::drive;
use crate::error::Cause;

/// Whether nothing more can be received after this. A socket tells of a reset once and then ends as if it had been closed in good order.
pub(crate) fn ends_reading<D, E>(cause: &Cause<D, E>) -> bool {
    drive::is_lost(cause) || matches!(cause, Cause::Dead(_))
}

/// The methods of a receiving half on every driver.
macro_rules! recv_half_methods {
    () => {
        /// A receiving half alone, on a stream whose other direction another task, thread or program has.
        pub fn new(reader: R, framing: impl Into<std::sync::Arc<C>>) -> Self {
            Self::assemble(reader, $crate::session::Receiving::new(framing.into()), Clock::start(), None)
        }

        /// What is known of a message that has begun to come and is not whole.
        pub fn unfinished(&self) -> Option<$crate::session::Unfinished> {
            self.receiving.unfinished()
        }

        /// All bytes that ever came, to be watched while this is busy.
        pub fn byte_count(&self) -> $crate::session::ByteCount {
            self.receiving.byte_count()
        }

        /// The address of the other side.
        pub const fn peer_addr(&self) -> Option<std::net::SocketAddr> {
            self.peer
        }

        pub(super) fn failed(&mut self, cause: $crate::connection::CauseOf<C>) -> $crate::connection::ErrorOf<C> {
            if $crate::connection::ends_reading(&cause) {
                self.reader = None;
            }
            self.error(cause)
        }

        const fn error(&self, cause: $crate::connection::CauseOf<C>) -> $crate::connection::ErrorOf<C> {
            $crate::error::Error::new($crate::error::Operation::Receive, self.peer, cause)
        }
    };
}
pub(crate) use recv_half_methods;

/// The methods of a receiving half whose operations wait.
macro_rules! waiting_recv_half_methods {
    () => {
        /// The next message that has been read already, without a look at the socket.
        ///
        /// # Errors
        /// As [`recv`](Self::recv), but for the socket's.
        pub fn buffered(&mut self) -> Result<Option<$crate::Message>, $crate::connection::ErrorOf<C>> {
            $crate::drive::buffered(&mut self.receiving).map_err(|cause| self.error(cause))
        }

        /// How things stand with the peer; `None` without heartbeats.
        pub fn standing(&self) -> Option<$crate::heartbeat::Standing> {
            Some(self.receiving.liveness()?.standing($crate::drive::Clock::now(&self.clock)))
        }

        /// Gives the socket up: nothing more is received.
        pub(super) fn give_up(&mut self) {
            self.reader = None;
        }
    };
}
pub(crate) use waiting_recv_half_methods;
