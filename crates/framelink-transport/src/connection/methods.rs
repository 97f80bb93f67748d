//! The public methods of a connection that more than one driver has.

/// The methods of a connection on every driver; `peer` is where it has the address of the other side, `receiving` its session.
macro_rules! connection_methods {
    (peer: $($peer:ident).+, receiving: $($receiving:ident).+) => {
        /// Counts the bytes that the application holds for this connection; see [`HeldBytes`](crate::HeldBytes). It begins with none.
        pub fn held_bytes(&self) -> $crate::admission::HeldBytes {
            $crate::admission::HeldBytes::of(self.sending().memory())
        }

        /// From now on the memory that this connection holds is counted as memory of `accepted`: for a connection that was dialled on
        /// behalf of a client.
        pub fn share_memory_of(&mut self, accepted: &Self) {
            let memory = accepted.sending().memory();
            let $crate::connection::Parts { receiving, sending, .. } = self.parts();
            receiving.count_memory(memory.another());
            sending.count_memory(memory.another());
        }

        /// Has it send and expect heartbeats from now on, as this side of the connection. They leave and are dealt with inside its
        /// operations that receive, calls among them, and on tokio wherever something is awaited on it. While none of these runs no
        /// heartbeat leaves, and the peer gets no answer.
        pub fn watch(
            &mut self,
            heartbeat: impl Into<std::sync::Arc<$crate::Heartbeat>>,
            us: $crate::heartbeat::Role,
        ) -> $crate::session::LivenessHandle {
            let now = $crate::drive::Clock::now(&self.clock);
            let $crate::connection::Parts { receiving, sending, .. } = self.parts();
            $crate::session::watch(receiving, sending, heartbeat.into(), us, $crate::session::jitter(), now)
        }

        /// Where heartbeats are told, if they are.
        pub const fn liveness(&self) -> Option<&$crate::session::LivenessHandle> {
            self.$($receiving).+.liveness()
        }

        /// How things stand with the peer; `None` without heartbeats.
        pub fn standing(&self) -> Option<$crate::heartbeat::Standing> {
            Some(self.liveness()?.standing($crate::drive::Clock::now(&self.clock)))
        }

        /// The address of the other side, where it has one.
        pub const fn peer_addr(&self) -> Option<std::net::SocketAddr> {
            self.$($peer).+
        }

        /// A message was received that the caller does not return.
        pub(super) fn on_unread(&self, received: Result<$crate::drive::TryRecv, $crate::connection::ErrorOf<C>>) {
            if let Ok($crate::drive::TryRecv::Message(message)) = received {
                self.receiving().on_unread(message);
            }
        }
    };
}
pub(crate) use connection_methods;

/// What it has besides, where it can read and write.
macro_rules! maintaining_connection_methods {
    () => {
        /// For between two exchanges, while no operation runs: sends and answers heartbeats that are due, without waiting for anything,
        /// and says how soon it wants to be asked again: at once, if the peer has sent more than one turn takes. A message that comes by
        /// itself is an error, for it could be taken for the next reply; with `discard_unsolicited` it is dropped.
        ///
        /// # Errors
        /// When the peer is dead, when it closed the connection, when a message came that is no reply, and when the connection
        /// failed. It is of no more use then.
        pub fn maintain(
            &mut self,
            discard_unsolicited: bool,
        ) -> Result<Option<std::time::Duration>, $crate::connection::ErrorOf<C>> {
            self.maintain_between(match discard_unsolicited {
                true => $crate::profile::ExchangeKind::SendOnly,
                false => $crate::profile::ExchangeKind::Sync,
            })
        }
    };
}
pub(crate) use maintaining_connection_methods;

/// What a connection on a socket has; with `admitted_as`, a method of the driver that is told what a listener lets it in with.
macro_rules! socket_connection_methods {
    ($(admitted_as: $admitted_as:ident)?) => {
        /// At its start, as a profile says.
        pub(super) fn on(mut self, setup: &ConnectionSetup) -> Self {
            let $crate::connection::Parts { receiving, sending, .. } = self.parts();
            setup.apply(receiving, sending);
            self.greet();
            self
        }

        /// The same, let in by a listener.
        pub(super) fn admitted(mut self, setup: &ConnectionSetup, permit: Option<$crate::admission::Permit>) -> Self {
            $(self.$admitted_as(permit.as_ref());)?
            let $crate::connection::Parts { receiving, sending, .. } = self.parts();
            setup.admit(receiving, sending, permit);
            self.greet();
            self
        }

        /// Whether it has ended since it was used last. Where no operation takes messages (`is_heard` is false) they are dropped.
        pub(super) fn has_ended(&mut self, is_heard: bool) -> bool {
            self.look_for_end(is_heard)
        }
    };
}
pub(crate) use socket_connection_methods;

