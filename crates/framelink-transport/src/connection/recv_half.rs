//! The receiving half of a connection.

use crate::drive;
use crate::error::Cause;

/// Returns whether nothing more can be received after this error. A socket reports a reset once, then a close.
pub(crate) fn ends_reading<D, E>(cause: &Cause<D, E>) -> bool {
    drive::is_lost(cause) || matches!(cause, Cause::Dead(_))
}

/// The methods of a receiving half on every driver.
macro_rules! recv_half_methods {
    () => {
        /// Creates a receiving half on a stream whose other direction belongs to another task, thread or program.
        pub fn new(reader: R, framing: impl Into<std::sync::Arc<C>>) -> Self {
            Self::assemble(
                reader,
                $crate::session::Receiving::new(framing.into()),
                Clock::start(),
                $crate::connection::peer_addr::PeerAddr::None,
            )
        }

        /// Returns what is known of a message that has arrived only in part.
        pub fn unfinished(&self) -> Option<$crate::session::Unfinished> {
            self.receiving.unfinished()
        }

        /// Returns how many messages were received since the connection began.
        pub const fn messages_received(&self) -> u64 {
            self.receiving.messages_received()
        }

        /// Returns the counter of all bytes received so far. It can be read while the half is busy.
        pub fn byte_count(&self) -> $crate::session::ByteCount {
            self.receiving.byte_count()
        }

        /// Returns the address of the peer, or `None` if the stream has no address.
        pub fn peer_addr(&self) -> Option<std::net::SocketAddr> {
            self.peer.get()
        }

        pub(super) fn failed(&mut self, cause: $crate::connection::CauseOf<C>) -> $crate::connection::ErrorOf<C> {
            if $crate::connection::ends_reading(&cause) {
                self.reader = None;
            }
            self.error(cause)
        }

        fn error(&self, cause: $crate::connection::CauseOf<C>) -> $crate::connection::ErrorOf<C> {
            $crate::error::Error::new($crate::error::Operation::Receive, self.peer.get(), cause)
        }
    };
}
pub(crate) use recv_half_methods;

/// The methods of a receiving half whose operations wait. The driver has `ready`, which returns a
/// message that has been read already, and `next`, which receives one.
macro_rules! waiting_recv_half_methods {
    ($wait:ident $($async:ident)?) => {
        #[doc = $crate::connection::docs!(recv_ref)]
        pub $($async)? fn recv_ref(
            &mut self,
        ) -> Result<Option<$crate::session::MessageRef<'_>>, $crate::connection::ErrorOf<C>> {
            let place: Option<$crate::session::MessagePlace> = match self.ready() {
                Some(place) => Some(place),
                None => $wait!(self.next())?,
            };
            Ok(place.map(|place| self.receiving.message_at(place)))
        }

        /// Returns the next message that has been read already, without looking at the socket.
        ///
        /// # Errors
        /// Fails like [`recv`](Self::recv), except for errors of the socket.
        pub fn buffered(&mut self) -> Result<Option<$crate::Message>, $crate::connection::ErrorOf<C>> {
            $crate::drive::buffered(&mut self.receiving).map_err(|cause| self.error(cause))
        }

        /// Returns whether the peer is alive, as far as heartbeats can tell, or `None` without heartbeats.
        pub fn standing(&self) -> Option<$crate::heartbeat::Standing> {
            Some(self.receiving.liveness()?.standing($crate::drive::Clock::now(&self.clock)))
        }

        /// Closes the socket of this half: nothing more is received.
        pub(super) fn give_up(&mut self) {
            self.reader = None;
        }
    };
}
pub(crate) use waiting_recv_half_methods;
