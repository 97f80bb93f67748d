//! Configurations of rustls, from the files of a profile.

use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion};

use super::pem::PemFile;
use super::verify::{ClientCheck, ServerCheck};
use crate::profile::{ClientCertificates, ProfileError, Roots, Tls, TlsVersion};

/// A certificate with those that lead to its root, and its key.
pub(super) type Own = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

pub(in crate::tls) fn server(tls: &Tls) -> Result<ServerConfig, ProfileError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_protocol_versions(versions(tls));
    let builder = builder.map_err(|error| unusable("tls.minimum-version", &error))?;
    let builder = match tls.client_certificates {
        ClientCertificates::None => builder.with_no_client_auth(),
        kind => {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots(tls)?), provider);
            let verifier = verifier.with_crls(revocation_lists(tls)?);
            let is_optional = kind == ClientCertificates::Optional;
            let verifier = if is_optional { verifier.allow_unauthenticated() } else { verifier };
            let verifier = verifier.build().map_err(|error| unusable(key_of_verifier(tls), &error))?;
            builder.with_client_cert_verifier(Arc::new(ClientCheck::new(verifier, tls)))
        }
    };
    let (chain, key) = own(tls)?.ok_or(ProfileError::Missing { key: "tls.certificate" })?;
    let mut config = builder.with_single_cert(chain, key).map_err(|error| unusable("tls.certificate", &error))?;
    config.alpn_protocols = alpn(tls);
    Ok(config)
}

pub(in crate::tls) fn client(tls: &Tls) -> Result<ClientConfig, ProfileError> {
    let provider = Arc::new(ring::default_provider());
    let check = match tls.dangerously_accept_any_certificate {
        true => ServerCheck::of_any(&provider, tls),
        false => {
            let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots(tls)?), Arc::clone(&provider));
            let verifier = verifier.with_crls(revocation_lists(tls)?).build();
            ServerCheck::new(verifier.map_err(|error| unusable(key_of_verifier(tls), &error))?, &provider, tls)
        }
    };
    let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions(tls));
    let builder = builder.map_err(|error| unusable("tls.minimum-version", &error))?;
    let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(check));
    let mut config = match own(tls)? {
        None => builder.with_no_client_auth(),
        Some((chain, key)) => {
            builder.with_client_auth_cert(chain, key).map_err(|error| unusable("tls.certificate", &error))?
        }
    };
    config.alpn_protocols = alpn(tls);
    Ok(config)
}

/// Reads our certificate and its key, which must belong together.
pub(super) fn own(tls: &Tls) -> Result<Option<Own>, ProfileError> {
    let Some((certificate, key)) = tls.certificate.as_deref().zip(tls.key.as_deref()) else { return Ok(None) };
    let of_certificate =
        PemFile { key: "tls.certificate", file: certificate, wanted: "a file of certificates in PEM, ours first" };
    let of_key = PemFile { key: "tls.key", file: key, wanted: "a file with the private key of the certificate in PEM" };
    let (chain, key) = (of_certificate.certificates()?, of_key.private_key()?);
    let provider: CryptoProvider = ring::default_provider();
    let checked = CertifiedKey::from_der(chain.clone(), key.clone_key(), &provider);
    checked.map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => of_key.fault(format!(
            "the key does not belong to the first certificate of `{}`; our certificate comes first in that file",
            certificate.display()
        )),
        rustls::Error::InvalidCertificate(error) => of_certificate.fault(error),
        error => of_key.fault(error),
    })?;
    Ok(Some((chain, key)))
}

/// Reads the roots. There is at least one.
pub(super) fn roots(tls: &Tls) -> Result<RootCertStore, ProfileError> {
    let Roots::File(file) = &tls.roots else { return roots_of_system() };
    let file = PemFile { key: "tls.roots", file, wanted: "a file of certificates of authorities in PEM" };
    let mut roots = RootCertStore::empty();
    for (number, certificate) in file.certificates()?.into_iter().enumerate() {
        let added = roots.add(certificate);
        added.map_err(|error| file.fault(format!("certificate {} of it cannot be used: {error}", number + 1)))?;
    }
    Ok(roots)
}

fn roots_of_system() -> Result<RootCertStore, ProfileError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // Systems have old certificates that rustls does not read. Others are enough.
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let why = found.errors.first().map_or(String::new(), |error| format!(" ({error})"));
        let allowed = format!(
            "authorities that the system trusts, and it has none{why}: install its package of certificates, such as \
             ca-certificates, or name a file"
        );
        return Err(ProfileError::OutOfBounds { key: "tls.roots", found: "`system`".to_owned(), allowed });
    }
    Ok(roots)
}

/// Reads the revocation lists, if there are any.
pub(super) fn revocation_lists(tls: &Tls) -> Result<Vec<CertificateRevocationListDer<'static>>, ProfileError> {
    let lists = |file: &Path| {
        PemFile { key: "tls.revocation-lists", file, wanted: "a file of revocation lists in PEM" }.revocation_lists()
    };
    tls.revocation_lists.as_deref().map_or(Ok(Vec::new()), lists)
}

pub(in crate::tls) fn server_name(name: &str) -> Result<ServerName<'static>, ProfileError> {
    ServerName::try_from(name.to_owned()).map_err(|error| unusable("tls.server-name", &error))
}

fn versions(tls: &Tls) -> &'static [&'static SupportedProtocolVersion] {
    const ALL: &[&SupportedProtocolVersion] = &[&TLS13, &TLS12];
    const NEW: &[&SupportedProtocolVersion] = &[&TLS13];
    match tls.minimum_version {
        TlsVersion::V1_2 => ALL,
        TlsVersion::V1_3 => NEW,
    }
}

fn alpn(tls: &Tls) -> Vec<Vec<u8>> {
    tls.alpn.iter().map(|name| name.as_bytes().to_vec()).collect()
}

/// A verifier cannot be made if it has no roots, or if a list cannot be read. The roots are checked before.
const fn key_of_verifier(tls: &Tls) -> &'static str {
    if tls.revocation_lists.is_some() { "tls.revocation-lists" } else { "tls.roots" }
}

fn unusable(key: &'static str, error: &dyn std::error::Error) -> ProfileError {
    ProfileError::OutOfBounds { key, found: "unusable".to_owned(), allowed: format!("another value: {error}") }
}
