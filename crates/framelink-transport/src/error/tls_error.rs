//! Why TLS failed.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use framelink_codec::Foreign;
use framelink_codec::notation::TimeText;
use rustls::{AlertDescription, CertificateError, InvalidMessage, PeerIncompatible};

use super::Blame;

/// Why a handshake failed, or TLS ended a connection.
///
/// The text names what is wrong. It says "the peer refused" if the peer has said so with an alert.
///
/// ```
/// use framelink_transport::tls::{TlsError, rustls::AlertDescription};
///
/// let error = TlsError::PeerRefused(AlertDescription::CertificateExpired);
/// assert_eq!(
///     error.to_string(),
///     "the peer refused the connection: the certificate of this side has expired (TLS alert certificate_expired)"
/// );
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum TlsError {
    /// The peer sent something else than TLS. These are its first bytes, 16 at most.
    NotTls(Vec<u8>),
    /// The peer closed the connection during the handshake.
    Closed,
    /// The handshake was not over in time.
    TimedOut {
        /// The time limit.
        after: Duration,
    },
    /// A message was to be sent or received on a half of the connection before the handshake was over.
    Unfinished,
    /// The peer closed the connection without `close_notify`, and the close ends a message.
    CutOff,
    /// The certificate of the peer has expired.
    Expired,
    /// The certificate of the peer is not valid yet.
    NotYetValid,
    /// No root that this side trusts has issued the certificate of the peer. It may be self-signed.
    UnknownIssuer,
    /// The certificate of the peer is for other names.
    WrongName {
        /// The name that this side asked for.
        expected: String,
        /// The names in the certificate.
        found: Vec<String>,
    },
    /// The certificate of the peer is for another use, such as one of a client that is used by a server.
    WrongUsage,
    /// The certificate of the peer was revoked.
    Revoked,
    /// The revocation lists do not say whether the certificate was revoked, or they have expired.
    UnknownRevocation,
    /// The certificate of the peer is not acceptable for another reason.
    BadCertificate(String),
    /// The certificate of the peer is valid, and not one of those that the profile allows.
    NotAllowed,
    /// The client has no certificate, and this side requires one.
    NoCertificate,
    /// The peer supports no version that this side accepts.
    NoCommonVersion,
    /// The peer supports no cipher suite, key exchange or signature that this side accepts.
    NoCommonSuite,
    /// The peer supports no application protocol that this side accepts (ALPN).
    NoCommonProtocol,
    /// The peer refused the connection, or ended it, with this alert.
    PeerRefused(AlertDescription),
    /// The peer broke the rules of TLS, or the bytes were changed on their way.
    Protocol(String),
    /// The configuration cannot be used.
    Configuration(String),
}

impl TlsError {
    pub(crate) fn of(error: rustls::Error) -> Self {
        use rustls::Error as Rustls;
        match error {
            Rustls::InvalidCertificate(error) => Self::of_certificate(error),
            Rustls::NoCertificatesPresented => Self::NoCertificate,
            Rustls::AlertReceived(alert) => Self::PeerRefused(alert),
            Rustls::NoApplicationProtocol => Self::NoCommonProtocol,
            Rustls::PeerIncompatible(
                PeerIncompatible::ServerDoesNotSupportTls12Or13
                | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
                | PeerIncompatible::SupportedVersionsExtensionRequired
                | PeerIncompatible::Tls12NotOffered
                | PeerIncompatible::Tls12NotOfferedOrEnabled,
            )
            | Rustls::InvalidMessage(InvalidMessage::UnknownProtocolVersion) => Self::NoCommonVersion,
            Rustls::PeerIncompatible(
                PeerIncompatible::NoCipherSuitesInCommon
                | PeerIncompatible::NoKxGroupsInCommon
                | PeerIncompatible::NoSignatureSchemesInCommon
                | PeerIncompatible::NoCertificateRequestSignatureSchemesInCommon
                | PeerIncompatible::NoEcPointFormatsInCommon,
            ) => Self::NoCommonSuite,
            Rustls::BadMaxFragmentSize
            | Rustls::FailedToGetCurrentTime
            | Rustls::FailedToGetRandomBytes
            | Rustls::InconsistentKeys(_)
            | Rustls::InvalidCertRevocationList(_)
            | Rustls::UnsupportedNameType
            | Rustls::General(_) => Self::Configuration(error.to_string()),
            error => Self::Protocol(error.to_string()),
        }
    }

