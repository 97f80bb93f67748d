//! IPv6 addresses with a zone: the network interface on which a link-local address is meant.

use std::io;
use std::net::{Ipv6Addr, SocketAddr, SocketAddrV6};

/// Reads `[ADDRESS%ZONE]:PORT`, where the zone is the name of a network interface; std reads only zones that are numbers. `None` where the
/// text is something else, an address without a zone or a name for example. The interface is looked up now: its number can be another one
/// after it went and came back.
///
/// Addresses that are given to an [`Upstream`](crate::tokio::Upstream), a client, a link or a pool can have such a zone, which is looked
/// up for each dial. This is for addresses that are given to a listener or a connector.
///
/// ```
/// use framelink_transport::zoned_address;
///
/// assert!(zoned_address("switch.example:7000").is_none());
/// # if cfg!(target_os = "linux") {
/// assert_eq!(zoned_address("[fe80::1%lo]:7000").unwrap()?.port(), 7000);
/// # }
/// let error = zoned_address("[fe80::1%eth77]:7000").unwrap().unwrap_err();
/// assert!(error.to_string().contains("no network interface `eth77`"), "{error}");
/// let error = zoned_address("[fe80::1]:7000").unwrap().unwrap_err();
/// assert!(error.to_string().contains("needs a zone"), "{error}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// When there is no such interface, and when a link-local address has no zone: the same address can be at each interface.
#[must_use]
pub fn zoned_address(text: &str) -> Option<io::Result<SocketAddr>> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return needs_zone(&address).then(|| {
            let text = format!("{} is a link-local address and {}", address.ip(), NeedsZone(address));
            Err(io::Error::new(io::ErrorKind::InvalidInput, text))
        });
    }
    let (host, port) = text.strip_prefix('[')?.rsplit_once("]:")?;
    let (address, zone) = host.split_once('%')?;
    let (address, port) = (address.parse::<Ipv6Addr>().ok()?, port.parse::<u16>().ok()?);
    Some(index_of(zone).map(|index| SocketAddrV6::new(address, port, 0, index).into()))
}

/// Whether the address means nothing without the interface.
pub(crate) const fn needs_zone(address: &SocketAddr) -> bool {
    matches!(address, SocketAddr::V6(address) if address.ip().is_unicast_link_local() && address.scope_id() == 0)
}

/// What is said of such an address.
pub(crate) struct NeedsZone(pub(crate) SocketAddr);

impl std::fmt::Display for NeedsZone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (ip, port, present) = (self.0.ip(), self.0.port(), present());
        write!(f, "needs a zone, the network interface behind a percent sign, such as [{ip}%eth0]:{port}{present}")
    }
}

#[cfg(unix)]
fn index_of(zone: &str) -> io::Result<u32> {
    if let Ok(index) = nix::net::if_::if_nametoindex(zone) {
        return Ok(index);
    }
    let text = format!("there is no network interface `{}`{}", zone.escape_debug(), present());
    Err(io::Error::new(io::ErrorKind::NotFound, text))
}

/// The interfaces of this machine, at most 32 of them.
#[cfg(unix)]
fn present() -> String {
    let interfaces = nix::net::if_::if_nameindex();
    let names =
        interfaces.iter().flat_map(|all| all.iter().take(32)).map(|one| one.name().to_string_lossy().into_owned());
    let names = names.collect::<Vec<_>>().join(", ");
    if names.is_empty() { names } else { format!("; this machine has {names}") }
}

#[cfg(not(unix))]
fn index_of(zone: &str) -> io::Result<u32> {
    let text = format!("the zone `{}` is to be a number on this system", zone.escape_debug());
    Err(io::Error::new(io::ErrorKind::Unsupported, text))
}

#[cfg(not(unix))]
const fn present() -> &'static str {
    ""
}
