//! The public methods that the connectors and listeners of several drivers have, with their documentation.

/// Waits for a future.
#[cfg(feature = "tokio")]
macro_rules! awaited {
    ($waits:expr) => {
        $waits.await
    };
}

/// What waits in a call has waited when the call returns.
#[cfg(any(feature = "blocking", feature = "nonblocking"))]
macro_rules! at_once {
    ($waited:expr) => {
        $waited
    };
}

/// The driver has `dial`, which makes a socket.
macro_rules! connector_methods {
    ($wait:ident $peer:ident $($async:ident)?) => {
        /// Connects to the peer. The time to connect ([`within`](Self::within)) includes the lookup of its name.
        ///
        /// If the name has several addresses, they are tried as RFC 8305 (Happy Eyeballs) says: IPv4 and IPv6 alternate, the next try begins
        /// 250 ms after the one before it began, or at once when that one fails. The first address that connects is used, and the other
        /// tries are given up. The address that was used last is tried first.
        ///
        /// # Errors
        /// When the profile has a sign-on or a sign-off, when its name cannot be resolved, or no address answers in time; the error is that of
        /// the last address that was tried.
        pub $($async)? fn connect(&self, peer: impl $peer) -> Result<Connection<C>, ConnectError> {
            let (stream, address) = $wait!(self.dial(peer))?;
            Ok(Connection::with_peer(stream, Arc::clone(&self.framing), Some(address)).on(&self.terms))
        }
    };
}

#[cfg(any(feature = "blocking", feature = "nonblocking"))]
pub(crate) use at_once;
#[cfg(feature = "tokio")]
pub(crate) use awaited;
pub(crate) use connector_methods;
