//! Dialling, for all drivers.

use std::io;
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use framelink_codec::{Decode, Encode};
use socket2::Socket;

use super::answered::Answered;
use super::race::{Begun, Failure, Race, alternating};
#[cfg(any(feature = "blocking", feature = "nonblocking"))]
use super::resolver::Resolver;
use super::socket;
use crate::connection::setup::ConnectionSetup;
use crate::profile::{Profile, Side};
use crate::proxy_protocol::ProxyInfo;
use crate::{FramingPair, Message, SocketOptions};

use crate::error::ConnectError;

/// Dials a peer, with `connect` of the driver: `tokio::Connector`, `blocking::Connector`, `nonblocking::Connector`.
#[derive(Debug)]
pub struct Connector<C, Driver> {
    pub(crate) framing: Arc<C>,
    pub(crate) options: SocketOptions,
    pub(crate) within: Duration,
    pub(crate) setup: ConnectionSetup,
    pub(crate) answered: Arc<Answered>,
    #[cfg(any(feature = "blocking", feature = "nonblocking"))]
    pub(crate) resolver: Resolver,
    driver: PhantomData<Driver>,
}

impl<D> Connector<FramingPair, D> {
    /// Makes a connector with one framing for both directions, or a [`FramingPair`] of two.
    pub fn new(framing: impl Into<FramingPair>) -> Self {
        Self::with_codec(framing.into())
    }

    /// Makes a connector with a profile's framing, preamble, first steps, greeting, sign-on, time to connect, limits and
    /// socket options.
    ///
    /// A connection of a connector is signed on when `connect` returns it. The program signs off itself, with
    /// [`sign_off`](Self::sign_off), because a connection's `close` does not. The roles (`Client`, `Link`, `Pool`) do
    /// both.
    pub fn with_profile(profile: &Arc<Profile>) -> Self {
        let mut connector = Self::new(profile.framing()).within(profile.timeouts().connect);
        connector.options = profile.socket().clone();
        connector.setup = ConnectionSetup::of(Arc::clone(profile), Side::Client);
        connector
    }
}

impl<C: Decode + Encode, D> Connector<C, D> {
    /// Makes a connector with a codec of your own.
    pub fn with_codec(codec: impl Into<Arc<C>>) -> Self {
        let (framing, options, setup) = (codec.into(), SocketOptions::new(), ConnectionSetup::default());
        Self {
            framing,
            options,
            within: Duration::from_secs(10),
            setup,
            answered: Arc::default(),
            #[cfg(any(feature = "blocking", feature = "nonblocking"))]
            resolver: Resolver::of_system(),
            driver: PhantomData,
        }
    }
}

impl<C, D> Connector<C, D> {
    /// Sets the local address to dial from. With port 0 the system chooses a port. Defaults to the system's choice.
    #[must_use]
    pub const fn source(mut self, source: SocketAddr) -> Self {
        self.options.source = Some(source);
        self
    }

    /// Sets the network interface to dial through, by name. Linux only. Defaults to the system's choice.
    #[must_use]
    pub fn interface(mut self, name: impl Into<String>) -> Self {
        self.options.interface = Some(name.into());
        self
    }

    /// Sets all options of the socket, including the source and the interface.
    #[must_use]
    pub fn options(mut self, options: SocketOptions) -> Self {
        self.options = options;
        self
    }