/// What a connection does that waits for its peer. The driver has `until_done`, which goes from one step to the next and waits between them,
/// up to a deadline: `None` when that is over.
macro_rules! exchanging_connection_methods {
    ($wait:ident $($async:ident)?) => {
        /// Receives the next message, or says that none came within that time. What has come of one is kept. Meanwhile heartbeats that are
        /// due are written, and queued bytes.
        ///
        /// # Errors
        /// When what came is no frame, when the stream ended inside one, when the connection failed, and when an earlier call was given
        /// up. Whole messages that came before that are delivered first.
        pub $($async)? fn recv_within(
            &mut self,
            limit: std::time::Duration,
        ) -> Result<$crate::drive::TryRecv, $crate::connection::ErrorOf<C>> {
            self.check($crate::error::Operation::Receive)?;
            let deadline = self.clock.within(limit);
            let received = $wait!(self.until_done(deadline, |connection, wait| connection.receive_step(wait)));
            Ok($crate::drive::TryRecv::of(received.ok().transpose()?))
        }

        /// Sends a request and receives its reply, the next message that comes, all of it within one deadline.
        ///
        /// If it fails the connection can be used no more: a late reply must not answer the next request. On tokio the same holds if its
        /// future is dropped. The error says what the peer may have seen of the request.
        ///
        /// # Errors
        /// When the request could not be sent, when no reply came in time or the peer closed instead, when something came
        /// before the request went out, or when an earlier call was given up.
        pub $($async)? fn call(
            &mut self,
            request: &[u8],
            within: std::time::Duration,
        ) -> Result<$crate::Message, $crate::connection::CallErrorOf<C>> {
            $wait!(self.exchange(request, within, false))
        }

        /// A call; with `half_close` our side ends behind the request.
        pub(super) $($async)? fn exchange(
            &mut self,
            request: &[u8],
            within: std::time::Duration,
            half_close: bool,
        ) -> Result<$crate::Message, $crate::connection::CallErrorOf<C>> {
            let mut call = self.begin_call(request, half_close)?;
            let deadline = self.clock.within(within);
            match $wait!(self.until_done(deadline, |connection, wait| connection.advance_call(&mut call, wait))) {
                Ok(Ok(reply)) => Ok(reply),
                Ok(Err(cause)) => Err(self.call_failed(&call, cause)),
                Err(_) => Err(self.time_out(&call, within)),
            }
        }

        /// Closes the connection in good order: writes what is queued, ends our side, and takes what the peer still sends until
        /// it closes too, so that no reset destroys what is on its way to it. After `within` the socket is closed in any case.
        ///
        /// # Errors
        /// When what was queued could not be written in that time, and when the connection was reset: what went last may be lost then.
        pub $($async)? fn close(
            mut self,
            within: std::time::Duration,
        ) -> Result<$crate::drive::CloseReport, $crate::connection::ErrorOf<C>> {
            $wait!(self.close_and_count(within)).1
        }

        /// The same where it lies, for a future that holds the connection by value holds it twice; and how many messages came meanwhile,
        /// also where it failed.
        pub(super) $($async)? fn close_and_count(
            &mut self,
            within: std::time::Duration,
        ) -> (usize, Result<$crate::drive::CloseReport, $crate::connection::ErrorOf<C>>) {
            let mut close = self.begin_close(within);
            loop {
                let deadline = self.clock.at(close.deadline());
                let closed = $wait!(self.until_done(deadline, |connection, wait| connection.advance_close(&mut close, wait)));
                // When its time is over it is asked once more, and says what that means.
                if let Ok(closed) = closed {
                    return (close.discarded(), closed);
                }
            }
        }
    };
}
pub(crate) use exchanging_connection_methods;

