//! IPv6 addresses with a zone. The zone names the network interface of a link-local address.

use std::io;
use std::net::{Ipv6Addr, SocketAddr, SocketAddrV6};

/// Reads `[ADDRESS%ZONE]:PORT`, where the zone is the name of a network interface. (`std` reads only numeric zones.)
/// Returns `None` for any other text, for example an address without a zone, or a name.
///
/// The interface is looked up now. Its number can change when the interface is removed and added again.
///
/// Use this for addresses of a listener or a connector. An [`Upstream`](crate::tokio::Upstream), a client, a link or a
/// pool accepts such addresses itself and looks the zone up for each dial.
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
/// Fails if the machine has no such interface, or if a link-local address has no zone and is therefore ambiguous.
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

/// Returns whether the address is meaningless without an interface.
pub(crate) const fn needs_zone(address: &SocketAddr) -> bool {
    matches!(address, SocketAddr::V6(address) if address.ip().is_unicast_link_local() && address.scope_id() == 0)
}

/// The explanation for such an address.
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

/// The names of the interfaces of this machine, at most 32.
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
