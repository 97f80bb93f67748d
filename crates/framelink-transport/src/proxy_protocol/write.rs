//! Writes a header.

use std::net::{IpAddr, SocketAddr};

use ppp::v1;
use ppp::v2::{self, Builder, Command, Protocol, Type, TypeLengthValue, Version, WriteToHeader};

use super::read::{HAS_CERTIFICATE, USES_TLS};
use super::{ProxiedTls, ProxyInfo};
use crate::profile::ProxyVersion;

/// The most bytes of a text or of a value. A longer one is left out: it must not make the header too long.
const MOST: usize = 1024;

impl ProxyInfo {
    /// Returns the header. Version 1 has only the addresses. Values of more than 1 KiB are left out.
    #[must_use]
    pub fn header(&self, version: ProxyVersion) -> Vec<u8> {
        let addresses = self.client.zip(self.server).map(|(client, server)| of_one_family(client, server));
        match version {
            ProxyVersion::V1 => addresses.map_or(v1::Addresses::Unknown, Into::into).to_string().into_bytes(),
            ProxyVersion::V2 => self.binary(addresses),
        }
    }

    fn binary(&self, addresses: Option<(SocketAddr, SocketAddr)>) -> Vec<u8> {
        let (protocol, addresses) = match addresses {
            Some(addresses) => (Protocol::Stream, addresses.into()),
            None => (Protocol::Unspecified, v2::Addresses::Unspecified),
        };
        let tls = self.tls.as_ref().map(tls_value);
        let values = [
            (Type::ALPN, self.alpn.as_deref()),
            (Type::Authority, self.authority.as_deref().map(str::as_bytes)),
            (Type::UniqueId, self.unique_id.as_deref()),
            (Type::SSL, tls.as_deref()),
        ];
        // What follows unknown addresses is not read by receivers.
        let is_known = protocol == Protocol::Stream;
        let values = values.into_iter().filter(|_| is_known);
        let builder = Builder::with_addresses(Version::Two | Command::Proxy, protocol, addresses);
        // The values are far below the limit of 64 KiB.
        builder.write_payloads(values.filter_map(value)).and_then(Builder::build).unwrap_or_default()
    }
}

fn value((kind, value): (Type, Option<&[u8]>)) -> Option<TypeLengthValue<'_>> {
    // Of TLS, each part is limited.
    let most = if kind == Type::SSL { 4 * MOST } else { MOST };
    value.filter(|value| value.len() <= most).map(|value| TypeLengthValue::new(kind, value))
}

fn tls_value(tls: &ProxiedTls) -> Vec<u8> {
    let certificate = if tls.has_certificate { HAS_CERTIFICATE } else { 0 };
    let mut bytes = vec![USES_TLS | certificate];
    bytes.extend(u32::from(!tls.is_verified).to_be_bytes());
    let texts =
        [(Type::SSLVersion, &tls.version), (Type::SSLCommonName, &tls.common_name), (Type::SSLCipher, &tls.cipher)];
    for (kind, text) in texts {
        let value = value((kind, text.as_deref().map(str::as_bytes))).map(|value| value.to_bytes());
        bytes.extend(value.and_then(Result::ok).unwrap_or_default());
    }
    bytes
}

/// A header has addresses of one family.
fn of_one_family(client: SocketAddr, server: SocketAddr) -> (SocketAddr, SocketAddr) {
    let canonical = |address: SocketAddr| SocketAddr::new(address.ip().to_canonical(), address.port());
    let mapped = |address: SocketAddr| match address.ip() {
        IpAddr::V4(ip) => SocketAddr::new(ip.to_ipv6_mapped().into(), address.port()),
        IpAddr::V6(_) => address,
    };
    match (canonical(client), canonical(server)) {
        (client, server) if client.is_ipv4() == server.is_ipv4() => (client, server),
        (client, server) => (mapped(client), mapped(server)),
    }
}
