//! What a connector or a listener needs for TLS.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, Connection, ServerConfig, ServerConnection};

use super::shared::Shared;
use super::{ReaderBox, TlsError, TlsReader, TlsWriter, WriterBox};
use crate::net::lock::Lock;

/// How long a handshake may take, unless it is set.
const WITHIN: Duration = Duration::from_secs(10);

/// TLS for connections that this side dials.
///
/// ```no_run
/// use framelink_transport::tls::{ClientTls, rustls};
/// use framelink_transport::{Framing, blocking::Connector};
///
/// # fn example(config: rustls::ClientConfig) -> Result<(), Box<dyn std::error::Error>> {
/// let tls = ClientTls::new(config, "switch.example".try_into()?);
/// let connector = Connector::new("ascii:4".parse::<Framing>()?).tls(tls);
/// let connection = connector.connect("10.1.2.3:7000")?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ClientTls {
    config: Arc<Lock<Arc<ClientConfig>>>,
    name: ServerName<'static>,
    within: Duration,
}

impl ClientTls {
    /// Uses this configuration. The certificate of the server must be valid for `name`.
    pub fn new(config: impl Into<Arc<ClientConfig>>, name: ServerName<'static>) -> Self {
        Self { config: Arc::new(Lock::new(config.into())), name, within: WITHIN }
    }

    /// Returns a copy for a server with another name. [`replace`](Self::replace) changes the configuration of both.
    #[must_use]
    pub fn for_name(&self, name: ServerName<'static>) -> Self {
        Self { name, ..self.clone() }
    }

    /// Sets how long the handshake may take from when the socket is connected. The time to connect limits it too. Defaults
    /// to 10 s.
    #[must_use]
    pub const fn handshake_within(mut self, within: Duration) -> Self {
        self.within = within;
        self
    }

    /// Replaces the configuration of this value and of its clones. Connections that begin later use the new one.
    pub fn replace(&self, config: impl Into<Arc<ClientConfig>>) {
        *self.config.lock() = config.into();
    }

    fn begin(&self) -> (ReaderBox, WriterBox) {
        let config = Arc::clone(&self.config.lock());
        let fragment = config.max_fragment_size;
        let connection = ClientConnection::new(config, self.name.clone());
        halves(connection.map(Connection::Client), fragment, self.within)
    }
}

/// TLS for connections that this side accepts.
///
/// The handshake runs in the task or thread of its connection, after the connection was accepted and counted. It has a
/// deadline of its own, and the profile's time for the first message limits it too.
///
/// ```no_run
/// use framelink_transport::tls::{ServerTls, rustls};
/// use framelink_transport::{Framing, blocking::Listener};
///
/// # fn example(config: rustls::ServerConfig, renewed: rustls::ServerConfig) -> Result<(), Box<dyn std::error::Error>> {
/// let tls = ServerTls::new(config);
/// let listener = Listener::bind("0.0.0.0:7000", "ascii:4".parse::<Framing>()?)?.tls(tls.clone());
/// // Later, when the certificate was renewed. Connections that exist keep theirs.
/// tls.replace(renewed);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ServerTls {
    config: Arc<Lock<Arc<ServerConfig>>>,
    within: Duration,
}

impl ServerTls {
    /// Uses this configuration.
    pub fn new(config: impl Into<Arc<ServerConfig>>) -> Self {
        Self { config: Arc::new(Lock::new(config.into())), within: WITHIN }
    }

    /// Sets how long the handshake may take from when the connection was accepted. Defaults to 10 s.
    #[must_use]
    pub const fn handshake_within(mut self, within: Duration) -> Self {
        self.within = within;
        self
    }

    /// Replaces the configuration of this value and of its clones, for example after a certificate was renewed.
    /// Connections that are accepted later use the new one.
    pub fn replace(&self, config: impl Into<Arc<ServerConfig>>) {
        *self.config.lock() = config.into();
    }

    fn begin(&self) -> (ReaderBox, WriterBox) {
        let config = Arc::clone(&self.config.lock());
        let fragment = config.max_fragment_size;
        halves(ServerConnection::new(config).map(Connection::Server), fragment, self.within)
    }
}

/// TLS for the connections of one connector or listener.
#[derive(Clone, Debug)]
pub(crate) enum TlsSetup {
    Client(ClientTls),
    Server(ServerTls),
}

impl TlsSetup {
    /// Begins TLS on a new connection. An error is left to its handshake.
    pub(crate) fn begin(&self) -> (ReaderBox, WriterBox) {
        match self {
            Self::Client(tls) => tls.begin(),
            Self::Server(tls) => tls.begin(),
        }
    }
}

fn halves(
    connection: Result<Connection, rustls::Error>,
    fragment: Option<usize>,
    within: Duration,
) -> (ReaderBox, WriterBox) {
    let shared = Arc::new(Shared::new(connection.map_err(TlsError::of), fragment));
    let reader = TlsReader::new(Arc::clone(&shared), within);
    (Box::new(reader), Box::new(TlsWriter::new(shared)))
}

/// Shows no key.
impl fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientTls").field("name", &self.name).field("within", &self.within).finish_non_exhaustive()
    }
}

/// Shows no key.
impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTls").field("within", &self.within).finish_non_exhaustive()
    }
}
