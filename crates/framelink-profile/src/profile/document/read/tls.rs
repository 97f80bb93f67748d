//! Reads TLS and the PROXY protocol.

use super::super::scalar::Text;
use super::super::{ProxyProtocolTable, SYSTEM, TlsTable};
use super::{Read, Word, parsed_all, set, size, time, word};
use crate::profile::{ClientCertificates, ProfileBuilder, ProxyVersion, Roots, Tls, TlsVersion};

macro_rules! words {
    ($($kind:ty: [$($value:ident),*];)*) => { $(
        impl Word for $kind {
            const ALL: &'static [Self] = &[$(Self::$value),*];
            fn word(self) -> &'static str {
                self.name()
            }
        }
    )* };
}

words! {
    ClientCertificates: [None, Optional, Required];
    TlsVersion: [V1_2, V1_3];
    ProxyVersion: [V1, V2];
}

impl TlsTable {
    pub(super) fn read(self) -> Read<Tls> {
        let path = |Text(name): Text| name.into();
        let texts = |said: Vec<Text>| said.into_iter().map(|Text(text)| text).collect();
        let mut tls = Tls::new();
        tls.certificate = self.certificate.map(path);
        tls.key = self.key.map(path);
        set(&mut tls.roots, self.roots.map(roots));
        tls.revocation_lists = self.revocation_lists.map(path);
        tls.server_name = self.server_name.map(|Text(name)| name);
        let certificates = self.client_certificates.map(|text| word("tls.client-certificates", &text)).transpose()?;
        set(&mut tls.client_certificates, certificates);
        let version = self.minimum_version.map(|text| word("tls.minimum-version", &text)).transpose()?;
        set(&mut tls.minimum_version, version);
        tls.alpn = texts(self.alpn);
        tls.allow_names = texts(self.allow_names);
        tls.allow_sha256 = parsed_all("tls.allow-sha256", self.allow_sha256)?;
        set(&mut tls.dangerously_accept_any_certificate, self.dangerously_accept_any_certificate);
        set(&mut tls.handshake_timeout, time("tls.handshake-timeout", self.handshake_timeout)?);
        Ok(tls)
    }
}

fn roots(Text(text): Text) -> Roots {
    if text == SYSTEM { Roots::System } else { Roots::File(text.into()) }
}

impl ProxyProtocolTable {
    pub(super) fn tell(self, builder: &mut ProfileBuilder) -> Read<()> {
        let proxy = &mut builder.proxy_protocol;
        proxy.accept_from = parsed_all("proxy-protocol.accept-from", self.accept_from)?;
        proxy.send = self.send.map(|text| word("proxy-protocol.send", &text)).transpose()?;
        set(&mut proxy.timeout, time("proxy-protocol.timeout", self.timeout)?);
        set(&mut proxy.max_header, size("proxy-protocol.max-header", self.max_header)?);
        Ok(())
    }
}
