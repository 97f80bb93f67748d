//! How a public method turns the future of a role into what it returns.

/// For a method that is `async`.
#[cfg(feature = "tokio")]
macro_rules! awaited {
    ($future:expr) => {
        $future.await
    };
}

/// For a method of a driver that waits by itself.
#[cfg(any(feature = "blocking", feature = "nonblocking"))]
macro_rules! ready {
    ($future:expr) => {
        $crate::driver::at_once($future)
    };
}

/// For what has waited already when it returns.
#[cfg(any(feature = "blocking", feature = "nonblocking"))]
macro_rules! plain {
    ($output:expr) => {
        $output
    };
}

/// The driver's `Connection`, as roles use it.
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
            ) -> Result<$crate::Message, $crate::CallError> {
                $wait!(self.exchange(request, within, half_close))
            }

            async fn send_within(&mut self, payload: &[u8], limit: std::time::Duration) -> Result<(), $crate::Error> {
                $wait!(self.send_within(payload, limit))
            }

            async fn send_with_outcome(
                &mut self,
                payload: &[u8],
                limit: std::time::Duration,
            ) -> Result<(), $crate::CallError> {
                $wait!(self.send_with_outcome(payload, limit))
            }

            async fn recv(&mut self) -> Result<Option<$crate::Message>, $crate::Error> {
                $wait!(self.recv())
            }

            async fn recv_within(&mut self, limit: std::time::Duration) -> Result<$crate::TryRecv, $crate::Error> {
                $wait!(self.recv_within(limit))
            }

            async fn close(self, within: std::time::Duration) -> Result<$crate::CloseReport, $crate::Error> {
                $wait!(self.close(within))
            }

            fn has_ended(&mut self, is_heard: bool) -> bool {
                self.has_ended(is_heard)
            }

            fn on_unread(&self, received: Result<$crate::TryRecv, $crate::Error>) {
                self.on_unread(received);
            }

            fn is_watched(&self) -> bool {
                self.pulse().is_some()
            }

            fn maintain(&mut self, is_deaf: bool) -> Result<Option<std::time::Duration>, $crate::Error> {
                self.tend(is_deaf)
            }
        }
    };
}

#[cfg(feature = "tokio")]
pub(crate) use awaited;
pub(crate) use role_connection;
#[cfg(any(feature = "blocking", feature = "nonblocking"))]
pub(crate) use {plain, ready};
