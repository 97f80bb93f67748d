//! The PROXY protocol of HAProxy: a proxy sends the address of its client before the first byte of the client.
//!
//! A profile says from which networks a header is required, and whether one is sent:
//! [`ProxyProtocol`](crate::profile::ProxyProtocol).

mod error;
mod peer;
mod read;
mod reader;
mod write;

pub use error::ProxyError;
pub(crate) use peer::ProxiedPeer;
pub use read::{HeaderStep, read_header};
pub(crate) use reader::HeaderReader;

use std::net::SocketAddr;

/// What a header says about the client of a proxy, or what a proxy says about its client.
///
/// ```
/// use framelink_transport::profile::ProxyVersion;
/// use framelink_transport::proxy_protocol::{HeaderStep, ProxyInfo, read_header};
///
/// let info = ProxyInfo::new("192.0.2.7:56324".parse()?, "192.0.2.1:7000".parse()?);
/// let header = info.header(ProxyVersion::V1);
/// assert_eq!(header, b"PROXY TCP4 192.0.2.7 192.0.2.1 56324 7000\r\n");
/// let HeaderStep::Whole(read, len) = read_header(&header, 107)? else { panic!("it is whole") };
/// assert_eq!((*read, len), (info, header.len()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProxyInfo {
    /// The address of the client. `None` if the proxy does not know it, or if it connected for itself, for example to
    /// check the server's health. The address of the socket is used then.
    pub client: Option<SocketAddr>,
    /// The address that the client connected to. It has the family of `client`.
    pub server: Option<SocketAddr>,
    /// The application protocol that the client uses (version 2: `PP2_TYPE_ALPN`).
    pub alpn: Option<Vec<u8>>,
    /// The name of the server that the client asked for (version 2: `PP2_TYPE_AUTHORITY`).
    pub authority: Option<String>,
    /// How the proxy identifies the connection, up to 128 bytes (version 2: `PP2_TYPE_UNIQUE_ID`).
    pub unique_id: Option<Vec<u8>>,
    /// How the client uses TLS with the proxy (version 2: `PP2_TYPE_SSL`). `None`: without TLS, or unknown.
    pub tls: Option<ProxiedTls>,
}

/// How a client uses TLS with a proxy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProxiedTls {
    /// The version, such as `TLSv1.3`.
    pub version: Option<String>,
    /// The cipher suite, by the name that the proxy has for it.
    pub cipher: Option<String>,
    /// Whether the client has shown a certificate.
    pub has_certificate: bool,
    /// Whether the proxy has verified that certificate.
    pub is_verified: bool,
    /// The common name (CN) of that certificate.
    pub common_name: Option<String>,
}

impl ProxyInfo {
    /// A client with this address that connected to `server`. The other fields can be set.
    #[must_use]
    pub fn new(client: SocketAddr, server: SocketAddr) -> Self {
        Self { client: Some(client), server: Some(server), ..Self::default() }
    }
}

impl ProxiedTls {
    /// TLS without a certificate of the client. The fields can be set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}
