//! The public methods of a client, expanded inside the types of the drivers.

/// `$wait!` turns a future of the role into the result of a method, and `$async` makes the method async where needed.
macro_rules! client_methods {
    ($wait:ident $($async:ident)?) => {
        /// Creates a client of the peer at this address, `HOST:PORT`. Nothing is dialled yet, unless the profile has
        /// [`keep-up`](crate::ProfileBuilder::keep_up).
        ///
        /// # Errors
        /// Fails if the profile does not fit a client.
        pub fn new(profile: Profile, peer: impl Into<String>) -> Result<Self, ProfileError> {
            Self::over(Upstream::new(&Arc::new(profile), [peer.into()]))
        }

        /// Creates a client that dials with `upstream`: for a peer with several addresses, or to share an [`Upstream`].
        ///
        /// Nothing is dialled yet, unless the profile has [`keep-up`](crate::ProfileBuilder::keep_up). Then the
        /// connection is dialled in the background from now on, and again if it is lost while no method uses it. On
        /// tokio without a runtime, this begins with the first exchange. On the non-blocking driver `maintain` dials.
        ///
        /// # Errors
        /// Fails if the profile does not fit a client.
        pub fn over(upstream: Upstream) -> Result<Self, ProfileError> {
            let role = client::Client::over(upstream.dialler.clone())?;
            Ok(Self { role, upstream })
        }

        /// Returns the profile of this client.
        pub fn profile(&self) -> &Profile {
            &self.role.profile
        }

        /// Returns the upstream that dials for this client: its state, and what it has done.
        pub const fn upstream(&self) -> &Upstream {
            &self.upstream
        }

        /// Returns the address of the current or last connection, in the text form that was given.
        pub fn address(&self) -> Option<&str> {
            self.role.address()
        }

        /// Dials now if a long connection is wanted and does not exist.
        ///
        /// # Errors
        /// Fails if there is no connection in time.
        pub $($async)? fn connect(&mut self) -> Result<(), CallError> {
            $wait!(self.role.connect())
        }

        /// Sends a request and receives its reply.
        ///
        /// A failed call closes the connection, because a late reply must not answer the next request. So does a
        /// dropped future on tokio. The error says what the peer may have seen.
        ///
        /// # Errors
        /// Fails if there is no connection, if the request could not be sent, or if no reply arrived in time.
        pub $($async)? fn call(&mut self, request: &[u8]) -> Result<Message, CallError> {
            $wait!(self.role.call(request))
        }

        /// Sends a message that has no reply. Over a short connection, this returns when the peer has closed too, or
        /// when the time for closing is over.
        ///
        /// # Errors
        /// Fails if there is no connection, or if the message could not be sent in time.
        pub $($async)? fn send(&mut self, message: &[u8]) -> Result<(), CallError> {
            $wait!(self.role.send(message))
        }

        /// Receives the next message. Returns `None` if the peer has closed; the next `recv` dials again.
        ///
        /// On tokio, dropping the future loses nothing that arrived on an existing connection. A dial in progress is
        /// abandoned, together with anything that its peer has sent.
        ///
        /// # Errors
        /// Fails if there is no connection, and like `recv` of a connection.
        pub $($async)? fn recv(&mut self) -> Result<Option<Message>, Error> {
            $wait!(self.role.recv())
        }

        /// Signs off if the profile says so, and closes a long connection in an orderly way.
        ///
        /// # Errors
        /// Fails like `Connection::close`.
        pub $($async)? fn close(self) -> Result<CloseReport, Error> {
            $wait!(self.role.close())
        }

        /// Returns the long connection, for use without the client, or `None` if there is none now.
        pub fn into_connection(self) -> Option<Connection> {
            self.role.into_connection()
        }

        /// Returns the long connection, to inspect it. It has no heartbeats until the next exchange.
        pub fn connection_mut(&mut self) -> Option<&mut Connection> {
            self.role.connection_mut()
        }

        /// Returns the verdict if the last connection was closed between two exchanges because the peer was dead.
        pub fn verdict(&self) -> Option<Verdict> {
            self.role.verdict()
        }
    };
}

pub(crate) use client_methods;
