//! The public methods of connectors and listeners, with their documentation, as macros for the drivers' types.

/// The method `connect`. The driver has `dial`, which makes a socket.
macro_rules! connector_methods {
    ($wait:ident $driver:ident $peer:ident $($async:ident)?) => {
        /// Connects to the peer. The time to connect ([`within`](Self::within)) includes the lookup of its name.
        ///
        /// If the name has several addresses, they are tried as RFC 8305 (Happy Eyeballs) says:
        ///
        /// - The address that was used last is tried first. IPv4 and IPv6 alternate.
        /// - The next try begins 250 ms after the one before it, or at once when that one fails.
        /// - The first address that connects is used, and the other tries are given up.
        ///
        /// Without Unix, the blocking and the non-blocking driver try one after the other, each for its share of the
        /// time.
        ///
        /// Then it exchanges what the profile says comes before the first message: first steps, greeting and sign-on.
        /// The time to connect includes that, and the TLS handshake that precedes it.
        ///
        /// # Errors
        /// When the name cannot be resolved, when no address answers in time, and when the peer refuses the sign-on.
        /// The error is that of the last address that was tried.
        pub $($async)? fn connect(&self, peer: impl $peer) -> Result<Connection<C>, ConnectError> {
            let deadline = $driver::within(self.within);
            let (stream, address) = $wait!(self.dial(peer))?;
            let connection = Connection::with_peer(stream, Arc::clone(&self.framing), Some(address).into());
            let mut connection = connection.on(&self.setup);
            let left = $driver::left(deadline);
            let opened = $wait!(connection.finish_opening(left));
            opened.map_err(|error| ConnectError::of_opening(address, error))?;
            Ok(connection)
        }
    };
}

/// The `impl`s of a driver's `Listener`, whose field `listening` is a [`Listening`](super::listener::Listening).
/// `nonblocking` says whether accepted sockets are non-blocking. The driver has `look_up` for names, and `listening`,
/// `stream` and `Listener::over`, which make its types.
macro_rules! listener_methods {
    (nonblocking: $nonblocking:literal, $wait:ident $($async:ident)?) => {
        impl Listener {
            /// Listens on the first of the addresses that can be bound. `framing` is one framing for both directions,
            /// or a [`FramingPair`] of two. With port 0 the system chooses a port. On Unix the address can be bound
            /// while connections of an earlier listener linger.
            ///
            /// # Errors
            /// Returns the system's error for the last address that was tried.
            pub $($async)? fn bind(address: impl ToSocketAddrs, framing: impl Into<FramingPair>) -> std::io::Result<Self> {
                $wait!(Self::bind_with(address, framing.into(), $crate::SocketOptions::new()))
            }

            /// Listens as a profile says: with its framing, preamble, access rules, limits and socket options.
            ///
            /// A connection that the profile does not let in is closed as soon as it is accepted.
            /// [`admission`](Self::admission) counts such connections.
            ///
            /// # Errors
            /// As [`bind`](Listener::bind), and when a server cannot use the profile.
            pub $($async)? fn bind_profile(
                address: impl ToSocketAddrs,
                profile: &std::sync::Arc<$crate::Profile>,
            ) -> std::io::Result<Self> {
                let (framing, options) = $crate::net::listener::of_server(profile)?;
                let mut listener = $wait!(Self::bind_with(address, framing, options))?;
                listener.listening = listener.listening.limited_by(profile).of_side(profile, $crate::profile::Side::Server);
                $crate::net::listener::open(&listener.listening.setup)?;
                Ok(listener)
            }
        }

        impl<C: Decode + Encode> Listener<C> {
            /// Like [`bind`](Listener::bind), with any codec, and with options for listening and accepted sockets.
            ///
            /// # Errors
            /// As [`bind`](Listener::bind).
            pub $($async)? fn bind_with(
                address: impl ToSocketAddrs,
                framing: impl Into<std::sync::Arc<C>>,
                options: $crate::SocketOptions,
            ) -> std::io::Result<Self> {
                let framing = framing.into();
                Self::over($crate::net::listener::Listening::bind($wait!(look_up(address))?, framing, options, listening)?)
            }

            /// Limits accepted connections by a profile's access rules and limits of connections and memory. The rest
            /// of the profile does not apply. Use this for a listener without a profile.
            #[must_use]
            pub fn limited_by(mut self, profile: &$crate::Profile) -> Self {
                self.listening = self.listening.limited_by(profile);
                self
            }

            /// Uses TLS for the connections that are accepted later. The handshake is a part of a connection's first
            /// operation, or of `serve`, so that it does not delay other connections.
            #[cfg(feature = "tls")]
            #[must_use]
            pub fn tls(mut self, tls: $crate::tls::ServerTls) -> Self {
                self.listening.setup = self.listening.setup.with_tls(Some($crate::tls::TlsSetup::Server(tls)));
                self
            }

            /// Returns the source of numbers of the connections, if the profile has numbers.
            #[allow(dead_code, reason = "a driver without a server does not need it")]
            pub(crate) fn numbers(&self) -> Option<$crate::session::Numbers> {
                self.listening.setup.numbers().map(|numbers| numbers.numbers().clone())
            }

            /// Returns the counts of accepted and refused connections. `None` if no profile limits them.
            pub const fn admission(&self) -> Option<&$crate::admission::Admission> {
                self.listening.admission.as_ref()
            }

            /// Returns the address that it listens on.
            ///
            /// # Errors
            /// Returns the system's error.
            pub fn local_addr(&self) -> std::io::Result<std::net::SocketAddr> {
                self.listening.socket.local_addr()
            }

            /// Makes a connection of an accepted socket. Returns `None` if the client is gone, or is refused.
            fn admit(
                &self,
                accepted: std::io::Result<(TcpStream, std::net::SocketAddr)>,
            ) -> std::io::Result<Option<Connection<C>>> {
                let Some((stream, peer, permit)) = self.listening.admit(accepted)? else { return Ok(None) };
                let proxy = permit.as_ref().and_then(|permit| permit.proxy.as_ref());
                let peer = $crate::connection::peer_addr::PeerAddr::of_accepted(peer, proxy);
                let connection = Connection::with_peer(stream, std::sync::Arc::clone(&self.listening.framing), peer);
                Ok(Some(connection.admitted(&self.listening.setup, permit)))
            }

            /// Accepts the next connection that waits, without waiting.
            pub(crate) fn accept_queued(&mut self) -> std::io::Result<Option<Connection<C>>> {
                loop {
                    let (queue, options) = (&mut self.listening.queue, &self.listening.options);
                    let next = queue.next(options, (&self.listening.socket).into(), $nonblocking)?;
                    let Some((socket, peer)) = next else { return Ok(None) };
                    if let Some(connection) = self.admit(Ok((stream(socket)?, peer)))? {
                        return Ok(Some(connection));
                    }
                }
            }
        }
    };
}

