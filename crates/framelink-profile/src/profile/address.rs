//! Where a peer is, and where a server listens.

use std::fmt;
use std::net::{Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

use framelink_codec::notation::{NotationError, Token};

use super::{ExchangeKind, Profile, ProfileError};

/// Where a peer is, or where a server listens: `HOST:PORT`. Only the form is checked; a name is looked up when it is
/// dialled.
///
/// HOST is a name, an IPv4 address, or an IPv6 address in brackets. A link-local IPv6 address has its network interface
/// behind a percent sign: `[fe80::1%eth0]:7000`. PORT is 0 to 65535. The whole has up to 300 bytes.
///
/// ```
/// use framelink_profile::Address;
///
/// let address: Address = "switch.example:7000".parse()?;
/// assert_eq!((address.as_str(), address.port()), ("switch.example:7000", 7000));
///
/// let error = "switch.example:http".parse::<Address>().unwrap_err();
/// assert_eq!(error.to_string(), "column 16: expected a port from 0 to 65535 after the last colon, found `http`");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address(Arc<str>);

/// The addresses of a profile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Endpoints {
    pub(super) addresses: Vec<Address>,
    pub(super) listen: Option<Address>,
}

impl Address {
    /// The most addresses of a profile: 64.
    pub const MOST: usize = 64;
    /// The most bytes of an address: 300.
    pub const MOST_BYTES: usize = 300;

    /// Returns the text, as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.parts().1
    }

    fn parts(&self) -> (&str, u16) {
        // The form was checked when the address was parsed.
        let (host, port) = self.0.rsplit_once(':').unwrap_or((&self.0, ""));
        (host, port.parse().unwrap_or_default())
    }

    /// Returns whether both are one place: letters may be large or small, and numbers may be written in other ways.
    fn is_same(&self, other: &Self) -> bool {
        match (self.0.parse::<SocketAddr>(), other.0.parse::<SocketAddr>()) {
            (Ok(ours), Ok(theirs)) => ours == theirs,
            _ => {
                let ((our_host, our_port), (their_host, their_port)) = (self.parts(), other.parts());
                our_port == their_port && our_host.eq_ignore_ascii_case(their_host)
            }
        }
    }
}

impl FromStr for Address {
    type Err = NotationError;

    fn from_str(text: &str) -> Result<Self, NotationError> {
        let whole = Token { text, column: 1 };
        let Some((host, port)) = text.rsplit_once(':') else {
            return Err(whole.mismatch("HOST:PORT, the port is missing"));
        };
        if host.is_empty() {
            return Err(whole.mismatch("HOST:PORT, the host is missing"));
        }
        if text.contains(|c: char| c == ',' || c.is_whitespace() || c.is_control()) {
            return Err(whole.mismatch("HOST:PORT without blanks and commas"));
        }
        if text.len() > Self::MOST_BYTES {
            let (most, len) = (Self::MOST_BYTES, text.len());
            return Err(whole.error(format!("expected HOST:PORT of up to {most} bytes, found {len} bytes")));
        }
        if host.contains([':', '[', ']']) && !is_bracketed_ip(host) {
            return Err(whole.mismatch("HOST:PORT, with an IPv6 address in brackets"));
        }
        let is_number = port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
        if !is_number {
            let port = Token { text: port, column: host.chars().count() + 2 };
            return Err(port.mismatch("a port from 0 to 65535 after the last colon"));
        }
        if let Ok(SocketAddr::V6(address)) = text.parse()
            && address.ip().is_unicast_link_local()
            && address.scope_id() == 0
        {
            let expected = "an address with its zone, the network interface, such as `[fe80::1%eth0]:7000`";
            return Err(whole.mismatch(expected));
        }
        Ok(Self(text.into()))
    }
}

/// Returns whether the host is an IPv6 address in brackets, perhaps with a zone.
fn is_bracketed_ip(host: &str) -> bool {
    let Some(inside) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) else { return false };
    let (ip, zone) = inside.split_once('%').unwrap_or((inside, "-"));
    !zone.is_empty() && ip.parse::<Ipv6Addr>().is_ok()
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for Address {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// For the roles, which take the address of a peer as text.
impl From<&Address> for Arc<str> {
    fn from(address: &Address) -> Self {
        Self::clone(&address.0)
    }
}

impl Profile {
    /// Returns the addresses of the peer, for clients, in order: with [`Policy::PrimaryBackup`](super::Policy) the first
    /// is the primary. Empty if the profile has none.
    ///
    /// ```
    /// use framelink_profile::{Framing, Profile};
    ///
    /// let builder = Profile::builder("ascii:4".parse::<Framing>()?);
    /// let profile = builder.addresses(["a.example:7000".parse()?, "b.example:7000".parse()?]).build()?;
    /// assert_eq!(profile.addresses()[1].as_str(), "b.example:7000");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn addresses(&self) -> &[Address] {
        self.endpoints.as_deref().map_or(&[], |endpoints| &endpoints.addresses)
    }

    /// Returns where a server listens, if the profile says so.
    #[must_use]
    pub fn listen(&self) -> Option<&Address> {
        self.endpoints.as_deref()?.listen.as_ref()
    }

    /// Returns the addresses of the peer for a role that needs one.
    ///
    /// # Errors
    /// If the profile has no addresses.
    pub fn check_addresses(&self) -> Result<&[Address], ProfileError> {
        let addresses = self.addresses();
        if addresses.is_empty() { Err(ProfileError::Missing { key: "addresses" }) } else { Ok(addresses) }
    }

    /// Returns where a server listens, for a server that needs it.
    ///
    /// # Errors
    /// If the profile does not say where.
    pub fn check_listen(&self) -> Result<&Address, ProfileError> {
        self.listen().ok_or(ProfileError::Missing { key: "listen" })
    }
}

/// Checks the addresses of the peer against each other.
pub(super) fn check(profile: &Profile) -> Result<(), ProfileError> {
    let addresses = profile.addresses();
    check_count(addresses.len())?;
    for (at, address) in addresses.iter().enumerate() {
        if address.port() == 0 {
            let allowed = "a port from 1 to 65535, because a client connects to it";
            return Err(ProfileError::out_of_bounds(key(at), format!("`{address}`"), allowed));
        }
        if let Some(same) = addresses.iter().take(at).position(|before| before.is_same(address)) {
            let allowed = format!("each address once; {} is the same", key(same));
            return Err(ProfileError::out_of_bounds(key(at), format!("`{address}`"), allowed));
        }
    }
    match profile.exchange() {
        ExchangeKind::Simplex(_) if addresses.len() > 1 => {
            let reason = "a pair of connections has one address to send to";
            Err(ProfileError::combination("addresses", "exchange", reason))
        }
        _ => Ok(()),
    }
}

pub(super) fn check_count(count: usize) -> Result<(), ProfileError> {
    match count {
        0..=Address::MOST => Ok(()),
        _ => {
            let (found, allowed) = (format!("{count} addresses"), format!("up to {}", Address::MOST));
            Err(ProfileError::out_of_bounds("addresses", found, allowed))
        }
    }
}

/// Returns the key of the address with this index.
pub(super) fn key(at: usize) -> &'static str {
    KEYS.get(at).copied().unwrap_or("addresses")
}

macro_rules! keys {
    ($($number:literal)*) => { [$(concat!("addresses.", $number)),*] };
}

/// The keys of the addresses, from 1.
const KEYS: [&str; Address::MOST] = keys! {
    1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32
    33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63 64
};