/// The methods of a connection whose operations wait, made of two halves; see `connection_methods`.
macro_rules! waiting_connection_methods {
    ($wait:ident $($async:ident)?) => {
        /// Sends one message; see [`SendHalf::send`].
        ///
        /// # Errors
        /// As there, and when an earlier call was given up.
        pub $($async)? fn send(&mut self, payload: &[u8]) -> Result<(), $crate::connection::ErrorOf<C>> {
            self.check($crate::error::Operation::Send)?;
            $wait!(self.sender.send(payload))
        }

        /// Sends one message within that time; see [`SendHalf::send_within`].
        ///
        /// # Errors
        /// As there, and when an earlier call was given up.
        pub $($async)? fn send_within(
            &mut self,
            payload: &[u8],
            limit: std::time::Duration,
        ) -> Result<(), $crate::connection::ErrorOf<C>> {
            self.check($crate::error::Operation::Send)?;
            $wait!(self.sender.send_within(payload, limit))
        }

        #[doc = $crate::connection::docs!(send_with_outcome)]
        pub $($async)? fn send_with_outcome(
            &mut self,
            payload: &[u8],
            limit: std::time::Duration,
        ) -> Result<(), $crate::connection::CallErrorOf<C>> {
            let unsent = |error| $crate::error::CallError::new($crate::session::Sent::Not, error);
            self.check($crate::error::Operation::Send).map_err(unsent)?;
            $wait!(self.sender.send_with_outcome(payload, limit))
        }

        /// Accepts a message to be sent with others; see [`SendHalf::feed`].
        ///
        /// # Errors
        /// As there, and when an earlier call was given up.
        pub $($async)? fn feed(&mut self, payload: &[u8]) -> Result<(), $crate::connection::ErrorOf<C>> {
            self.check($crate::error::Operation::Send)?;
            $wait!(self.sender.feed(payload))
        }

        /// Writes all that is queued.
        ///
        /// # Errors
        /// When the connection failed, and when an earlier call was given up.
        pub $($async)? fn flush(&mut self) -> Result<(), $crate::connection::ErrorOf<C>> {
            self.check($crate::error::Operation::Send)?;
            $wait!(self.sender.flush())
        }

        /// Ends our side: what is queued is written, then writing is shut down. The peer can go on sending.
        ///
        /// # Errors
        /// When the connection failed, and when an earlier call was given up.
        pub $($async)? fn finish(&mut self) -> Result<(), $crate::connection::ErrorOf<C>> {
            self.check($crate::error::Operation::Send)?;
            $wait!(self.sender.finish())
        }

        /// Receives the next message; see [`RecvHalf::recv`]. Meanwhile heartbeats that are due are written, and queued bytes, such as the
        /// rest of a message whose sending was given up.
        ///
        /// # Errors
        /// As there, and when an earlier call was given up.
        pub $($async)? fn recv(&mut self) -> Result<Option<$crate::Message>, $crate::connection::ErrorOf<C>> {
            self.check($crate::error::Operation::Receive)?;
            $wait!(self.next())
        }

        /// The two halves, for two tasks or threads. Calls need both and are no longer possible.
        ///
        /// After a call that was given up they are closed: nothing could be told from its late reply.
        pub fn split(mut self) -> (RecvHalf<C, R>, SendHalf<C, W>) {
            self.abandon_unclean();
            (self.receiver, self.sender)
        }

        /// For a pool: how many messages went and came.
        pub(super) fn traffic(&self) -> $crate::connection::Traffic {
            let sent = self.sending().messages_written();
            $crate::connection::Traffic { sent, received: self.receiving().messages_received() }
        }

        fn assemble(reader: R, writer: W, framing: std::sync::Arc<C>, peer: Option<std::net::SocketAddr>) -> Self {
            let clock = Clock::start();
            let session = $crate::session::Session::new(std::sync::Arc::clone(&framing), framing);
            let receiver = RecvHalf::assemble(reader, session.receiving, clock, peer);
            let sender = SendHalf::assemble(writer, session.sending, clock, peer);
            Self { receiver, sender, exchange: session.exchange, clock, mailbox: None }
        }
    };
}
pub(crate) use waiting_connection_methods;
