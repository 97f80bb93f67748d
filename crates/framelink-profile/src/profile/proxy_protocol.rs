//! The PROXY protocol, as data.

use std::net::IpAddr;
use std::time::Duration;

use super::{Network, Profile};

/// How connections use the PROXY protocol of HAProxy, in which a proxy sends the address of its client first.
///
/// ```
/// use framelink_profile::{Framing, Profile, ProxyProtocol};
///
/// let mut proxy = ProxyProtocol::new();
/// proxy.accept_from = vec!["10.0.0.0/8".parse()?];
/// let profile = Profile::builder("ascii:4".parse::<Framing>()?).proxy_protocol(proxy).build()?;
/// let proxy = profile.proxy_protocol().expect("it was given");
/// assert!(proxy.expects_header("10.1.2.3".parse()?) && !proxy.expects_header("192.0.2.1".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ProxyProtocol {
    /// For servers: the networks of the proxies. Each connection from them must begin with a header, and no other
    /// connection may.
    pub accept_from: Vec<Network>,
    /// For clients and bridges: the version of the header that each connection begins with. `None`: no header.
    pub send: Option<ProxyVersion>,
    /// For servers: limits the time until the header is complete. Defaults to 5 s.
    pub timeout: Duration,
    /// For servers: the largest header in bytes, 107 to 65551. Defaults to 4 KiB.
    pub max_header: usize,
}

/// A version of the PROXY protocol. The enum is exhaustive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProxyVersion {
    /// A line of text.
    V1,
    /// Bytes, which can also say how the client used TLS.
    V2,
}

impl ProxyProtocol {
    /// The default time for the header: 5 s.
    pub const TIMEOUT: Duration = Duration::from_secs(5);
    /// The default size of the largest header: 4 KiB, enough for two certificates.
    pub const MAX_HEADER: usize = 4096;
    /// The bounds of the largest header: the longest of version 1, and the longest of version 2.
    pub const BOUNDS: (usize, usize) = (107, 16 + 65535);

    /// No header in either direction.
    #[must_use]
    pub const fn new() -> Self {
        Self { accept_from: Vec::new(), send: None, timeout: Self::TIMEOUT, max_header: Self::MAX_HEADER }
    }

    /// Returns whether a connection from this address must begin with a header.
    #[must_use]
    pub fn expects_header(&self, from: IpAddr) -> bool {
        self.accept_from.iter().any(|network| network.contains(from))
    }
}

impl Default for ProxyProtocol {
    fn default() -> Self {
        Self::new()
    }
}

impl ProxyVersion {
    /// Returns the name in a profile.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
        }
    }
}

impl Profile {
    /// Returns how the PROXY protocol is used. `None`: not at all.
    #[must_use]
    pub fn proxy_protocol(&self) -> Option<&ProxyProtocol> {
        self.proxy_protocol.as_deref()
    }
}
