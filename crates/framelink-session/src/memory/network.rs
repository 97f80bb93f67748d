//! Networks of clients.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use framelink_codec::notation::{NotationError, Token};

/// The addresses of a network in CIDR notation, `10.0.0.0/8` or `2001:db8::/32`, or one address.
///
/// An IPv4 address that is mapped into IPv6 counts as an IPv4 address.
///
/// ```
/// use framelink_session::memory::Network;
///
/// let network: Network = "2001:db8::/32".parse()?;
/// assert!(network.contains("2001:db8::7".parse()?));
/// assert_eq!("192.0.2.7".parse::<Network>()?.to_string(), "192.0.2.7/32");
/// assert!("10.0.0.1/8".parse::<Network>().unwrap_err().to_string().contains("10.0.0.0/8"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

const EXPECTED: &str = "an IP address, or a network such as `10.0.0.0/8`";

impl Network {
    /// Returns whether the network contains the address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.address.is_ipv4() && masked(address, self.prefix) == self.address
    }

    /// Returns the network of one client: an IPv4 address, or the /64 that a provider assigns to an IPv6 client.
    #[must_use]
    pub fn of_client(address: IpAddr) -> Self {
        let address = address.to_canonical();
        let prefix = if address.is_ipv4() { 32 } else { 64 };
        Self { address: masked(address, prefix), prefix }
    }

    /// A network of mapped addresses becomes an IPv4 network.
    fn canonical(address: IpAddr, prefix: u8) -> Self {
        match (address.to_canonical(), prefix.checked_sub(96)) {
            (mapped @ IpAddr::V4(_), Some(prefix)) if address.is_ipv6() => Self { address: mapped, prefix },
            _ => Self { address, prefix },
        }
    }
}

impl FromStr for Network {
    type Err = NotationError;

    fn from_str(text: &str) -> Result<Self, NotationError> {
        let whole = Token { text, column: 1 };
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let given: IpAddr = address.parse().map_err(|_| whole.mismatch(EXPECTED))?;
        let bits = if given.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => bits,
            Some(text) => {
                let column = address.chars().count() + 2;
                Token { text, column }.number(0..=bits, "bits")?
            }
        };
        // `prefix` is at most 128.
        let prefix = u8::try_from(prefix).unwrap_or(u8::MAX);
        let start = masked(given, prefix);
        if start != given {
            let expected = format!("the first address of the network, `{start}/{prefix}`, or one address");
            return Err(whole.mismatch(&expected));
        }
        Ok(Self::canonical(given, prefix))
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// Clears all bits after the prefix.
fn masked(address: IpAddr, prefix: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
            IpAddr::V4((v4.to_bits() & mask).into())
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & mask))
        }
    }
}
