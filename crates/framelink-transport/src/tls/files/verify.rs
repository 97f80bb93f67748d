//! Checks a certificate as rustls does, and then by the access rules of a profile.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

use crate::profile::Tls;
use crate::tls::PeerCertificate;

/// How a client checks the certificate of a server.
#[derive(Debug)]
pub(super) struct ServerCheck {
    /// `None`: any certificate is taken.
    verifier: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
    rules: Rules,
}

/// How a server checks the certificate of a client.
#[derive(Debug)]
pub(super) struct ClientCheck {
    verifier: Arc<dyn ClientCertVerifier>,
    rules: Rules,
}

/// The access rules of a profile.
#[derive(Debug)]
struct Rules(Option<Tls>);

impl Rules {
    fn of(tls: &Tls) -> Self {
        Self(tls.has_rules().then(|| tls.clone()))
    }

    fn check(&self, certificate: &CertificateDer<'_>) -> Result<(), Error> {
        let Some(tls) = &self.0 else { return Ok(()) };
        let certificate = PeerCertificate::of(certificate);
        match tls.allows(certificate.names(), certificate.sha256()) {
            true => Ok(()),
            // The peer is told that access is denied.
            false => Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure)),
        }
    }
}

impl ServerCheck {
    pub(super) fn new(verifier: Arc<WebPkiServerVerifier>, provider: &Arc<CryptoProvider>, tls: &Tls) -> Self {
        Self { verifier: Some(verifier), provider: Arc::clone(provider), rules: Rules::of(tls) }
    }

    pub(super) fn of_any(provider: &Arc<CryptoProvider>, tls: &Tls) -> Self {
        Self { verifier: None, provider: Arc::clone(provider), rules: Rules::of(tls) }
    }
}

impl ClientCheck {
    pub(super) fn new(verifier: Arc<dyn ClientCertVerifier>, tls: &Tls) -> Self {
        Self { verifier, rules: Rules::of(tls) }
    }
}

/// The server must prove in any case that the key of its certificate is its own.
impl ServerCertVerifier for ServerCheck {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if let Some(verifier) = &self.verifier {
            verifier.verify_server_cert(certificate, intermediates, name, ocsp, now)?;
        }
        self.rules.check(certificate).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

impl ClientCertVerifier for ClientCheck {
    fn offer_client_auth(&self) -> bool {
        self.verifier.offer_client_auth()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.verifier.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.verifier.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.verifier.verify_client_cert(certificate, intermediates, now)?;
        self.rules.check(certificate).map(|()| verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}
