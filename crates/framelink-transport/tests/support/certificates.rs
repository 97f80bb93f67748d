//! Certificates that are made when a test runs, and configurations of TLS with them.

#![allow(dead_code, reason = "each program uses a part of it")]

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber, date_time_ymd,
};
use rustls::client::WebPkiServerVerifier;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion};

/// The name of the server in the tests.
pub(crate) const SERVER: &str = "switch.example";

/// Issues certificates.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    root: CertificateDer<'static>,
}

/// A certificate and its key.
pub(crate) struct Identity {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: PrivateKeyDer<'static>,
}

/// What is wrong with a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    None,
    Expired,
    NotYetValid,
    OtherName,
    OtherUsage,
    SelfSigned,
    Revoked,
}

/// The side that a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    Server,
    Client,
}

const REVOKED: u64 = 666;

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().unwrap();
        let root = params.self_signed(&key).unwrap().der().clone();
        Self { issuer: Issuer::new(params, key), root }
    }

    pub(crate) fn issue(&self, used: Use, flaw: Flaw) -> Identity {
        let name = if flaw == Flaw::OtherName { "other.example" } else { SERVER };
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        let subject = if used == Use::Server { "the switch" } else { "terminal 7" };
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, subject);
        params.use_authority_key_identifier_extension = true;
        let is_for_server = (used == Use::Server) != (flaw == Flaw::OtherUsage);
        params.extended_key_usages = vec![match is_for_server {
            true => ExtendedKeyUsagePurpose::ServerAuth,
            false => ExtendedKeyUsagePurpose::ClientAuth,
        }];
        match flaw {
            Flaw::Expired => params.not_after = date_time_ymd(2001, 1, 1),
            Flaw::NotYetValid => params.not_before = date_time_ymd(3000, 1, 1),
            Flaw::Revoked => params.serial_number = Some(SerialNumber::from(REVOKED)),
            _ => {}
        }
        let key = KeyPair::generate().unwrap();
        let certificate = match flaw {
            Flaw::SelfSigned => params.self_signed(&key),
            _ => params.signed_by(&key, &self.issuer),
        };
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        Identity { chain: vec![certificate.unwrap().der().clone()], key }
    }

    /// Returns the certificate of the authority.
    pub(crate) fn root(&self) -> &[u8] {
        &self.root
    }

    pub(crate) fn roots(&self) -> Arc<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add(self.root.clone()).unwrap();
        roots.into()
    }

    /// Returns the list of revoked certificates.
    pub(crate) fn revoked(&self) -> CertificateRevocationListDer<'static> {
        let revoked = RevokedCertParams {
            serial_number: SerialNumber::from(REVOKED),
            revocation_time: date_time_ymd(2020, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2020, 1, 1),
            next_update: date_time_ymd(3000, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: vec![revoked],
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.issuer).unwrap().der().clone()
    }
}

pub(crate) fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    rustls::crypto::ring::default_provider().into()
}

pub(crate) fn server_name() -> ServerName<'static> {
    SERVER.try_into().unwrap()
}

/// Both versions.
pub(crate) const ALL: &[&SupportedProtocolVersion] = rustls::ALL_VERSIONS;
pub(crate) const TLS12: &[&SupportedProtocolVersion] = &[&rustls::version::TLS12];
pub(crate) const TLS13: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13];

/// Returns the configuration of a server. With `trusted`, it requires a certificate of the client.
pub(crate) fn server(
    identity: Identity,
    trusted: Option<&Authority>,
    versions: &[&'static SupportedProtocolVersion],
) -> ServerConfig {
    let builder = ServerConfig::builder_with_provider(provider()).with_protocol_versions(versions).unwrap();
    let builder = match trusted {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(authority.roots(), provider());
            builder.with_client_cert_verifier(verifier.with_crls([authority.revoked()]).build().unwrap())
        }
    };
    builder.with_single_cert(identity.chain, identity.key).unwrap()
}

/// Returns the configuration of a client, which has a certificate if `identity` is one.
pub(crate) fn client(
    trusted: &Authority,
    identity: Option<Identity>,
    versions: &[&'static SupportedProtocolVersion],
) -> ClientConfig {
    let verifier = WebPkiServerVerifier::builder_with_provider(trusted.roots(), provider());
    let verifier = verifier.with_crls([trusted.revoked()]).build().unwrap();
    let builder = ClientConfig::builder_with_provider(provider()).with_protocol_versions(versions).unwrap();
    let builder = builder.with_webpki_verifier(verifier);
    match identity {
        None => builder.with_no_client_auth(),
        Some(identity) => builder.with_client_auth_cert(identity.chain, identity.key).unwrap(),
    }
}

/// Returns the configurations of both sides, with these versions.
pub(crate) fn pair_of(versions: &[&'static SupportedProtocolVersion]) -> (ClientConfig, ServerConfig) {
    let authority = Authority::new("root");
    let server = server(authority.issue(Use::Server, Flaw::None), None, versions);
    (client(&authority, None, versions), server)
}