/// A listener for one of the connections of a pair, in the `impl` of a driver's `Listener`.
macro_rules! bind_leg_method {
    ($wait:ident $($async:ident)?) => {
        /// Binds a listener for one connection of a simplex pair. The peer is known, so it may be silent without limit.
        pub(super) $($async)? fn bind_leg(
            address: &str,
            profile: &std::sync::Arc<$crate::Profile>,
        ) -> std::io::Result<Self> {
            let (framing, options) = (profile.framing(), profile.socket().clone());
            let mut listener = match $crate::zone::zoned_address(address) {
                Some(address) => $wait!(Self::bind_with(address?, framing, options))?,
                None => $wait!(Self::bind_with(address, framing, options))?,
            };
            listener.listening = listener.listening.of_side(profile, $crate::profile::Side::Client);
            // Of TLS, the side that accepts is the server.
            let tls = $crate::tls::TlsSetup::of(profile, $crate::profile::Side::Server);
            listener.listening.setup = listener.listening.setup.with_tls(tls);
            $crate::net::listener::open(&listener.listening.setup)?;
            Ok(listener)
        }
    };
}

/// The method `accept_waiting`, in the `impl` of a driver's `Listener`. A driver that waits has `sleep`.
macro_rules! accept_waiting_methods {
    (never) => {
        /// Accepts the next connection that waits in the queue of a listener that is about to end. Returns `None` if
        /// there is none. It does not wait.
        ///
        #[doc = $crate::net::methods::accept_waiting_doc!()]
        ///
        /// A handshake may be under way when the queue is empty. So call this once more 100 ms after the first call,
        /// before dropping the listener.
        ///
        /// # Errors
        /// As [`try_accept`](Self::try_accept).
        pub fn accept_waiting(&mut self) -> std::io::Result<Option<Connection<C>>> {
            self.accept_queued()
        }
    };
    ($wait:ident $($async:ident)?) => {
        /// Accepts the next connection that waits in the queue of a listener that is about to end. Returns `None` when
        /// there is none left. It waits 100 ms in all for handshakes that are under way. On tokio, dropping the future
        /// loses no connection.
        ///
        #[doc = $crate::net::methods::accept_waiting_doc!()]
        ///
        /// # Errors
        /// As [`accept`](Self::accept).
        pub $($async)? fn accept_waiting(&mut self) -> std::io::Result<Option<Connection<C>>> {
            loop {
                if let Some(connection) = self.accept_queued()? {
                    return Ok(Some(connection));
                }
                let Some(pause) = self.handshake_pause() else { return Ok(None) };
                $wait!(sleep(pause));
            }
        }

        /// Returns how long to wait before looking at the empty queue again.
        pub(crate) fn handshake_pause(&mut self) -> Option<std::time::Duration> {
            self.listening.queue.pause()
        }
    };
}

macro_rules! accept_waiting_doc {
    () => {
        "A client in that queue believes that it is connected, and may have sent its first message. Closing the listener would reset it. \
         So call this until it returns `None`, and then drop the listener. Access rules and limits apply. On Linux, the system accepts no \
         new connection after the first call. On other systems, a connection that begins between the last call and the drop is reset."
    };
}

pub(crate) use accept_waiting_doc;
pub(crate) use accept_waiting_methods;
pub(crate) use bind_leg_method;
pub(crate) use connector_methods;
pub(crate) use listener_methods;
