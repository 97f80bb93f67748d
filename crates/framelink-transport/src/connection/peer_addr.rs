//! The address of a peer, in half the memory.

use std::fmt;
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};
use std::sync::Arc;

use crate::proxy_protocol::{ProxiedPeer, ProxyInfo};

/// The address of the peer of a connection, if there is one. Both halves of each connection have it, so it takes 16 bytes
/// instead of the 32 of an `Option<SocketAddr>`.
#[derive(Clone)]
pub(crate) enum PeerAddr {
    None,
    V4(SocketAddrV4),
    V6(Arc<SocketAddrV6>),
    /// A proxy, and its client once that is known.
    Proxied(Arc<ProxiedPeer>),
}

impl From<Option<SocketAddr>> for PeerAddr {
    fn from(address: Option<SocketAddr>) -> Self {
        Self::new(address)
    }
}

impl PeerAddr {
    pub(crate) fn new(address: Option<SocketAddr>) -> Self {
        match address {
            None => Self::None,
            Some(SocketAddr::V4(address)) => Self::V4(address),
            Some(SocketAddr::V6(address)) => Self::V6(Arc::new(address)),
        }
    }

    pub(crate) fn get(&self) -> Option<SocketAddr> {
        match self {
            Self::None => None,
            Self::V4(address) => Some(SocketAddr::V4(*address)),
            Self::V6(address) => Some(SocketAddr::V6(**address)),
            Self::Proxied(peer) => Some(peer.address()),
        }
    }

    /// Returns the address of a peer, which is a proxy if `proxy` is there.
    pub(crate) fn of_accepted(address: SocketAddr, proxy: Option<&Arc<ProxiedPeer>>) -> Self {
        proxy.map_or_else(|| Self::new(Some(address)), |proxy| Self::Proxied(Arc::clone(proxy)))
    }

    /// Returns what a proxy says about its client.
    pub(crate) fn proxied(&self) -> Option<&ProxyInfo> {
        match self {
            Self::Proxied(peer) => peer.info(),
            _ => None,
        }
    }
}

impl fmt::Debug for PeerAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_returned_as_it_was() {
        for address in ["10.1.2.3:7000", "[fe80::1%7]:7000"] {
            let address = address.parse().ok();
            assert_eq!(PeerAddr::new(address).get(), address);
            assert!(address.is_some());
        }
        assert_eq!(PeerAddr::new(None).get(), None);
        assert!(size_of::<PeerAddr>() <= 16);
    }
}
