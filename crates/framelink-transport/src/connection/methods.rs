//! The public methods that the connections of several drivers have in common.

/// The methods of a connection on every driver. `peer` and `receiving` are paths of fields.
macro_rules! connection_methods {
    (peer: $($peer:ident).+, receiving: $($receiving:ident).+) => {
        /// Returns a counter of bytes that the application holds for this connection, see
        /// [`HeldBytes`](crate::HeldBytes).
        pub fn held_bytes(&self) -> $crate::admission::HeldBytes {
            $crate::admission::HeldBytes::of(self.sending().memory())
        }

        /// Counts the memory of this connection, dialled on behalf of a client, as memory of `accepted` from now on.
        pub fn share_memory_of(&mut self, accepted: &Self) {
            let memory = accepted.sending().memory();
            let $crate::connection::Parts { receiving, sending, .. } = self.parts();
            receiving.count_memory(memory.another());
            sending.count_memory(memory.another());
        }

        /// Starts heartbeats on this connection, in the role `us`.
        ///
        /// Heartbeats are sent and answered inside operations that receive, calls included, and on tokio inside every
        /// operation that is awaited. While no such operation runs, no heartbeat is sent and the peer gets no answer.
        pub fn watch(
            &mut self,
            heartbeat: impl Into<std::sync::Arc<$crate::Heartbeat>>,
            us: $crate::heartbeat::Role,
        ) -> $crate::session::LivenessHandle {
            let now = $crate::drive::Clock::now(&$crate::connection::SessionParts::clock(self));
            let $crate::connection::Parts { receiving, sending, .. } = self.parts();
            $crate::session::watch(receiving, sending, heartbeat.into(), us, $crate::session::jitter(), now)
        }

        /// Returns the handle to the heartbeats of this connection, or `None` without heartbeats.
        pub const fn liveness(&self) -> Option<&$crate::session::LivenessHandle> {
            self.$($receiving).+.liveness()
        }

        /// Returns whether the peer is alive, as far as heartbeats can tell, or `None` without heartbeats.
        pub fn standing(&self) -> Option<$crate::heartbeat::Standing> {
            Some(self.liveness()?.standing($crate::drive::Clock::now(&$crate::connection::SessionParts::clock(self))))
        }

        /// Returns the address of the peer, or `None` if the stream has no address.
        pub fn peer_addr(&self) -> Option<std::net::SocketAddr> {
            self.$($peer).+.get()
        }

        /// Returns what a proxy says about its client, if the connection began with a PROXY protocol header. Then
        /// [`peer_addr`](Self::peer_addr) is the address of that client, if the proxy knows it.
        pub fn proxy_info(&self) -> Option<&$crate::proxy_protocol::ProxyInfo> {
            self.$($peer).+.proxied()
        }

        /// Begins the layers of a new connection.
        fn begin_layers(
            &mut self,
            header: Option<$crate::admission::HeaderStage>,
            tls: Option<($crate::tls::ReaderBox, $crate::tls::WriterBox)>,
        ) {
            let (reader, writer) = tls.map_or((None, None), |(mut reader, mut writer)| {
                reader.count_memory(self.sending().memory().another());
                writer.count_memory(self.sending().memory().another());
                (Some(reader), Some(writer))
            });
            if let Some(layers) = $crate::drive::Layers::of(header, reader) {
                self.set_layers(layers, writer);
            }
        }

        /// Uses TLS on a connection that was made from an existing socket, as the client. Call this before anything is sent
        /// or received. The handshake is a part of the first operation.
        #[cfg(feature = "tls")]
        #[must_use]
        pub fn tls_client(mut self, tls: &$crate::tls::ClientTls) -> Self {
            self.begin_layers(None, Some(tls.begin(self.peer_addr())));
            self
        }

        /// Like [`tls_client`](Self::tls_client), as the server.
        #[cfg(feature = "tls")]
        #[must_use]
        pub fn tls_server(mut self, tls: &$crate::tls::ServerTls) -> Self {
            self.begin_layers(None, Some(tls.begin()));
            self
        }

        /// Returns what the TLS handshake agreed on, with the certificate of the peer. Returns `None` without TLS, and while the
        /// handshake is not over.
        #[cfg(feature = "tls")]
        pub fn tls(&self) -> Option<$crate::tls::TlsFacts> {
            self.layers()?.facts()
        }

        /// Hands over a received message that no method of the connection returns.
        pub(super) fn on_unread(&self, received: Result<$crate::drive::TryRecv, $crate::connection::ErrorOf<C>>) {
            if let Ok($crate::drive::TryRecv::Message(message)) = received {
                self.receiving().on_unread(message);
            }
        }
    };
}
pub(crate) use connection_methods;

