//! The certificate of a peer.

use std::fmt;

use x509_cert::Certificate;
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::{Decode as _, Tag, Tagged as _};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

/// The attribute commonName of X.520.
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

/// The certificate of a peer, which was verified as the configuration says.
///
/// See [the module](crate::tls) for an example.
#[derive(Clone, PartialEq, Eq)]
pub struct PeerCertificate {
    der: Vec<u8>,
    subject: String,
    common_name: Option<String>,
    dns_names: Vec<String>,
    sha256: [u8; 32],
}

impl PeerCertificate {
    /// Reads a certificate. What cannot be read is empty: the verifier decides whether a certificate is acceptable.
    #[must_use]
    pub fn of(der: &[u8]) -> Self {
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, der).as_ref());
        let read = Certificate::from_der(der).ok();
        let subject = read.as_ref().map(|read| read.tbs_certificate.subject.to_string()).unwrap_or_default();
        let common_name = read.as_ref().and_then(common_name);
        let dns_names = read.and_then(|read| dns_names(&read)).unwrap_or_default();
        Self { der: der.to_vec(), subject, common_name, dns_names, sha256 }
    }

    /// Returns the subject, written as RFC 4514 says: `CN=terminal 7,O=Example`.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Returns the common name (CN) of the subject, the last one if there are several.
    #[must_use]
    pub fn common_name(&self) -> Option<&str> {
        self.common_name.as_deref()
    }

    /// Returns the names by which access rules know the certificate: the DNS names and the common name.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.dns_names.iter().map(String::as_str).chain(self.common_name())
    }

    /// Returns the DNS names.
    #[must_use]
    pub fn dns_names(&self) -> &[String] {
        &self.dns_names
    }

    /// Returns the SHA-256 fingerprint, which is the hash of the whole certificate.
    #[must_use]
    pub const fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }

    /// Returns the certificate in DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }
}

/// Shows the names and the fingerprint.
impl fmt::Debug for PeerCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sha256: String = self.sha256.iter().map(|byte| format!("{byte:02x}")).collect();
        f.debug_struct("PeerCertificate")
            .field("subject", &self.subject)
            .field("dns_names", &self.dns_names)
            .field("sha256", &sha256)
            .finish_non_exhaustive()
    }
}

fn common_name(certificate: &Certificate) -> Option<String> {
    let mut parts = certificate.tbs_certificate.subject.0.iter().rev().flat_map(|names| names.0.iter());
    let name = parts.find(|part| part.oid == COMMON_NAME)?;
    // The text of the string types that authorities use. Others cannot be compared with a name.
    let is_text =
        matches!(name.value.tag(), Tag::Utf8String | Tag::PrintableString | Tag::TeletexString | Tag::Ia5String);
    String::from_utf8(name.value.value().to_vec()).ok().filter(|_| is_text)
}

fn dns_names(certificate: &Certificate) -> Option<Vec<String>> {
    let (_, names) = certificate.tbs_certificate.get::<SubjectAltName>().ok()??;
    let dns = |name: &GeneralName| match name {
        GeneralName::DnsName(name) => Some(name.to_string()),
        _ => None,
    };
    Some(names.0.iter().filter_map(dns).collect())
}
