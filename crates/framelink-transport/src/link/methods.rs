//! The public methods of a link, expanded inside the types of the drivers.

/// `$wait!` turns a future of the role into the result of a method, and `$async` makes the method async where needed.
macro_rules! link_methods {
    ($wait:ident $($async:ident)?) => {
        impl Link {
            /// Creates a link to the peer at this address, `HOST:PORT`. All its connections go to this address. Nothing
            /// is dialled yet, unless the profile has [`keep-up`](crate::ProfileBuilder::keep_up).
            ///
            /// # Errors
            /// Fails if the profile makes one exchange at a time, or has a simplex pair.
            pub fn new(profile: Profile, peer: impl Into<String>) -> Result<(Self, Inbox), ProfileError> {
                Self::over(Upstream::new(&Arc::new(profile), [peer.into()]))
            }

            /// Creates a link that dials with `upstream`, for a peer with several addresses or a shared [`Upstream`].
            ///
            /// Nothing is dialled yet, unless the profile has [`keep-up`](crate::ProfileBuilder::keep_up). Then all
            /// connections are dialled in the background from now on, and again when they are lost. On tokio this
            /// begins with the first request if there is no runtime yet.
            ///
            /// When a replacement at a preferred address is ready, the old connection takes no new requests. It is
            /// closed after the requests in flight on it.
            ///
            /// # Errors
            /// Fails if the profile makes one exchange at a time, or has a simplex pair.
            pub fn over(upstream: Upstream) -> Result<(Self, Inbox), ProfileError> {
                upstream.profile().check_duplex()?;
                upstream.dialler.connector.setup.open_files()?;
                let (events, inbox) = events::Inbox::new();
                Ok((Self::dialled(upstream, events), Inbox(inbox)))
            }

            /// Creates a link over a simplex pair. `send` is the address of the connection that this side sends on,
            /// `receive` that of the connection that it receives on. The profile says which of them this side dials.
            ///
            /// # Errors
            /// Fails if the profile has no simplex pair, or if listening on an address fails.
            pub $($async)? fn simplex(profile: Profile, send: &str, receive: &str) -> io::Result<(Self, Inbox)> {
                let (events, inbox) = events::Inbox::new();
                $wait!(link::Link::simplex(profile, send, receive, events)).map(|role| (Self::paired(role), Inbox(inbox)))
            }

            /// Sends a request and waits for its reply.
            ///
            /// # Errors
            /// Fails if there is no connection, if the request was not accepted, if no reply arrived in time, or if the
            /// connection was lost. The error says what the peer may have seen of the request.
            pub $($async)? fn call(&self, request: &[u8]) -> Result<Message, CallError> {
                $wait!(self.role.call(request))
            }

            /// Sends a message that is not a request, and returns when the socket has taken all of it. The time limit
            /// is the shorter one of `timeouts.reply` and `timeouts.write` of the profile. It covers waiting for a
            /// connection, dialling and writing.
            ///
            /// # Errors
            /// Fails if there is no connection, or if the message was not sent in time. The error says what the peer
            /// may have seen of the message.
            pub $($async)? fn send(&self, message: &[u8]) -> Result<(), CallError> {
                $wait!(self.role.send(message))
            }

            /// Connects now, if there is no connection yet. From then on, unsolicited messages of the peer are
            /// received.
            ///
            /// # Errors
            /// Fails if there is no connection in time.
            pub $($async)? fn connect(&self) -> Result<(), CallError> {
                $wait!(self.role.connect())
            }

            /// Signs off if the profile says so, and waits for the reply if the profile expects one. Then writes what is
            /// queued, shuts down writing on all connections, and waits for the peer to close its side, so that replies
            /// that are owed still arrive.
            ///
            /// All connections are closed concurrently. After `within`, those that have not ended are closed anyway. If
            /// the profile has [`keep-up`](crate::ProfileBuilder::keep_up) and clones exist, nothing is dialled before
            /// the next request.
            pub $($async)? fn close(self, within: Duration) {
                $wait!(self.role.finish(within));
            }

            /// Closes all connections at once; calls in flight fail. The next request dials again, and
            /// [`keep-up`](crate::ProfileBuilder::keep_up) dials again immediately.
            pub fn disconnect(&self) {
                self.role.disconnect();
            }

            /// Returns the source of the numbers that this link writes into sign-ons, heartbeats and keys, for requests whose
            /// numbers the program chooses itself. `None` if the profile has no numbers.
            pub fn numbers(&self) -> Option<Numbers> {
                self.role.numbers()
            }

            /// Returns how many connections are up, how many calls are in flight, and the state of the upstream.
            pub fn status(&self) -> LinkStatus {
                self.role.status()
            }

            /// Returns how many connections, or pairs, there are now.
            pub fn connections(&self) -> usize {
                self.role.status().connections
            }

            /// Returns how many calls are in flight.
            pub fn in_flight(&self) -> usize {
                self.role.status().in_flight
            }

            /// Returns the profile of this link.
            pub fn profile(&self) -> &Profile {
                &self.role.profile
            }
        }

        /// Shows numbers, and no messages.
        impl std::fmt::Debug for Link {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.role.fmt(f)
            }
        }
    };
}

pub(crate) use link_methods;
