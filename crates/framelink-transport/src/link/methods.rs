//! The public methods of a link, for the drivers' types.

/// `$wait!` turns a future of the role into what a method returns, and `$async` is `async` where that is a future.
macro_rules! link_methods {
    ($wait:ident $($async:ident)?) => {
        impl Link {
            /// A link with the peer at this address, `HOST:PORT`, which is dialled for all its connections. Nothing is dialled yet, unless the
            /// profile has [`keep-up`](crate::ProfileBuilder::keep_up).
            ///
            /// # Errors
            /// When the profile has one exchange at a time, or a pair of connections.
            pub fn new(profile: Profile, peer: impl Into<String>) -> Result<(Self, Inbox), ProfileError> {
                Self::over(Upstream::new(&Arc::new(profile), [peer.into()]))
            }

            /// A link with a peer that has several addresses, or whose [`Upstream`] others use too. Nothing is dialled yet, unless the profile has
            /// [`keep-up`](crate::ProfileBuilder::keep_up): then all connections are dialled in the background from now on, and again when they
            /// are lost. On tokio that begins with the first request if there is no runtime here.
            ///
            /// If a connection is wanted at another address, it takes no new requests once there is a connection at that address. It is closed
            /// when the requests in flight on it are over.
            ///
            /// # Errors
            /// When the profile has one exchange at a time, or a pair of connections.
            pub fn over(upstream: Upstream) -> Result<(Self, Inbox), ProfileError> {
                upstream.profile().check_duplex()?;
                let (events, inbox) = events::Inbox::new();
                Ok((Self::dialled(upstream, events), Inbox(inbox)))
            }

            /// A link over a pair of connections: `send` is the address of the connection that we send on, `receive` the address of the
            /// connection that we receive on. Each is dialled, or listened on, as the profile says.
            ///
            /// # Errors
            /// When the profile has no pair, and when an address cannot be listened on.
            pub $($async)? fn simplex(profile: Profile, send: &str, receive: &str) -> io::Result<(Self, Inbox)> {
                let (events, inbox) = events::Inbox::new();
                $wait!(link::Link::simplex(profile, send, receive, events)).map(|role| (Self::paired(role), Inbox(inbox)))
            }

            /// Sends a request and waits for its reply.
            ///
            /// # Errors
            /// When there is no connection, when the request was not accepted, when no reply came in time, and when the connection was lost.
            /// The error says what the peer may have seen of the request.
            pub $($async)? fn call(&self, request: &[u8]) -> Result<Message, CallError> {
                $wait!(self.role.call(request))
            }

            /// Sends a message that is no request, and returns when the socket has taken all of it. One deadline, the shorter of the profile's
            /// `timeouts.reply` and `timeouts.write`, covers all of it: waiting for a connection, which may be dialled, and writing.
            ///
            /// # Errors
            /// When there is no connection, and when the message could not be sent in time. The error says what the peer may have seen of the
            /// message.
            pub $($async)? fn send(&self, message: &[u8]) -> Result<(), CallError> {
                $wait!(self.role.send(message))
            }

            /// Connects now, if there is no connection yet. From then on the messages that the peer sends by itself are received.
            ///
            /// # Errors
            /// When there is no connection in time.
            pub $($async)? fn connect(&self) -> Result<(), CallError> {
                $wait!(self.role.connect())
            }

            /// Signs off where the profile says so, and ends our side of all connections in good order, when what is queued is written. Waits
            /// for the peer to end its own side, so that replies that are owed still arrive. All connections are closed side by side, and none
            /// is waited for longer than `within`: a connection that has not ended by then is given up. A link with
            /// [`keep-up`](crate::ProfileBuilder::keep_up) of which there are clones is not dialled again before the next request.
            pub $($async)? fn close(self, within: Duration) {
                $wait!(self.role.finish(within));
            }

            /// Gives all connections up: requests in flight fail. The next request dials anew, and so does
            /// [`keep-up`](crate::ProfileBuilder::keep_up), at once.
            pub fn disconnect(&self) {
                self.role.disconnect();
            }

            /// How the link stands: how many connections are up, and how many requests are waited for.
            pub fn status(&self) -> LinkStatus {
                self.role.status()
            }

            /// How many connections, or pairs, there are now.
            pub fn connections(&self) -> usize {
                self.role.status().connections
            }

            /// How many requests are waited for.
            pub fn in_flight(&self) -> usize {
                self.role.status().in_flight
            }

            /// The profile that it was made with.
            pub fn profile(&self) -> &Profile {
                &self.role.profile
            }
        }

        /// States only.
        impl std::fmt::Debug for Link {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.role.fmt(f)
            }
        }
    };
}

pub(crate) use link_methods;
