//! The public methods of a client, for the drivers' types.

/// `$wait!` turns a future of the role into what a method returns, and `$async` is `async` where that is a future.
macro_rules! client_methods {
    ($wait:ident $($async:ident)?) => {
        /// A client of the peer at this address, `HOST:PORT`. Nothing is dialled yet, unless the profile has
        /// [`keep-up`](crate::ProfileBuilder::keep_up).
        ///
        /// # Errors
        /// When a client cannot use the profile.
        pub fn new(profile: Profile, peer: impl Into<String>) -> Result<Self, ProfileError> {
            Self::over(Upstream::new(&Arc::new(profile), [peer.into()]))
        }

        /// A client of a peer that has several addresses, or whose [`Upstream`] others use too. Nothing is dialled yet, unless the profile has
        /// [`keep-up`](crate::ProfileBuilder::keep_up): then the connection is dialled in the background from now on, and again when it is lost
        /// while no method uses it. On tokio that begins with the first exchange if there is no runtime here. On the non-blocking driver
        /// `maintain` dials.
        ///
        /// # Errors
        /// When a client cannot use the profile.
        pub fn over(upstream: Upstream) -> Result<Self, ProfileError> {
            let role = client::Client::over(upstream.dialler.clone())?;
            Ok(Self { role, upstream })
        }

        /// The profile that it was made with.
        pub fn profile(&self) -> &Profile {
            &self.role.profile
        }

        /// What dials for it: its state, and what it has done.
        pub const fn upstream(&self) -> &Upstream {
            &self.upstream
        }

        /// The address of the connection that there is, or was last used, as it was given.
        pub fn address(&self) -> Option<&str> {
            self.role.address()
        }

        /// Dials now, where a long connection is not there yet.
        ///
        /// # Errors
        /// When there is no connection in time.
        pub $($async)? fn connect(&mut self) -> Result<(), CallError> {
            $wait!(self.role.connect())
        }

        /// Sends a request and receives its reply.
        ///
        /// If it fails, the connection is closed: a late reply must not answer the next request. (On tokio the connection is also closed
        /// when the future is dropped.) The error says what the peer may have seen.
        ///
        /// # Errors
        /// When there is no connection, when the request could not be sent, and when no reply came in time.
        pub $($async)? fn call(&mut self, request: &[u8]) -> Result<Message, CallError> {
            $wait!(self.role.call(request))
        }

        /// Sends a message that has no reply. Over a short connection it returns when the peer has closed too, or its time for that
        /// is over.
        ///
        /// # Errors
        /// When there is no connection, and when the message could not be sent in time.
        pub $($async)? fn send(&mut self, message: &[u8]) -> Result<(), CallError> {
            $wait!(self.role.send(message))
        }

        /// Receives the next message, `None` when the peer has ended the connection; the next call of this dials again.
        ///
        /// On tokio, dropping the future loses nothing that arrived on a connection. A dial that was under way is given up, with what its
        /// peer sent at once.
        ///
        /// # Errors
        /// When there is no connection, and as for a connection.
        pub $($async)? fn recv(&mut self) -> Result<Option<Message>, Error> {
            $wait!(self.role.recv())
        }

        /// Signs off where the profile says so, and closes a long connection in good order.
        ///
        /// # Errors
        /// As `Connection::close`.
        pub $($async)? fn close(self) -> Result<CloseReport, Error> {
            $wait!(self.role.close())
        }

        /// The long connection, for something else; `None` where there is none now.
        pub fn into_connection(self) -> Option<Connection> {
            self.role.into_connection()
        }

        /// The long connection, to look at it. It has no heartbeats until the next exchange.
        pub fn connection_mut(&mut self) -> Option<&mut Connection> {
            self.role.connection_mut()
        }

        /// Why the last connection was given up between two exchanges, if that was because the peer was dead.
        pub fn verdict(&self) -> Option<Verdict> {
            self.role.verdict()
        }
    };
}

pub(crate) use client_methods;
