//! The public methods of an upstream, as a macro for the drivers' types.

/// `$wait!` turns a future of the role into what a method returns. `$async` is `async` on a driver with futures.
macro_rules! upstream_methods {
    ($wait:ident $($async:ident)?) => {
        impl Upstream {
            /// Makes an upstream of the peer at these addresses, each `HOST:PORT`, in this order. It does not dial yet.
            pub fn new(profile: &Arc<Profile>, peers: impl IntoIterator<Item = impl Into<Arc<str>>>) -> Self {
                Self { dialler: Dialler::new(profile, peers.into_iter().map(Into::into).collect()) }
            }

            /// Makes an upstream of the peer at the addresses of its profile. It does not dial yet.
            ///
            /// # Errors
            /// If the profile has no `addresses`.
            pub fn of_profile(profile: &Arc<Profile>) -> Result<Self, $crate::profile::ProfileError> {
                Ok(Self::new(profile, profile.check_addresses()?))
            }

            /// Calls `on_loss` for each lost connection, in a thread of its own. After a panic it is called again for
            /// the next loss; a call that hangs delays nothing else. Call this before the upstream is used. Defaults to
            /// no hook.
            #[must_use]
            pub fn on_loss(self, on_loss: impl Fn(&Loss) + Send + Sync + 'static) -> Self {
                self.with(|settings| settings.on_loss = Some(Arc::new(on_loss)))
            }

            /// Calls `on_unread` with each whole message that arrived on a connection of this upstream and that no
            /// operation returned; see [`Connector::on_unread`](super::Connector::on_unread). Call this before the
            /// upstream is used. By default such messages are dropped.
            #[must_use]
            pub fn on_unread(self, on_unread: impl Fn(Message) + Send + Sync + 'static) -> Self {
                self.with(|settings| settings.on_unread = Some(Arc::new(on_unread)))
            }

            /// Uses TLS for the connections. Call this before the upstream is used.
            #[cfg(feature = "tls")]
            #[must_use]
            pub fn tls(self, tls: $crate::tls::ClientTls) -> Self {
                self.with(|settings| settings.tls = Some($crate::tls::TlsSetup::Client(tls)))
            }

            /// Returns the profile of the upstream.
            pub fn profile(&self) -> &Arc<Profile> {
                self.dialler.profile()
            }

            /// Returns the addresses, as they were given.
            pub fn addresses(&self) -> &[Arc<str>] {
                &self.dialler.settings.names
            }

            /// Returns the source of the numbers that its connections write into sign-ons, heartbeats and keys, for
            /// requests whose numbers the program chooses itself, and opens the file of numbers, if there is one. `None` if
            /// the profile has no numbers.
            ///
            /// # Errors
            /// If the file cannot be opened.
            pub fn numbers(&self) -> Result<Option<$crate::session::Numbers>, $crate::profile::ProfileError> {
                let setup = &self.dialler.connector.setup;
                setup.open_files()?;
                Ok(setup.numbers().map(|numbers| numbers.numbers().clone()))
            }

            /// Returns the state of the connections to the peer.
            pub fn state(&self) -> State {
                self.dialler.address_book.state()
            }

            /// Returns the statistics of the upstream.
            pub fn counts(&self) -> Counts {
                self.dialler.address_book.counts()
            }

            /// Returns how many exchanges are under way on its connections.
            pub fn in_flight(&self) -> usize {
                self.dialler.address_book.in_flight()
            }

            /// Dials a connection for a use other than a client, a link or a pool, and signs on, within
            /// `timeouts.connect`. Report to the lease what becomes of the connection.
            ///
            /// # Errors
            /// When there is no connection in time.
            pub $($async)? fn dial(&self) -> Result<(Connection, AddressLease), ConnectError> {
                $wait!(self.dialler.dial())
            }

            /// Like [`dial`](Self::dial), on behalf of a client of this program: if the profile sends PROXY protocol headers,
            /// they tell the peer about this client. `messages` are those of the profile's relayed first steps, as in
            /// [`dial_relaying`](Self::dial_relaying).
            ///
            /// # Errors
            /// As [`dial`](Self::dial).
            pub $($async)? fn dial_on_behalf_of(
                &self,
                client: &$crate::proxy_protocol::ProxyInfo,
                messages: framelink_session::Relayed,
            ) -> Result<(Connection, AddressLease), ConnectError> {
                $wait!(self.dialler.dial_for(Some(client), messages))
            }

            /// Like [`dial`](Self::dial), for a profile with [relayed](crate::profile::FirstStep::relay) first steps: sends these
            /// messages in them. [`Connection::take_relayed`](super::Connection::take_relayed) returns those of an
            /// accepted connection.
            ///
            /// A lost address is tried again in the background by opening a connection alone.
            ///
            /// # Errors
            /// When there is no connection in time, and when the profile does not have as many such steps.
            pub $($async)? fn dial_relaying(
                &self,
                messages: framelink_session::Relayed,
            ) -> Result<(Connection, AddressLease), ConnectError> {
                $wait!(self.dialler.dial_for(None, messages))
            }

            /// Returns the states of the connections from now on.
            pub fn states(&self) -> States {
                States(self.dialler.watch.unseen())
            }

            fn with(self, change: impl FnOnce(&mut Settings<Driver>)) -> Self {
                let mut settings = self.dialler.settings.clone();
                change(&mut settings);
                Self { dialler: Dialler::with(settings) }
            }
        }

        /// Shows states only.
        impl std::fmt::Debug for Upstream {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.dialler.fmt(f)
            }
        }
    };
}

pub(crate) use upstream_methods;
