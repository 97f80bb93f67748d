//! The public methods of a pool and of a pooled connection, as macros for the drivers' types.

/// `$wait!` turns a future of the role into what a method returns. `$async` is `async` on a driver with futures.
macro_rules! pool_methods {
    ($wait:ident $($async:ident)?) => {
        /// Makes a pool of connections to the peer at these addresses, each `HOST:PORT`. The pool dials
        /// `connection.min` connections in advance.
        ///
        /// On threads, a pool also works while the system has no thread left for it; see `idle_task_error`.
        ///
        /// # Errors
        /// When the profile's connection is not pooled.
        ///
        /// # Panics
        /// On tokio, outside of a runtime.
        pub fn new(profile: Profile, peers: impl IntoIterator<Item = impl Into<Arc<str>>>) -> Result<Self, ProfileError> {
            Self::over(Upstream::new(&Arc::new(profile), peers))
        }

        /// Makes a pool over an [`Upstream`] that the application has made. The upstream may have a resolver or a hook
        /// for each loss, and other users may share what it knows of the addresses.
        ///
        /// # Errors
        /// When the profile's connection is not pooled.
        ///
        /// # Panics
        /// On tokio, outside of a runtime.
        pub fn over(upstream: Upstream) -> Result<Self, ProfileError> {
            Ok(Self { role: pool::Pool::over(upstream.dialler)? })
        }

        /// Sends a request and receives its reply, over a connection that no other caller uses meanwhile.
        ///
        /// One deadline, the profile's `timeouts.reply`, covers waiting for a connection, dialling, writing, and the
        /// reply. If the peer has ended the connection and nothing was sent, the request goes over another one.
        ///
        /// If the call fails, the connection is closed, because a late reply must not answer another request. On tokio,
        /// the connection is also closed when the future is dropped.
        ///
        /// # Errors
        /// When there is no connection, when the request could not be sent, and when no reply arrived in time. The
        /// error says what the peer may have seen.
        pub $($async)? fn call(&self, request: &[u8]) -> Result<Message, CallError> {
            $wait!(self.role.call(request))
        }

        /// Sends a message that has no reply. Returns when the socket has taken all of it. If the profile receives
        /// replies, the connection is closed afterwards, because a reply might arrive nevertheless.
        ///
        /// # Errors
        /// When there is no connection, and when the message could not be sent in time.
        pub $($async)? fn send(&self, message: &[u8]) -> Result<(), CallError> {
            $wait!(self.role.send(message))
        }

        /// Returns a connection for use until the guard is dropped. Waits as long as the profile's `connection.wait`.
        ///
        /// # Errors
        /// When no connection is available in time, and when the pool is closed.
        pub $($async)? fn get(&self) -> Result<PooledConnection, PoolError> {
            $wait!(self.role.get()).map(PooledConnection)
        }

        /// Returns what the pool holds, and what it has done.
        #[must_use]
        pub fn status(&self) -> PoolStatus {
            self.role.status()
        }

        /// Closes the pool in good order. Waits for connections in use for `within` at most, then ends their exchanges.
        ///
        /// - Callers that wait for a connection get an error at once.
        /// - Idle connections are closed at once.
        /// - Connections in use are closed when they are released.
        ///
        /// When the time is over, blocking sockets of connections in use are shut down, so that every wait on them
        /// returns an error. On tokio, a [`PooledConnection`] that is still held can be used further; its connection is
        /// closed when it is dropped.
        pub $($async)? fn close(&self, within: Duration) -> PoolReport {
            $wait!(self.role.close(within))
        }

        /// Returns the profile of the pool.
        #[must_use]
        pub fn profile(&self) -> &Profile {
            self.role.profile()
        }
    };
}

/// The traits of a driver's `Pool`, and its `PooledConnection`, whose documentation ends with the driver's example.
macro_rules! lent_by_pool {
    ($(#[$example:meta])*) => {
        /// A connection in use, from a [`Pool`]. Dropping it releases the connection to the pool.
        ///
        /// The pool keeps a released connection if it is clean. Otherwise the pool closes it. A connection is clean if:
        ///
        /// - no exchange is unfinished, nothing is unsent, and nothing is unread,
        /// - neither side has ended it,
        /// - at least as many messages were received as were sent, if the profile receives replies.
        ///
        /// A leaked connection (`std::mem::forget`) is never released and counts against the maximum for ever.
        ///
        $(#[$example])*
        pub struct PooledConnection(pool::PooledConnection<Driver>);

        impl PooledConnection {
            /// Returns the address that was dialled, as it was given to the pool.
            #[must_use]
            pub fn address(&self) -> &str {
                self.0.address()
            }
        }

        impl std::ops::Deref for PooledConnection {
            type Target = Connection;

            fn deref(&self) -> &Connection {
                self.0.connection()
            }
        }

        impl std::ops::DerefMut for PooledConnection {
            fn deref_mut(&mut self) -> &mut Connection {
                self.0.connection_mut()
            }
        }

        /// Shows the address only.
        impl std::fmt::Debug for PooledConnection {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        /// Shows numbers only.
        impl std::fmt::Debug for Pool {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.role.fmt(f)
            }
        }
    };
}

pub(crate) use {lent_by_pool, pool_methods};