    fn of_certificate(error: CertificateError) -> Self {
        use CertificateError as Certificate;
        match error {
            Certificate::Expired | Certificate::ExpiredContext { .. } => Self::Expired,
            Certificate::NotValidYet | Certificate::NotValidYetContext { .. } => Self::NotYetValid,
            Certificate::UnknownIssuer => Self::UnknownIssuer,
            Certificate::NotValidForNameContext { expected, presented } => {
                Self::WrongName { expected: expected.to_str().into_owned(), found: presented }
            }
            Certificate::NotValidForName => Self::WrongName { expected: String::new(), found: Vec::new() },
            Certificate::InvalidPurpose | Certificate::InvalidPurposeContext { .. } => Self::WrongUsage,
            Certificate::Revoked => Self::Revoked,
            Certificate::ApplicationVerificationFailure => Self::NotAllowed,
            Certificate::UnknownRevocationStatus
            | Certificate::ExpiredRevocationList
            | Certificate::ExpiredRevocationListContext { .. } => Self::UnknownRevocation,
            error => Self::BadCertificate(error.to_string()),
        }
    }

    /// Returns whose fault it is.
    pub(super) const fn blame(&self) -> Blame {
        match self {
            Self::Unfinished | Self::Configuration(_) => Blame::Ours,
            Self::TimedOut { .. } | Self::CutOff => Blame::Network,
            _ => Blame::Peer,
        }
    }

    pub(crate) fn not_tls(came: &[u8]) -> Self {
        Self::NotTls(came.get(..16).unwrap_or(came).to_vec())
    }

