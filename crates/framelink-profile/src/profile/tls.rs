//! TLS, as data: names of files, and what is checked. The transport reads the files.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use framelink_codec::notation::{NotationError, Token};

use super::Profile;

/// TLS on each connection of a profile.
///
/// ```
/// use framelink_profile::{ClientCertificates, Framing, Profile, Roots, Side, Tls};
///
/// let mut tls = Tls::new();
/// tls.certificate = Some("server.pem".into());
/// tls.key = Some("server.key".into());
/// tls.roots = Roots::File("clients.pem".into());
/// tls.client_certificates = ClientCertificates::Required;
/// let profile = Profile::builder("ascii:4".parse::<Framing>()?).tls(tls).build()?;
/// assert!(profile.check_for(Side::Server).is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Tls {
    /// The file of our certificate and of those that lead to its root, in PEM. A server needs it.
    pub certificate: Option<PathBuf>,
    /// The file of the key of our certificate, in PEM, not encrypted.
    pub key: Option<PathBuf>,
    /// Which authorities may have issued the certificate of the peer. Defaults to those of the system.
    pub roots: Roots,
    /// The file of revocation lists, in PEM. A peer with a certificate that is listed there is refused.
    pub revocation_lists: Option<PathBuf>,
    /// For clients: the name that the certificate of the server must have. `None`: the host of the address.
    pub server_name: Option<String>,
    /// For servers: whether clients have certificates. Defaults to no.
    pub client_certificates: ClientCertificates,
    /// The oldest version. Defaults to 1.2.
    pub minimum_version: TlsVersion,
    /// The application protocols (ALPN), the preferred one first, up to 16 of 1 to 255 bytes. Defaults to none.
    pub alpn: Vec<String>,
    /// For clients: takes any certificate of the server, expired or of another name too. A program between the two can
    /// then read and change all messages, unless `allow_sha256` names the certificate.
    pub dangerously_accept_any_certificate: bool,
    /// Limits the handshake. Defaults to 10 s.
    pub handshake_timeout: Duration,
    /// If not empty, only certificates with one of these names are accepted, or those of `allow_sha256`.
    pub allow_names: Vec<String>,
    /// If not empty, only certificates with one of these fingerprints are accepted, or those of `allow_names`.
    pub allow_sha256: Vec<Fingerprint>,
}

/// Which authorities may have issued the certificate of a peer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Roots {
    /// Those that the operating system trusts.
    #[default]
    System,
    /// Those of a file in PEM, and no others.
    File(PathBuf),
}

/// Whether the clients of a server have certificates. The enum is exhaustive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ClientCertificates {
    /// The server does not ask for one.
    #[default]
    None,
    /// A client may have one. Then it must be valid.
    Optional,
    /// A client without a valid certificate is refused.
    Required,
}

/// A version of TLS. The enum is exhaustive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TlsVersion {
    /// TLS 1.2.
    #[default]
    V1_2,
    /// TLS 1.3.
    V1_3,
}

/// The SHA-256 fingerprint of a certificate: the hash of the whole certificate in DER.
///
/// ```
/// use framelink_profile::Fingerprint;
///
/// // As `openssl x509 -fingerprint -sha256` prints it, or without colons.
/// let text = "AB:".repeat(31) + "CD";
/// assert_eq!(text.parse::<Fingerprint>()?.to_string(), "ab".repeat(31) + "cd");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub [u8; 32]);

impl Tls {
    /// The default time for a handshake: 10 s.
    pub const HANDSHAKE: Duration = Duration::from_secs(10);
    /// The most application protocols: 16.
    pub const MOST_ALPN: usize = 16;
    /// The most names, and the most fingerprints, that are allowed: 10 000.
    pub const MOST_ALLOWED: usize = 10_000;

    /// TLS with all defaults: for a client, as a browser does it.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            certificate: None,
            key: None,
            roots: Roots::System,
            revocation_lists: None,
            server_name: None,
            client_certificates: ClientCertificates::None,
            minimum_version: TlsVersion::V1_2,
            alpn: Vec::new(),
            dangerously_accept_any_certificate: false,
            handshake_timeout: Self::HANDSHAKE,
            allow_names: Vec::new(),
            allow_sha256: Vec::new(),
        }
    }

    /// Returns whether the access rules allow a certificate with these names and this fingerprint. Without rules, each
    /// certificate is allowed. Letters of names may be large or small.
    #[must_use]
    pub fn allows<'n>(&self, names: impl IntoIterator<Item = &'n str>, sha256: &[u8; 32]) -> bool {
        let is_named = |name: &str| self.allow_names.iter().any(|allowed| allowed.eq_ignore_ascii_case(name));
        !self.has_rules() || self.allow_sha256.contains(&Fingerprint(*sha256)) || names.into_iter().any(is_named)
    }

    /// Returns whether only certain certificates are allowed.
    #[must_use]
    pub const fn has_rules(&self) -> bool {
        !self.allow_names.is_empty() || !self.allow_sha256.is_empty()
    }
}

impl Default for Tls {
    fn default() -> Self {
        Self::new()
    }
}

impl ClientCertificates {
    /// Returns the name in a profile.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Optional => "optional",
            Self::Required => "required",
        }
    }
}

impl TlsVersion {
    /// Returns the name in a profile.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::V1_2 => "1.2",
            Self::V1_3 => "1.3",
        }
    }
}

impl FromStr for Fingerprint {
    type Err = NotationError;

    fn from_str(text: &str) -> Result<Self, NotationError> {
        let token = Token { text, column: 1 };
        let expected = "a SHA-256 fingerprint, which is 64 hex digits, or 32 pairs of them with colons";
        let is_of_pairs = text.len() == 32 * 3 - 1 && text.split(':').all(|pair| pair.len() == 2);
        let digits = if is_of_pairs { text.replace(':', "") } else { text.to_owned() };
        let bytes = Token { text: &digits, column: 1 }.hex(32).map_err(|_| token.mismatch(expected))?;
        bytes.try_into().map(Self).map_err(|_| token.mismatch(expected))
    }
}

/// 64 hex digits in lower case.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Profile {
    /// Returns how TLS is used. `None`: connections have no TLS.
    #[must_use]
    pub fn tls(&self) -> Option<&Tls> {
        self.tls.as_deref()
    }

    /// Returns a warning if a client takes any certificate of the server, so that TLS does not show who the server is.
    /// An application that uses the profile shows the warning to its operator at the start.
    #[must_use]
    pub fn certificate_caution(&self) -> Option<&'static str> {
        let tls = self.tls()?;
        (tls.dangerously_accept_any_certificate && tls.allow_sha256.is_empty()).then_some(
            "a client takes any certificate of the server (tls.dangerously-accept-any-certificate): a program between the two can read \
             and change all messages; name the file of the server's authority or of its own certificate (tls.roots), or the \
             certificate (tls.allow-sha256)",
        )
    }
}
