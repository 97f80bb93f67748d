//! The public methods of a pool and of a connection that it has lent, for the drivers' types.

/// `$wait!` turns a future of the role into what a method returns, and `$async` is `async` where that is a future.
macro_rules! pool_methods {
    ($wait:ident $($async:ident)?) => {
        /// A pool of connections with the peer at these addresses, each `HOST:PORT`. As many as the profile says are dialled in advance.
        ///
        /// On threads, a pool also works where the system has no thread left for it; see `idle_task_error`.
        ///
        /// # Errors
        /// When the connection of the profile is not pooled.
        ///
        /// # Panics
        /// On tokio, outside of a runtime.
        pub fn new(profile: Profile, peers: impl IntoIterator<Item = impl Into<Arc<str>>>) -> Result<Self, ProfileError> {
            Self::over(Upstream::new(&Arc::new(profile), peers))
        }

        /// A pool of connections whose upstream was made by the application: with a resolver, with a hook for each loss, or with other
        /// users that share what is known of the addresses.
        ///
        /// # Errors
        /// When the connection of the profile is not pooled.
        ///
        /// # Panics
        /// On tokio, outside of a runtime.
        pub fn over(upstream: Upstream) -> Result<Self, ProfileError> {
            Ok(Self { role: pool::Pool::over(upstream.dialler)? })
        }

        /// Sends a request and receives its reply, over a connection that no other caller has meanwhile.
        ///
        /// One deadline, the profile's `timeouts.reply`, covers all of it: waiting for a connection, which may be dialled, writing, and the
        /// reply. Where the peer has ended the connection so that nothing of the request was sent, it goes over another one.
        ///
        /// If it fails, the connection is closed: a late reply must not answer another request. (On tokio the connection is also closed when
        /// the future is dropped.)
        ///
        /// # Errors
        /// When there is no connection, when the request could not be sent, and when no reply came in time. The error says what the peer may
        /// have seen.
        pub $($async)? fn call(&self, request: &[u8]) -> Result<Message, CallError> {
            $wait!(self.role.call(request))
        }

        /// Sends a message that has no reply, and returns when the socket has taken all of it. Where replies are received, as the profile
        /// says, one might come nevertheless: the connection is not lent again.
        ///
        /// # Errors
        /// When there is no connection, and when the message could not be sent in time.
        pub $($async)? fn send(&self, message: &[u8]) -> Result<(), CallError> {
            $wait!(self.role.send(message))
        }

        /// Lends a connection for whatever is to be done on it, until the guard is dropped. Waits for it as long as the profile says, as
        /// `connection.wait`.
        ///
        /// # Errors
        /// When there is none in time, and when the pool is closed.
        pub $($async)? fn get(&self) -> Result<PooledConnection, PoolError> {
            $wait!(self.role.get()).map(PooledConnection)
        }

        /// What it holds, and what it has done.
        #[must_use]
        pub fn status(&self) -> PoolStatus {
            self.role.status()
        }

        /// Closes it in good order: callers that wait for a connection have an error at once, idle connections are closed, and lent ones are
        /// closed when they come back. Waits for them for `within` at most, and then ends the exchanges that are under way.
        ///
        /// On threads, that shuts the sockets of lent connections down, so that whatever waits on one has an error. On tokio, a [`PooledConnection`] that is
        /// held longer can still be used, and its connection is closed when it is dropped.
        pub $($async)? fn close(&self, within: Duration) -> PoolReport {
            $wait!(self.role.close(within))
        }

        /// The profile that it was made with.
        #[must_use]
        pub fn profile(&self) -> &Profile {
            self.role.profile()
        }
    };
}

/// The traits of a driver's `Pool`, and its `PooledConnection`, whose documentation ends with an example of the driver.
macro_rules! lent_by_pool {
    ($(#[$example:meta])*) => {
        /// A connection that a [`Pool`] has lent; dropped, it goes back.
        ///
        /// It is lent again if it is clean: no exchange unfinished, nothing unsent, nothing unread, not ended, and (where replies are received)
        /// no fewer messages received than were sent. Otherwise it is closed. One that is leaked (`std::mem::forget`) never comes back, and
        /// takes its place in the pool with it.
        ///
        $(#[$example])*
        pub struct PooledConnection(pool::PooledConnection<Driver>);

        impl PooledConnection {
            /// The address that it was dialled by, as it was given to the pool.
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

        /// The address only.
        impl std::fmt::Debug for PooledConnection {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        /// Numbers only.
        impl std::fmt::Debug for Pool {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.role.fmt(f)
            }
        }
    };
}

pub(crate) use {lent_by_pool, pool_methods};
