//! What a handshake agreed on.

use rustls::{Connection, HandshakeKind, ProtocolVersion};

use super::PeerCertificate;
use crate::proxy_protocol::{ProxiedTls, ProxyInfo};

/// What the handshake of a connection agreed on, and how the peer ended it.
///
/// See [the module](crate::tls) for an example.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TlsFacts {
    /// The version: `TLSv1.2` or `TLSv1.3`.
    pub version: &'static str,
    /// The cipher suite, by its name in the standard.
    pub suite: &'static str,
    /// The application protocol, if both sides named one (ALPN).
    pub alpn: Option<Vec<u8>>,
    /// The name of the server that the client asked for (SNI). Only on the side of the server.
    pub server_name: Option<String>,
    /// Whether an earlier session was resumed.
    pub is_resumed: bool,
    /// The certificate of the peer, if it has sent one.
    pub peer: Option<PeerCertificate>,
    /// How the peer ended its side, so far.
    pub end: TlsEnd,
}

/// How the peer ended its side of a connection with TLS. The enum is exhaustive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum TlsEnd {
    /// It has not ended.
    Open,
    /// In good order: with `close_notify`.
    CloseNotify,
    /// The connection was closed without `close_notify`. Someone else may have cut it off.
    CutOff,
}

impl TlsEnd {
    pub(super) const fn of(number: u8) -> Self {
        match number {
            1 => Self::CloseNotify,
            2 => Self::CutOff,
            _ => Self::Open,
        }
    }
}

impl TlsFacts {
    /// Returns `None` if the handshake is not over.
    pub(super) fn of(connection: &Connection, end: TlsEnd) -> Option<Self> {
        let server_name = match connection {
            Connection::Server(server) => server.server_name().map(str::to_owned),
            Connection::Client(_) => None,
        };
        Some(Self {
            version: match connection.protocol_version()? {
                ProtocolVersion::TLSv1_2 => "TLSv1.2",
                _ => "TLSv1.3",
            },
            suite: connection.negotiated_cipher_suite()?.suite().as_str()?,
            alpn: connection.alpn_protocol().map(<[u8]>::to_vec),
            server_name,
            is_resumed: connection.handshake_kind() == Some(HandshakeKind::Resumed),
            peer: connection.peer_certificates().and_then(<[_]>::first).map(|der| PeerCertificate::of(der)),
            end,
        })
    }
}

/// For a proxy that ends TLS.
impl ProxyInfo {
    /// Adds how the client uses TLS with this side, which verifies the certificates of clients.
    #[must_use]
    pub fn with_tls(mut self, facts: &TlsFacts) -> Self {
        self.alpn.clone_from(&facts.alpn);
        self.authority.clone_from(&facts.server_name);
        self.tls = Some(ProxiedTls {
            version: Some(facts.version.to_owned()),
            cipher: Some(facts.suite.to_owned()),
            has_certificate: facts.peer.is_some(),
            is_verified: facts.peer.is_some(),
            common_name: facts.peer.as_ref().and_then(|peer| peer.common_name()).map(str::to_owned),
        });
        self
    }
}
