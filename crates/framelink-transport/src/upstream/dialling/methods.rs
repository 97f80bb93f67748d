//! The public methods of an upstream, for the drivers' types.

/// `$wait!` turns a future of the role into what a method returns, and `$async` is `async` where that is a future.
macro_rules! upstream_methods {
    ($wait:ident $($async:ident)?) => {
        impl Upstream {
            /// The peer at these addresses, `HOST:PORT` each, in this order. Nothing is dialled yet.
            pub fn new(profile: &Arc<Profile>, peers: impl IntoIterator<Item = impl Into<Arc<str>>>) -> Self {
                Self { dialler: Dialler::new(profile, peers.into_iter().map(Into::into).collect()) }
            }

            /// Calls `on_loss` for each connection that is lost, in a thread of its own. If it panics, it is called for the next loss too; if it
            /// hangs, that holds up nothing else. Call this before the upstream is used. Defaults to nothing.
            #[must_use]
            pub fn on_loss(self, on_loss: impl Fn(&Loss) + Send + Sync + 'static) -> Self {
                self.with(|settings| settings.on_loss = Some(Arc::new(on_loss)))
            }

            /// Calls `on_unread` with each whole message that arrived on its connections and that no operation returned; see
            /// [`Connector::on_unread`](super::Connector::on_unread). Call this before the upstream is used. By default such messages are
            /// dropped.
            #[must_use]
            pub fn on_unread(self, on_unread: impl Fn(Message) + Send + Sync + 'static) -> Self {
                self.with(|settings| settings.on_unread = Some(Arc::new(on_unread)))
            }

            /// The profile that it was made with.
            pub fn profile(&self) -> &Arc<Profile> {
                self.dialler.profile()
            }

            /// The addresses, as they were given.
            pub fn addresses(&self) -> &[Arc<str>] {
                &self.dialler.settings.names
            }

            /// The state of the connections with the peer.
            pub fn state(&self) -> State {
                self.dialler.address_book.state()
            }

            /// What it has done.
            pub fn counts(&self) -> Counts {
                self.dialler.address_book.counts()
            }

            /// How many exchanges are under way on its connections.
            pub fn in_flight(&self) -> usize {
                self.dialler.address_book.in_flight()
            }

            /// Makes a connection for something else than a client, a link or a pool: dials, and signs on, within `timeouts.connect`. What
            /// becomes of the connection is told to its lease.
            ///
            /// # Errors
            /// When there is no connection in time.
            pub $($async)? fn dial(&self) -> Result<(Connection, AddressLease), ConnectError> {
                $wait!(self.dialler.dial())
            }

            /// The states of the connections from now on.
            pub fn states(&self) -> States {
                States(self.dialler.watch.unseen())
            }

            fn with(self, change: impl FnOnce(&mut Settings<Driver>)) -> Self {
                let mut settings = self.dialler.settings.clone();
                change(&mut settings);
                Self { dialler: Dialler::with(settings) }
            }
        }

        /// States only.
        impl std::fmt::Debug for Upstream {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.dialler.fmt(f)
            }
        }
    };
}

pub(crate) use upstream_methods;
