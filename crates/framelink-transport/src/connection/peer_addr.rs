//! The address of a peer, in half the memory.

use std::fmt;
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};
use std::sync::Arc;

/// The address of the peer of a connection, if there is one. Both halves of each connection have it, so it takes 16 bytes
/// instead of the 32 of an `Option<SocketAddr>`.
#[derive(Clone)]
pub(crate) enum PeerAddr {
    None,
    V4(SocketAddrV4),
    V6(Arc<SocketAddrV6>),
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
