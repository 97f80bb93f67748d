//! Macros that turn the future of a role into the result of a public method.

/// For an `async` method.
macro_rules! awaited {
    ($future:expr) => {
        $future.await
    };
}

/// For a method of a driver that waits by itself.
macro_rules! ready {
    ($future:expr) => {
        $crate::driver::at_once($future)
    };
}

/// For an expression that has already waited.
macro_rules! plain {
    ($output:expr) => {
        $output
    };
}

/// The clock and the dialling of a driver that waits by itself.
macro_rules! waiting_driver {
    () => {
        type Connection = Connection;
        type Clock = $crate::net::clock::Clock;
        type Notify = $crate::driver::ThreadNotify;
        type Lookup = $crate::net::resolver::Lookup;
        type Resolver = $crate::net::resolver::Resolver;

        fn clock() -> Self::Clock {
            Self::Clock::start()
        }

        fn now() -> std::time::Instant {
            std::time::Instant::now()
        }

        fn resolver(lookup: Option<Self::Lookup>, on_panic: impl Fn() + Send + Sync + 'static) -> Self::Resolver {
            Self::Resolver::new(lookup, on_panic)
        }

        async fn dial(
            connector: &super::Connector,
            resolver: &Self::Resolver,
            name: &std::sync::Arc<str>,
        ) -> Result<Connection, $crate::error::ConnectError> {
            connector.resolved_by(resolver).connect($crate::net::peer::Peer::Name(std::sync::Arc::clone(name)))
        }
    };
}

/// Implements the trait `Connection` for the connection of a driver.
macro_rules! role_connection {
    ($wait:ident) => {
        impl $crate::driver::Connection for Connection {
            fn peer_addr(&self) -> Option<std::net::SocketAddr> {
                self.peer_addr()
            }

            async fn exchange(
                &mut self,
                request: &[u8],
                within: std::time::Duration,
                half_close: bool,
            ) -> Result<$crate::Message, $crate::error::CallError> {
                $wait!(self.exchange(request, within, half_close))
            }

            async fn send_with_outcome(
                &mut self,
                payload: &[u8],
                limit: std::time::Duration,
            ) -> Result<(), $crate::error::CallError> {
                $wait!(self.send_with_outcome(payload, limit))
            }

            async fn recv(&mut self) -> Result<Option<$crate::Message>, $crate::error::Error> {
                $wait!(self.recv())
            }

            async fn wait_for_end(&mut self, within: std::time::Duration) {
                let received = $wait!(self.recv_within(within));
                self.on_unread(received);
            }

            async fn close(
                self,
                within: std::time::Duration,
            ) -> Result<$crate::drive::CloseReport, $crate::error::Error> {
                $wait!(self.close(within))
            }

            fn has_ended(&mut self, is_heard: bool) -> bool {
                self.has_ended(is_heard)
            }

            fn is_watched(&self) -> bool {
                self.liveness().is_some()
            }

            fn maintain(
                &mut self,
                exchange: $crate::profile::ExchangeKind,
            ) -> Result<Option<std::time::Duration>, $crate::error::Error> {
                $crate::connection::Endpoint::maintain_between(self, exchange)
            }
        }
    };
}

pub(crate) use {awaited, plain, ready, role_connection, waiting_driver};