    /// Sets a function that gets each whole message that no operation returned. By default such messages are dropped.
    /// A message is not returned if it arrived before the request that it seemed to answer, if it arrived after a call
    /// that failed, or if it was still unread when the connection was dropped or closed. The function runs wherever
    /// the connection is used, so it should be quick. A panic in it ends nothing.
    ///
    /// ```
    /// use framelink_transport::Framing;
    #[cfg_attr(feature = "tokio", doc = "use framelink_transport::tokio::Connector;")]
    #[cfg_attr(not(feature = "tokio"), doc = "use framelink_transport::blocking::Connector;")]
    ///
    /// let connector = Connector::new("ascii:4".parse::<Framing>()?).on_unread(|message| println!("{} bytes", message.len()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn on_unread(mut self, on_unread: impl Fn(Message) + Send + Sync + 'static) -> Self {
        self.setup = self.setup.with_unread(Some(Arc::new(on_unread)));
        self
    }

    /// Uses TLS for the connections. The handshake is a part of connecting.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(mut self, tls: crate::tls::ClientTls) -> Self {
        self.setup = self.setup.with_tls(Some(crate::tls::TlsSetup::Client(tls)));
        self
    }

    /// Dials on behalf of a client of this program: if the profile sends PROXY protocol headers, they tell the peer about this
    /// client. By default they have the addresses of the connection itself.
    #[must_use]
    pub fn on_behalf_of(mut self, client: ProxyInfo) -> Self {
        self.setup = self.setup.on_behalf_of(client);
        self
    }

    /// Sets how long connecting may take, with the lookup of the name and all its addresses. Defaults to 10 s.
    #[must_use]
    pub const fn within(mut self, within: Duration) -> Self {
        self.within = within;
        self
    }

    /// Composes the message with which the profile says to sign off, to be sent before a clean close. Returns `None` if
    /// the profile has no sign-off, or if the message cannot be composed.
    #[must_use]
    pub fn sign_off(&self) -> Option<Vec<u8>> {
        self.setup.sign_off().map(|(message, _)| message)
    }

    /// Connects to the server at this address, which is HOST:PORT.
    pub(crate) fn for_host(mut self, address: &str) -> Self {
        self.setup = self.setup.for_host(address);
        self
    }

    /// Returns a copy that looks names up with `resolver`.
    #[cfg(any(feature = "blocking", feature = "nonblocking"))]
    pub(crate) fn resolved_by(&self, resolver: &Resolver) -> Self {
        Self { resolver: resolver.clone(), ..self.clone() }
    }

    /// Makes the race of a peer's addresses. The address that answered last is tried first. If the source address has
    /// another family than an address, that address is not tried.
    pub(crate) fn race<S>(&self, addresses: impl IntoIterator<Item = SocketAddr>, deadline: Duration) -> Race<S> {
        let source = self.options.source;
        let fits = |address: &SocketAddr| source.is_none_or(|source| source.is_ipv4() == address.is_ipv4());
        let mut fitting = addresses.into_iter().filter(fits).collect::<Vec<_>>();
        self.answered.sort(&mut fitting);
        let race = Race::new(Arc::clone(&self.answered), alternating(fitting), deadline);
        // Only Linux lets several sockets dial from one port at a time.
        let is_port_for_one = source.is_some_and(|source| source.port() != 0) && !cfg!(target_os = "linux");
        if is_port_for_one { race.one_at_a_time() } else { race }
    }

    /// Opens a non-blocking socket and tells it to connect. Returns it as the driver's type.
    pub(crate) fn begin<S>(
        &self,
        address: SocketAddr,
        of_driver: impl FnOnce(Socket) -> io::Result<S>,
    ) -> io::Result<Begun<S>> {
        let socket = socket::dialling(&self.options, address)?;
        socket.set_nonblocking(true)?;
        match socket.connect(&address.into()) {
            Ok(()) => socket::not_to_itself(&socket).and_then(|()| of_driver(socket)).map(Begun::Connected),
            Err(error) if socket::is_in_progress(&error) => of_driver(socket).map(Begun::UnderWay),
            Err(error) => Err(error),
        }
    }

    /// Returns why no address accepted a connection.
    pub(crate) fn failed(&self, failure: Option<Failure>) -> ConnectError {
        match failure {
            None => ConnectError::NoAddress { source: self.options.source.map(|source| source.ip()) },
            Some(Failure { address, error, after, .. })
                if error.kind() == io::ErrorKind::TimedOut && error.raw_os_error().is_none() =>
            {
                ConnectError::TimedOut { address, after }
            }
            Some(Failure { address, error, .. }) => self.refused(address, error),
        }
    }

    /// Converts a failure to open, bind or connect a socket.
    pub(crate) fn refused(&self, address: SocketAddr, error: io::Error) -> ConnectError {
        ConnectError::of_io(address, self.options.source, error)
    }

    /// Fails if an environment variable is not set that messages of the profile contain.
    pub(crate) fn check_profile(&self) -> Result<(), ConnectError> {
        self.setup.check().map_err(ConnectError::Profile)
    }
}

impl<C, D> Clone for Connector<C, D> {
    fn clone(&self) -> Self {
        let (framing, options) = (Arc::clone(&self.framing), self.options.clone());
        Self {
            framing,
            options,
            within: self.within,
            setup: self.setup.clone(),
            answered: Arc::clone(&self.answered),
            #[cfg(any(feature = "blocking", feature = "nonblocking"))]
            resolver: self.resolver.clone(),
            driver: PhantomData,
        }
    }
}
