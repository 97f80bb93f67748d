//! The public methods of serving and of servers, with their documentation, as macros for the drivers' types.

/// The method that joins a registry.
macro_rules! join_method {
    () => {
        /// Adds the connection to a registry, which pushes messages to it until it ends. Pushed messages are sent while
        /// the connection is [served](Self::serve_many). A connection leaves the registry that it had joined before.
        ///
        /// See [`Registry`](crate::Registry) for an example.
        pub fn join(&mut self, registry: &crate::registry::Registry<C>) -> crate::registry::MemberId {
            let $crate::connection::Parts { receiving, sending, .. } = $crate::connection::SessionParts::parts(self);
            let mailbox = registry.join(std::sync::Arc::clone(sending.framing()), sending.memory());
            receiving.take_heartbeat_for_first();
            self.mailbox.insert(Box::new(mailbox)).id
        }
    };
}

/// The method that serves a connection, one request after the other. The driver's example comes first.
macro_rules! serve_method {
    ($(#[$example:meta])* $wait:ident $($async:ident)?, $answer:ident: $bound:path, $serve:expr $(, where $($where:tt)+)?) => {
        /// Answers a client's messages with the bytes that `answer` returns, or with nothing, until the connection
        /// ends, as the profile says. A short connection has one message. Returns how many messages were answered.
        ///
        /// Messages are answered one after the other. On tokio this is `serve_many` with one message at a time. On the
        /// other drivers this thread does all of the work. If the connection has joined a [`Registry`](crate::Registry),
        /// another thread writes on the blocking driver; on the non-blocking driver pushed messages are not sent, and
        /// `serve_in_place` sends them.
        ///
        $(#[$example])*
        ///
        /// # Errors
        /// - When bytes arrived that are no message.
        /// - When a message began too late or took too long.
        /// - When a reply could not be sent in time.
        /// - When `answer` panicked or [failed](crate::Answer).
        /// - When the connection failed.
        /// - When the connection's time was over: [`Cause::Ended`](crate::Cause::Ended). The connection was closed in
        ///   good order.
        pub $($async)? fn serve<$answer: $bound>(
            mut self,
            profile: &crate::profile::Profile,
            answer: impl FnMut(framelink_session::Message) -> $answer,
        ) -> Result<u64, crate::connection::ErrorOf<C>>
        $(where $($where)+)?
        {
            $wait!($serve(&mut self, profile, answer)).into_answered()
        }
    };
}

/// The method that serves a connection, many requests at a time. The driver's example comes first.
macro_rules! serve_many_method {
    (
        $(#[$example:meta])*
        $wait:ident $($async:ident)?, $answer:ident: $bound:path, ($($handler:tt)+) $(where $($where:tt)+)?
    ) => {
        /// Like [`serve`](Self::serve), but answers up to `concurrency` messages at a time. Meanwhile more messages are
        /// read, up to the limit. A reply is sent as soon as the order of replies lets it. Replies that are ready at the
        /// same time share a write. After the peer's half-close,
        /// or after bytes that are no message, the answers that were begun are finished and sent.
        ///
        /// On tokio, all handlers run in the task that awaits this; a handler that blocks or computes for long must
        /// spawn that itself. With threads, this one reads, another one writes, and handler threads are started as
        /// needed and kept until the connection ends. All have ended when this returns.
        ///
        /// A handler that panics ends only its own connection, with
        /// [`Cause::HandlerPanicked`](crate::Cause::HandlerPanicked).
        ///
        $(#[$example])*
        ///
        /// # Errors
        /// As [`serve`](Self::serve), and when the connection was closed because it was too slow for the messages that
        /// are [pushed](crate::Registry) to it.
        pub $($async)? fn serve_many<$answer: $bound>(
            mut self,
            profile: &crate::profile::Profile,
            concurrency: crate::session::Concurrency,
            answer: impl $($handler)+,
        ) -> Result<u64, crate::connection::ErrorOf<C>>
        $(where $($where)+)?
        {
            $wait!(self.serve_to_end(profile, concurrency, answer)).into_answered()
        }
    };
}

/// The method that serves a connection with a handler that writes each reply into the send queue. The literals are parts
/// of its example.
macro_rules! serve_in_place_method {
    (
        $wait:ident $($async:ident)?, $driver:literal, $function:literal, $awaited:literal $(where $($where:tt)+)?
    ) => {
        /// Like [`serve`](Self::serve), for a handler that does not wait. This is the fastest way to serve: a message
        /// is handled in the read buffer, and its reply is written directly into the send queue.
        ///
        /// The handler gets the message, and the [`Reply`](crate::Reply) to write. A reply that is left empty is sent
        /// as an empty message; [`skip`](crate::Reply::skip) sends none. A handler that can fail returns a `Result`.
        ///
        /// One task or thread does all of the work. If the connection has joined a [`Registry`](crate::Registry), another
        /// thread writes on the blocking driver, and on the non-blocking driver a pushed message may wait for 100 ms.
        ///
        /// Replies leave together, when no whole message is left in the read buffer, or when 64 KiB of them wait. So a
        /// handler that waits, for example for a database, delays the replies to earlier messages. Use
        /// [`serve`](Self::serve) for such a handler.
        ///
        /// ```no_run
        #[doc = concat!("# ", $function, " example(connection: framelink_transport::", $driver, "::Connection,")]
        /// # profile: framelink_transport::Profile) -> Result<(), Box<dyn std::error::Error>> {
        #[doc = concat!("connection.serve_in_place(&profile, |request, reply| reply.extend_from_slice(request))", $awaited, "?;")]
        /// # Ok(())
        /// # }
        /// ```
        ///
        /// # Errors
        /// As [`serve`](Self::serve).
        pub $($async)? fn serve_in_place<H: crate::server::HandlerResult>(
            mut self,
            profile: &crate::profile::Profile,
            handler: impl FnMut(&[u8], &mut crate::session::Reply<'_>) -> H,
        ) -> Result<u64, crate::connection::ErrorOf<C>>
        $(where $($where)+)?
        {
            $wait!(self.serve_in_place_to_end((profile, handler))).into_answered()
        }
    };
}

/// Runs a server: serves each connection with `$served`, which uses the names that come before it.
macro_rules! run_server {
    ($wait:ident, $over:expr, $server:ident, $handler:expr, ($service:ident, $connection:ident) => $served:expr) => {{
        let (control, registry) = ($server.handle.control, $server.registry);
        let listener = ($over)($server.listener, &control);
        let (handler, profile, concurrency) = ($handler, $server.profile, $server.concurrency);
        let service = Arc::new($crate::server::Service { handler, profile, concurrency });
        let serve = move |mut $connection: Connection, guard: ServedGuard<_>| {
            let $service = Arc::clone(&service);
            if let Some(registry) = &registry {
                $connection.join(registry);
            }
            async move {
                // The handler and the observer get the address of a proxy's client, which its header has.
                let opened = match $crate::connection::SessionParts::owes_header(&$connection) {
                    true => $crate::server::open_served(&mut $connection).await,
                    false => Ok(()),
                };
                guard.on_connected($connection.peer_addr());
                let served = match opened {
                    Ok(()) => $served.await,
                    Err(error) => $crate::server::ServedOutcome { answered: 0, discarded: 0, ended: Err(error) },
                };
                // Read only now, because the task of an idle connection would hold them.
                let (peer, bytes) = ($connection.peer_addr(), $connection.receiver.byte_count().get());
                drop($connection);
                guard.on_ended(peer, &served, bytes);
            }
        };
        $wait!(run(listener, control, serve))
    }};
}

/// A server and its handle. The documentation with the driver's example comes first. `$over` makes what accepts of the
/// listener, `$serve` serves a connection, and `$stopper` is the listener's method for its stopper, if it needs one.
macro_rules! server {
    (
        $(#[$doc:meta])*
        $driver:ident, $plain:ident $wait:ident $($async:ident)?, $answer:ident: ($($bound:tt)+), $over:expr,
        $serve:ident, $serve_in_place:ident $(, $stopper:ident: $Stopper:ty)?
    ) => {
        $(#[$doc])*
        pub struct Server {
            listener: Listener,
            profile: Arc<Profile>,
            concurrency: Concurrency,
            registry: Option<Registry>,
            handle: ServerHandle,
        }

        /// Reads the counts of a [`Server`] while it runs, and drains it. Clones are handles of one server.
        ///
        /// See [`Server`] for an example.
        #[derive(Clone)]
        pub struct ServerHandle {
            control: Arc<ServerControl<$driver>>,
            $($stopper: $Stopper,)?
        }

        impl Server {
            /// Listens on the first address that can be bound. Accepting begins when the server [runs](Self::run).
            ///
            /// # Errors
            /// Returns the system's error, and fails when a server cannot use the profile.
            pub $($async)? fn bind(address: impl ToSocketAddrs, profile: &Arc<Profile>) -> io::Result<Self> {
                let listener = $plain!(Listener::bind_profile(address, profile))?;
                let Some(admission) = listener.admission().cloned() else {
                    return Err(io::ErrorKind::InvalidInput.into());
                };
                let (profile, concurrency) = (Arc::clone(profile), Concurrency::default());
                let handle =
                    ServerHandle { control: ServerControl::new(admission), $($stopper: listener.$stopper())? };
                Ok(Self { listener, profile, concurrency, registry: None, handle })
            }

            /// Listens at the address of the profile.
            ///
            /// # Errors
            /// As for [`bind`](Self::bind), and if the profile has no address to `listen` at.
            pub $($async)? fn of_profile(profile: &Arc<Profile>) -> io::Result<Self> {
                let missing = |error| io::Error::new(io::ErrorKind::InvalidInput, error);
                let listen = profile.check_listen().map_err(missing)?.as_str();
                match crate::zone::zoned_address(listen) {
                    Some(zoned) => $plain!(Self::bind(zoned?, profile)),
                    None => $plain!(Self::bind(listen, profile)),
                }
            }

            /// Sets how many requests of one connection are handled at a time. Defaults to one.
            #[must_use]
            pub const fn concurrency(mut self, concurrency: Concurrency) -> Self {
                self.concurrency = concurrency;
                self
            }

            /// Uses TLS for the connections that are accepted later. The handshake runs in the connection's own task or
            /// thread. The time for the first message limits it too.
            #[cfg(feature = "tls")]
            #[must_use]
            pub fn tls(mut self, tls: $crate::tls::ServerTls) -> Self {
                self.listener = self.listener.tls(tls);
                self
            }

            /// Adds every connection to this registry, which pushes messages to them. Defaults to no registry.
            #[must_use]
            pub fn registry(mut self, registry: &Registry) -> Self {
                self.registry = Some(registry.clone());
                self
            }

            /// Sets a function that is called with each event, for example to log it. It runs in the tasks or threads
            /// that serve, so it should be quick. Defaults to none.
            #[must_use]
            pub fn observe(self, observer: impl Fn(&ServerEvent<'_>) + Send + Sync + 'static) -> Self {
                self.handle.control.stats.admission.observe(observer);
                self
            }

            /// Returns the address that the server listens on.
            ///
            /// # Errors
            /// Returns the system's error.
            pub fn local_addr(&self) -> io::Result<SocketAddr> {
                self.listener.local_addr()
            }

            /// Returns a handler that answers by the [reply rules](Profile::server_replies) of the profile, with the numbers
            /// of the server. Each connection needs [another](crate::RuleHandler::another).
            #[must_use]
            pub fn rule_handler(&self) -> crate::server::RuleHandler {
                crate::server::RuleHandler::with_numbers(&self.profile, self.numbers())
            }

            /// Returns the source of numbers of the connections.
            #[must_use]
            pub fn numbers(&self) -> crate::session::Numbers {
                let own = || crate::session::Numbers::over(self.profile.number_range());
                self.listener.numbers().unwrap_or_else(own)
            }

            /// Returns a handle that reads the counts of the server and drains it.
            pub fn handle(&self) -> ServerHandle {
                self.handle.clone()
            }

            /// Serves until the server is [drained](ServerHandle::drain). A request is answered with the bytes that the
            /// handler returns, or with nothing.
            ///
            /// A drain has these steps, in this order:
            ///
            /// 1. The connections that wait to be accepted are accepted, within the limits, and the listener is closed.
            /// 2. Each connection ends in good order at its next quiet moment: nothing is there to be read, no message
            ///    has begun to arrive, and no reply is owed. A connection that has sent nothing since it was accepted
            ///    has [a moment](crate::session::Lifetime::CONNECT_GRACE) for its first message.
            /// 3. After half of the time no new requests are taken, at a quiet moment or not.
            /// 4. When the time is over, the connections that are left are cut.
            ///
            /// On blocking sockets, a handler that does not return by then is left behind in its thread, with its
            /// socket closed. On tokio, dropping the future cuts everything at once.
            pub $($async)? fn run<H, $answer>(self, handler: H) -> DrainReport
            where
                H: Fn(Message) -> $answer + Send + Sync + 'static,
                $answer: $($bound)+,
            {
                $plain!(self.run_with_peer(move |message, _| handler(message)))
            }

            /// Like [`run`](Self::run), but the handler also gets the address of the client, if it has one.
            pub $($async)? fn run_with_peer<H, $answer>(self, handler: H) -> DrainReport
            where
                H: Fn(Message, Option<SocketAddr>) -> $answer + Send + Sync + 'static,
                $answer: $($bound)+,
            {
                $crate::server::run_server!($wait, $over, self, handler, (service, connection) => {
                    connection.$serve(&*service)
                })
            }

            /// Like [`run`](Self::run), but each connection has a handler of its own, which can have state. `make` is called
            /// with the address of each client, if it has one, and returns the handler.
            pub $($async)? fn run_per_connection<M, H, $answer>(self, make: M) -> DrainReport
            where
                M: Fn(Option<SocketAddr>) -> H + Send + Sync + 'static,
                H: Fn(Message) -> $answer + Send + Sync + 'static,
                $answer: $($bound)+,
            {
                $crate::server::run_server!($wait, $over, self, make, (service, connection) => {
                    async {
                        let handler = (service.handler)(connection.peer_addr());
                        let own = service.with(move |message: Message, _: Option<SocketAddr>| handler(message));
                        connection.$serve(&own).await
                    }
                })
            }

            /// Like [`run`](Self::run), for a handler that does not wait, which is the fastest way to serve. The handler
            /// gets a request, and the [`Reply`](crate::Reply) to write. The requests of a connection are handled one
            /// after the other. See [`serve_in_place`](Connection::serve_in_place).
            pub $($async)? fn run_in_place<H, R>(self, handler: H) -> DrainReport
            where
                H: Fn(&[u8], &mut crate::session::Reply<'_>) -> R + Send + Sync + 'static,
                R: crate::server::HandlerResult,
            {
                $plain!(self.run_in_place_with_peer(move |request, _, reply| handler(request, reply)))
            }

            /// Like [`run_in_place`](Self::run_in_place), but the handler also gets the address of the client, if it has
            /// one.
            pub $($async)? fn run_in_place_with_peer<H, R>(self, handler: H) -> DrainReport
            where
                H: Fn(&[u8], Option<SocketAddr>, &mut crate::session::Reply<'_>) -> R + Send + Sync + 'static,
                R: crate::server::HandlerResult,
            {
                $crate::server::run_server!($wait, $over, self, handler, (service, connection) => {
                    connection.$serve_in_place(&*service)
                })
            }
        }

        impl ServerHandle {
            /// Makes the server end within this time, as [`run`](Server::run) says. A second call can only shorten the
            /// time. With zero, all exchanges in flight are cut at once.
            pub fn drain(&self, within: Duration) {
                self.control.order(within);
                $(self.$stopper.stop();)?
            }

            /// Returns the counts up to now.
            #[must_use]
            pub fn counts(&self) -> ServerCounts {
                self.control.stats.counts()
            }
        }

        impl fmt::Debug for Server {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut server = f.debug_struct("Server");
                server.field("listener", &self.listener).field("handle", &self.handle).finish_non_exhaustive()
            }
        }

        impl fmt::Debug for ServerHandle {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct("ServerHandle").field("counts", &self.counts()).finish_non_exhaustive()
            }
        }
    };
}

pub(crate) use {join_method, run_server, serve_in_place_method, serve_many_method, serve_method, server};