/// The methods of a connection that can both read and write.
macro_rules! maintaining_connection_methods {
    () => {
        /// Sends and answers the heartbeats that are due, without waiting. Call this between two exchanges.
        ///
        /// Returns how soon to call this again, or `None` if nothing will be due. Zero means: there is more to read.
        ///
        /// An unsolicited message is an error, because it could be mistaken for the next reply. With
        /// `discard_unsolicited` such messages are discarded instead.
        ///
        /// # Errors
        /// Fails if the peer is dead, if the peer closed the connection, if an unsolicited message arrived, or if the
        /// connection failed. After an error the connection can no longer be used.
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

/// The methods of a connection on a socket. `admitted_as` names a method that takes the permit of the listener.
macro_rules! socket_connection_methods {
    ($(admitted_as: $admitted_as:ident)?) => {
        /// Prepares a new connection as the profile says, and sends the preamble.
        pub(super) fn on(mut self, setup: &ConnectionSetup) -> Self {
            let (local, peer) = (self.stream().and_then(|stream| stream.local_addr().ok()), self.peer_addr());
            let (mut tls, header) = (setup.begin_tls(peer), setup.proxy_header(local, peer));
            let $crate::connection::Parts { receiving, sending, .. } = self.parts();
            match &mut tls {
                Some((_, writer)) => writer.begin_with(header),
                None => sending.queue_preamble(&header),
            }
            setup.apply(receiving, sending);
            self.begun_by(None, tls)
        }

        /// Like `on`, for a connection that a listener accepted.
        pub(super) fn admitted(
            mut self,
            setup: &ConnectionSetup,
            mut permit: Option<$crate::admission::Permit>,
        ) -> Self {
            $(self.$admitted_as(permit.as_ref());)?
            let header = permit.as_mut().and_then(|permit| permit.header.take());
            let $crate::connection::Parts { receiving, sending, .. } = self.parts();
            setup.admit(receiving, sending, permit);
            let tls = setup.begin_tls(self.peer_addr());
            self.begun_by(header, tls)
        }

        /// Sends the preamble at once, unless a PROXY protocol header or the TLS handshake comes before it.
        fn begun_by(
            mut self,
            header: Option<$crate::admission::HeaderStage>,
            tls: Option<($crate::tls::ReaderBox, $crate::tls::WriterBox)>,
        ) -> Self {
            self.begin_layers(header, tls);
            if self.layers().is_none() {
                self.greet();
            }
            self
        }

        /// Returns whether the connection has ended since its last use. With `is_heard` false, messages are discarded.
        pub(super) fn has_ended(&mut self, is_heard: bool) -> bool {
            self.look_for_end(is_heard)
        }
    };
}
pub(crate) use socket_connection_methods;

/// The methods of a connection that wait for the peer. The driver has `until_done`, which runs step after step and
/// waits between them. It fails with [`Elapsed`](super::Elapsed) when the deadline has passed.
macro_rules! exchanging_connection_methods {
    ($wait:ident $($async:ident)?) => {
        /// Receives the next message, or reports that none arrived within `limit`. A part of a message that has
        /// arrived is kept for the next call. Meanwhile, heartbeats that are due and queued bytes are written.
        ///
        /// # Errors
        /// Fails if the received bytes are not a frame, if the stream ended inside a frame, if the connection failed,
        /// or if an earlier call was not completed. Whole messages that arrived before the error are returned first.
        pub $($async)? fn recv_within(
            &mut self,
            limit: std::time::Duration,
        ) -> Result<$crate::drive::TryRecv, $crate::connection::ErrorOf<C>> {
            self.check($crate::error::Operation::Receive)?;
            let deadline = $crate::connection::SessionParts::clock(self).within(limit);
            let received = $wait!(self.until_done(deadline, |connection, wait| connection.receive_step(wait)));
            Ok($crate::drive::TryRecv::of(received.ok().transpose()?))
        }

        /// Exchanges what comes before the first message: the TLS handshake, and what the profile says of first steps, the
        /// greeting and the sign-on. Does nothing if there is nothing left to exchange.
        ///
        /// `connect` of a connector does this, and so do the roles and `serve`. Call it for an accepted connection that
        /// is used otherwise, before any other operation; other operations fail until then. With TLS alone, other
        /// operations of the connection begin with the handshake. Call this before the connection is split.
        ///
        /// # Errors
        /// Fails if the peer refuses or does not finish in time, if the connection failed, and if a message cannot be
        /// composed. The connection can then no longer be used. On tokio, dropping the future loses nothing.
        pub $($async)? fn finish_opening(
            &mut self,
            within: std::time::Duration,
        ) -> Result<(), $crate::connection::ErrorOf<C>> {
            if !self.owes_opening() {
                return Ok(());
            }
            let deadline = self.clock().within(within);
            match $wait!(self.until_done(deadline, |connection, wait| connection.advance_opening(wait))) {
                Ok(Ok(())) => Ok(()),
                Ok(Err(cause)) => Err(self.opening_failed(cause)),
                Err(_) => Err(self.opening_timed_out(within)),
            }
        }

        /// Finishes the TLS handshake before an operation that only sends. The handshake has a deadline of its own.
        #[inline]
        pub(super) $($async)? fn finish_handshake(
            &mut self,
            operation: $crate::error::Operation,
        ) -> Result<(), $crate::connection::ErrorOf<C>> {
            if !self.is_shaking_hands() {
                return Ok(());
            }
            let never = $crate::connection::SessionParts::clock(self).within(std::time::Duration::MAX);
            match $wait!(self.until_done(never, |connection, wait| connection.advance_handshake(wait))) {
                Ok(Err(cause)) => {
                    self.abandon();
                    Err(self.error(operation, cause))
                }
                _ => Ok(()),
            }
        }

        /// Takes the messages of the client's [relayed](crate::profile::FirstStep::relay) first steps from an accepted connection,
        /// after [`finish_opening`](Self::finish_opening). Without such steps, there are none.
        pub fn take_relayed(&mut self) -> $crate::session::Relayed {
            let $crate::connection::Parts { receiving, .. } = self.parts();
            receiving.take_relayed()
        }

        /// Sends a request and receives its reply, which is the next message. `within` is the deadline for all of it.
        ///
        /// If the call fails, the connection can no longer be used, because a late reply must not answer the next
        /// request. On tokio, dropping the future has this effect too. The error says what the peer may have seen.
        ///
        /// # Errors
        /// Fails if the request could not be sent, if no reply arrived in time, if the peer closed the connection
        /// instead of replying, if bytes arrived before the request was sent, or if an earlier call was not completed.
        pub $($async)? fn call(
            &mut self,
            request: &[u8],
            within: std::time::Duration,
        ) -> Result<$crate::Message, $crate::connection::CallErrorOf<C>> {
            $wait!(self.exchange(request, within, false))
        }

        /// Makes a call. With `half_close`, writing is shut down after the request.
        pub(super) $($async)? fn exchange(
            &mut self,
            request: &[u8],
            within: std::time::Duration,
            half_close: bool,
        ) -> Result<$crate::Message, $crate::connection::CallErrorOf<C>> {
            let mut call = self.begin_call(request, half_close)?;
            let deadline = $crate::connection::SessionParts::clock(self).within(within);
            match $wait!(self.until_done(deadline, |connection, wait| connection.advance_call(&mut call, wait))) {
                Ok(Ok(reply)) => Ok(reply),
                Ok(Err(cause)) => Err(self.call_failed(&call, cause)),
                Err(_) => Err(self.time_out(&call, within)),
            }
        }

        /// Closes the connection in an orderly way: writes what is queued, shuts down writing, and discards what the
        /// peer still sends until the peer closes too. This avoids a reset, which could destroy data on its way to
        /// the peer. After `within` the socket is closed in any case.
        ///
        /// # Errors
        /// Fails if the queue was not written in time, or on a reset. The last messages may then be lost.
        pub $($async)? fn close(
            mut self,
            within: std::time::Duration,
        ) -> Result<$crate::drive::CloseReport, $crate::connection::ErrorOf<C>> {
            $wait!(self.close_and_count(within)).1
        }

        /// Closes the connection in place and also returns how many messages were discarded, even after an error. It
        /// borrows the connection, because a future that holds the connection by value stores it twice.
        pub(super) $($async)? fn close_and_count(
            &mut self,
            within: std::time::Duration,
        ) -> (usize, Result<$crate::drive::CloseReport, $crate::connection::ErrorOf<C>>) {
            let mut close = self.begin_close(within);
            loop {
                let deadline = $crate::connection::SessionParts::clock(self).at(close.deadline());
                let closed = $wait!(self.until_done(deadline, |connection, wait| connection.advance_close(&mut close, wait)));
                // After its deadline, `advance_close` is called once more and returns the outcome.
                if let Ok(closed) = closed {
                    return (close.discarded(), closed);
                }
            }
        }
    };
}
pub(crate) use exchanging_connection_methods;

/// The methods of a connection that consists of two halves and whose operations wait; see `connection_methods`. The
/// driver has `ready`, which returns a message that has been read already, and `next`, which receives one.
macro_rules! waiting_connection_methods {
    ($wait:ident $($async:ident)?) => {
        /// Sends one message; see [`SendHalf::send`].
        ///
        /// # Errors
        /// Fails like [`SendHalf::send`], and if an earlier call was not completed.
        pub $($async)? fn send(&mut self, payload: &[u8]) -> Result<(), $crate::connection::ErrorOf<C>> {
            self.check($crate::error::Operation::Send)?;
            $wait!(self.finish_handshake($crate::error::Operation::Send))?;
            $wait!(self.sender.send(payload))
        }

        /// Sends one message within `limit`; see [`SendHalf::send_within`].
        ///
        /// # Errors
        /// Fails like [`SendHalf::send_within`], and if an earlier call was not completed.
        pub $($async)? fn send_within(
            &mut self,
            payload: &[u8],
            limit: std::time::Duration,
        ) -> Result<(), $crate::connection::ErrorOf<C>> {
            self.check($crate::error::Operation::Send)?;
            $wait!(self.finish_handshake($crate::error::Operation::Send))?;
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
            $wait!(self.finish_handshake($crate::error::Operation::Send)).map_err(unsent)?;
            $wait!(self.sender.send_with_outcome(payload, limit))
        }

        /// Queues a message that is sent together with later ones; see [`SendHalf::feed`]. A receive writes what is
        /// queued before it waits. So a loop of `recv` and `feed` needs no flush: the replies to all messages that have
        /// arrived together are one write.
        ///
        /// # Errors
        /// Fails like [`SendHalf::feed`], and if an earlier call was not completed.
        pub $($async)? fn feed(&mut self, payload: &[u8]) -> Result<(), $crate::connection::ErrorOf<C>> {
            self.check($crate::error::Operation::Send)?;
            $wait!(self.finish_handshake($crate::error::Operation::Send))?;
            $wait!(self.sender.feed(payload))
        }

        /// Writes everything that is queued.
        ///
        /// # Errors
        /// Fails if the connection failed, or if an earlier call was not completed.
        pub $($async)? fn flush(&mut self) -> Result<(), $crate::connection::ErrorOf<C>> {
            self.check($crate::error::Operation::Send)?;
            $wait!(self.finish_handshake($crate::error::Operation::Send))?;
            $wait!(self.sender.flush())
        }

        /// Writes what is queued, then shuts down writing. The peer can go on sending.
        ///
        /// # Errors
        /// Fails if the connection failed, or if an earlier call was not completed.
        pub $($async)? fn finish(&mut self) -> Result<(), $crate::connection::ErrorOf<C>> {
            self.check($crate::error::Operation::Send)?;
            $wait!(self.finish_handshake($crate::error::Operation::Send))?;
            $wait!(self.sender.finish())
        }

        /// Receives the next message; see [`RecvHalf::recv`]. Meanwhile, heartbeats that are due and queued bytes are
        /// written, for example the rest of a message whose `send` was cancelled or timed out.
        ///
        /// # Errors
        /// Fails like [`RecvHalf::recv`], and if an earlier call was not completed.
        pub $($async)? fn recv(&mut self) -> Result<Option<$crate::Message>, $crate::connection::ErrorOf<C>> {
            self.check($crate::error::Operation::Receive)?;
            if let Some(message) = self.ready() {
                return Ok(Some(message));
            }
            $wait!(self.next())
        }

        #[doc = $crate::connection::docs!(recv_ref)]
        pub $($async)? fn recv_ref(
            &mut self,
        ) -> Result<Option<$crate::session::MessageRef<'_>>, $crate::connection::ErrorOf<C>> {
            self.check($crate::error::Operation::Receive)?;
            let place: Option<$crate::session::MessagePlace> = match self.ready() {
                Some(place) => Some(place),
                None => $wait!(self.next())?,
            };
            Ok(place.map(|place| self.receiver.receiving.message_at(place)))
        }

        /// Receives the next message like [`recv_ref`](Self::recv_ref), together with the sending half, to answer the
        /// message while it lies in the read buffer.
        ///
        /// # Errors
        /// Fails like [`recv`](Self::recv).
        pub $($async)? fn recv_with_sender(
            &mut self,
        ) -> Result<Option<($crate::session::MessageRef<'_>, &mut SendHalf<C, W>)>, $crate::connection::ErrorOf<C>> {
            self.check($crate::error::Operation::Receive)?;
            let place: Option<$crate::session::MessagePlace> = match self.ready() {
                Some(place) => Some(place),
                None => $wait!(self.next())?,
            };
            Ok(place.map(|place| (self.receiver.receiving.message_at(place), &mut self.sender)))
        }

        /// Splits the connection into its two halves, for two tasks or threads. The halves cannot make calls.
        ///
        /// If an earlier call was not completed, both halves are closed, because its late reply could not be recognised.
        pub fn split(mut self) -> (RecvHalf<C, R>, SendHalf<C, W>) {
            self.abandon_unclean();
            (self.receiver, self.sender)
        }

        /// Returns how many messages were sent and received. The pool uses this.
        pub(super) fn traffic(&self) -> $crate::connection::Traffic {
            let sent = self.sending().messages_written();
            $crate::connection::Traffic { sent, received: self.receiving().messages_received() }
        }

        fn set_layers(&mut self, layers: $crate::drive::LayersBox, writer: Option<$crate::tls::WriterBox>) {
            (self.receiver.layers, self.sender.tls) = (Some(layers), writer);
        }

        fn assemble(
            reader: R,
            writer: W,
            framing: std::sync::Arc<C>,
            peer: $crate::connection::peer_addr::PeerAddr,
        ) -> Self {
            let clock = Clock::start();
            let session = $crate::session::Session::new(std::sync::Arc::clone(&framing), framing);
            let receiver = RecvHalf::assemble(reader, session.receiving, clock, peer.clone());
            let sender = SendHalf::assemble(writer, session.sending, clock, peer);
            Self { receiver, sender, exchange: session.exchange, mailbox: None }
        }
    };
}
pub(crate) use waiting_connection_methods;
