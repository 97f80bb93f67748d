//! Writes TLS and the PROXY protocol.

use std::path::PathBuf;

use super::super::{ProxyProtocolTable, SYSTEM, TlsTable};
use super::{size, text, texts, time, unless};
use crate::profile::{ClientCertificates, ProxyProtocol, Roots, Tls, TlsVersion};

pub(super) fn tls(tls: &Tls) -> TlsTable {
    let path = |file: &PathBuf| text(file.display());
    TlsTable {
        certificate: tls.certificate.as_ref().map(path),
        key: tls.key.as_ref().map(path),
        roots: match &tls.roots {
            Roots::System => None,
            // A file of this name would be taken for the word.
            Roots::File(file) if file.as_os_str() == SYSTEM => Some(text(format!("./{SYSTEM}"))),
            Roots::File(file) => Some(path(file)),
        },
        revocation_lists: tls.revocation_lists.as_ref().map(path),
        server_name: tls.server_name.as_ref().map(text),
        client_certificates: unless(tls.client_certificates, ClientCertificates::default(), |kind| text(kind.name())),
        minimum_version: unless(tls.minimum_version, TlsVersion::default(), |version| text(version.name())),
        alpn: texts(&tls.alpn),
        dangerously_accept_any_certificate: tls.dangerously_accept_any_certificate.then_some(true),
        handshake_timeout: unless(tls.handshake_timeout, Tls::HANDSHAKE, time),
        allow_names: texts(&tls.allow_names),
        allow_sha256: texts(&tls.allow_sha256),
    }
}

pub(super) fn proxy_protocol(proxy: Option<&ProxyProtocol>) -> ProxyProtocolTable {
    let Some(proxy) = proxy else { return ProxyProtocolTable::default() };
    ProxyProtocolTable {
        accept_from: texts(&proxy.accept_from),
        send: proxy.send.map(|version| text(version.name())),
        timeout: unless(proxy.timeout, ProxyProtocol::TIMEOUT, time),
        max_header: unless(proxy.max_header, ProxyProtocol::MAX_HEADER, size),
    }
}
