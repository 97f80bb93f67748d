//! What a connector or a listener needs for TLS.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, Connection, ServerConfig, ServerConnection};

use super::files::{self, Source};
use super::shared::{Shared, lock};
use super::{ReaderBox, TlsError, TlsReader, TlsWriter, WriterBox};
use crate::profile::{Profile, ProfileError, Side, Tls};

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
    config: Arc<Mutex<Arc<ClientConfig>>>,
    /// `None`: the host of the address that is dialled.
    name: Option<ServerName<'static>>,
    within: Duration,
    pub(super) source: Option<Arc<Source>>,
}

impl ClientTls {
    /// Uses this configuration. The certificate of the server must be valid for `name`.
    pub fn new(config: impl Into<Arc<ClientConfig>>, name: ServerName<'static>) -> Self {
        Self::named(config, Some(name))
    }

    pub(super) fn named(config: impl Into<Arc<ClientConfig>>, name: Option<ServerName<'static>>) -> Self {
        Self { config: Arc::new(Mutex::new(config.into())), name, within: WITHIN, source: None }
    }

    /// Returns a copy for the server at this address, which is HOST:PORT, unless its name is known.
    pub(super) fn or_host(&self, address: &str) -> Self {
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host).trim_matches(['[', ']']);
        let host = host.split_once('%').map_or(host, |(host, _)| host);
        let name = || ServerName::try_from(host.to_owned()).ok();
        Self { name: self.name.clone().or_else(name), ..self.clone() }
    }

    /// Returns a copy for a server with another name. [`replace`](Self::replace) changes the configuration of both.
    #[must_use]
    pub fn for_name(&self, name: ServerName<'static>) -> Self {
        Self { name: Some(name), ..self.clone() }
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
        *lock(&self.config) = config.into();
    }

    pub(crate) fn begin(&self, peer: Option<SocketAddr>) -> (ReaderBox, WriterBox) {
        let config = Arc::clone(&lock(&self.config));
        let fragment = config.max_fragment_size;
        let no_name = || rustls::Error::General("the name of the server is unknown; set tls.server-name".to_owned());
        let name = self.name.clone().or_else(|| Some(peer?.ip().to_canonical().into())).ok_or_else(no_name);
        let connection = name.and_then(|name| ClientConnection::new(config, name));
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
    config: Arc<Mutex<Arc<ServerConfig>>>,
    within: Duration,
    pub(super) source: Option<Arc<Source>>,
}

impl ServerTls {
    /// Uses this configuration.
    pub fn new(config: impl Into<Arc<ServerConfig>>) -> Self {
        Self { config: Arc::new(Mutex::new(config.into())), within: WITHIN, source: None }
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
        *lock(&self.config) = config.into();
    }

    pub(crate) fn begin(&self) -> (ReaderBox, WriterBox) {
        let config = Arc::clone(&lock(&self.config));
        let fragment = config.max_fragment_size;
        halves(ServerConnection::new(config).map(Connection::Server), fragment, self.within)
    }
}

/// The methods that read the files of a profile.
macro_rules! of_files {
    ($tls:ident, $side:ident, $config:ident, $made:expr) => {
        impl $tls {
            /// Reads the files of the profile, and uses them as it says. The roles do this by themselves; a program that
            /// replaces certificates makes this value, gives a clone to the role, and calls [`reload`](Self::reload).
            ///
            /// # Errors
            /// Names the key of the file that cannot be used, and why. If the profile has no TLS, or if this side cannot use
            /// it, the error says so.
            pub fn of_profile(profile: &Profile) -> Result<Self, ProfileError> {
                let source = Source::of(profile, Side::$side)?;
                let made: Self = ($made)(files::$config(&source.tls)?, &source.tls)?;
                let mut made = made.handshake_within(source.tls.handshake_timeout);
                made.source = Some(source);
                Ok(made)
            }

            /// Reads the files of the profile again. Connections that begin later use the new ones. If they cannot be used,
            /// nothing changes. Without a profile, this does nothing.
            ///
            /// # Errors
            /// As for [`of_profile`](Self::of_profile).
            pub fn reload(&self) -> Result<(), ProfileError> {
                let Some(source) = &self.source else { return Ok(()) };
                self.replace(files::$config(&source.tls)?);
                Ok(())
            }

            /// Reads the files again if one of them has changed since this was called last. Returns whether one has. Call
            /// this now and then.
            ///
            /// # Errors
            /// As for [`of_profile`](Self::of_profile), once for each change.
            pub fn reload_if_changed(&self) -> Result<bool, ProfileError> {
                let has_changed = self.source.as_ref().is_some_and(|source| source.has_changed());
                if has_changed {
                    self.reload()?;
                }
                Ok(has_changed)
            }
        }
    };
}

of_files!(ServerTls, Server, server, |config, _: &Tls| Ok(Self::new(config)));
of_files!(ClientTls, Client, client, |config, tls: &Tls| {
    let name = tls.server_name.as_deref().map(|name| files::server_name(name)).transpose()?;
    Ok(Self::named(config, name))
});

pub(super) fn halves(
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