    /// Returns the error that TLS has passed through a stream.
    pub(crate) fn in_io(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

impl From<TlsError> for io::Error {
    fn from(error: TlsError) -> Self {
        let kind = match error {
            TlsError::CutOff | TlsError::Closed => io::ErrorKind::UnexpectedEof,
            TlsError::Unfinished | TlsError::Configuration(_) => io::ErrorKind::InvalidInput,
            TlsError::TimedOut { .. } => io::ErrorKind::TimedOut,
            _ => io::ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotTls(came) => write_not_tls(f, came),
            Self::Closed => f.write_str("the peer closed the connection during the TLS handshake (does it expect TLS?)"),
            Self::TimedOut { after } => write!(f, "the TLS handshake was not over within {}", TimeText(*after)),
            Self::Unfinished => f.write_str("the TLS handshake is not over; finish it before the connection is split"),
            Self::CutOff => f.write_str(
                "the peer closed the connection without the close_notify of TLS, so that the message may have been cut off",
            ),
            Self::Expired => f.write_str("the certificate of the peer has expired"),
            Self::NotYetValid => f.write_str("the certificate of the peer is not valid yet"),
            Self::UnknownIssuer => f.write_str(
                "the certificate of the peer was not issued by a root that this side trusts (it may be self-signed, or an \
                 intermediate certificate is missing)",
            ),
            Self::WrongName { expected, found } => {
                write!(f, "the certificate of the peer is not for the name {expected}")?;
                if found.is_empty() { Ok(()) } else { write!(f, "; it is for {}", found.join(", ")) }
            }
            Self::WrongUsage => f.write_str(
                "the certificate of the peer is for another use (servers need serverAuth, clients need clientAuth)",
            ),
            Self::Revoked => f.write_str("the certificate of the peer was revoked"),
            Self::UnknownRevocation => f.write_str(
                "the revocation lists do not say whether the certificate of the peer was revoked, or they have expired",
            ),
            Self::BadCertificate(why) => write!(f, "the certificate of the peer is not acceptable: {why}"),
            Self::NotAllowed => f.write_str(
                "the certificate of the peer is not one of those that are allowed (tls.allow-names, tls.allow-sha256)",
            ),
            Self::NoCertificate => f.write_str("the peer sent no certificate, which is required here"),
            Self::NoCommonVersion => f.write_str("the peer supports no version of TLS that is allowed here"),
            Self::NoCommonSuite => f.write_str(
                "the peer supports no cipher suite, key exchange or signature algorithm that is allowed here",
            ),
            Self::NoCommonProtocol => f.write_str("the peer supports no application protocol that is allowed here (ALPN)"),
            Self::PeerRefused(alert) => write_refused(f, *alert),
            Self::Protocol(why) => write!(f, "TLS failed: {why}"),
            Self::Configuration(why) => write!(f, "TLS cannot be used as it is configured: {why}"),
        }
    }
}

fn write_not_tls(f: &mut fmt::Formatter<'_>, came: &[u8]) -> fmt::Result {
    f.write_str("the peer does not speak TLS: it sent")?;
    for byte in came {
        write!(f, " {byte:02x}")?;
    }
    match Foreign::recognise(came) {
        Some(foreign) => write!(f, ", which begins like {foreign}"),
        None if came.starts_with(b"PROXY ") || came.starts_with(b"\r\n\r\n\0\r\nQUIT") => f.write_str(
            ", a PROXY protocol header, which is not accepted from this address (proxy-protocol.accept-from)",
        ),
        None => f.write_str(" (does it expect a connection without TLS?)"),
    }
}

/// Says what an alert means to the side that receives it.
fn write_refused(f: &mut fmt::Formatter<'_>, alert: AlertDescription) -> fmt::Result {
    use AlertDescription as Alert;
    let (name, why) = match alert {
        Alert::CertificateExpired => ("certificate_expired", "the certificate of this side has expired"),
        Alert::CertificateRevoked => ("certificate_revoked", "the certificate of this side was revoked"),
        Alert::CertificateRequired => ("certificate_required", "it requires a certificate of this side"),
        Alert::UnknownCA => ("unknown_ca", "it does not trust the issuer of this side's certificate"),
        Alert::BadCertificate => ("bad_certificate", "the certificate of this side is not acceptable to it"),
        Alert::UnsupportedCertificate => (
            "unsupported_certificate",
            "the certificate of this side is of a kind or for a use that it does not accept",
        ),
        Alert::CertificateUnknown => ("certificate_unknown", "the certificate of this side is not acceptable to it"),
        Alert::AccessDenied => ("access_denied", "the certificate of this side is not allowed"),
        Alert::ProtocolVersion => ("protocol_version", "it accepts no version of TLS that this side offers"),
        Alert::HandshakeFailure => (
            "handshake_failure",
            "both sides have no cipher suite in common, or it requires a certificate of this side",
        ),
        Alert::InsufficientSecurity => ("insufficient_security", "it requires stronger cipher suites"),
        Alert::NoApplicationProtocol => {
            ("no_application_protocol", "it accepts no application protocol that this side offers (ALPN)")
        }
        Alert::UnrecognisedName => ("unrecognized_name", "it does not know the name that this side asked for"),
        Alert::DecryptError => ("decrypt_error", "it could not verify a signature or a key"),
        Alert::BadRecordMac => ("bad_record_mac", "it received bytes that were changed on their way"),
        Alert::InternalError => ("internal_error", "it has an error of its own"),
        Alert::UserCanceled => ("user_canceled", "it was told to end"),
        other => return write!(f, "the peer refused the connection (TLS alert {other:?})"),
    };
    write!(f, "the peer refused the connection: {why} (TLS alert {name})")
}

impl Error for TlsError {}
