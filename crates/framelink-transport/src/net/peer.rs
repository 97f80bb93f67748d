//! The peer to dial.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::sync::Arc;

/// The peer that a connector dials: addresses, or a name that is looked up within the time to connect.
///
/// See [`ToPeer`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Peer {
    /// These addresses, in this order.
    Addresses(Vec<SocketAddr>),
    /// `HOST:PORT`, where the host is a name or an address.
    Name(Arc<str>),
}

/// A value that the blocking and the non-blocking connector can dial. [`Peer`] implements it, and so does every
/// standard type that is [`std::net::ToSocketAddrs`]. Unlike that trait, this one looks no name up: the connector does,
/// within the time to connect. A type of your own can implement it, or be dialled as [`Peer::Addresses`].
///
/// ```
/// use framelink_transport::{Peer, ToPeer};
///
/// assert_eq!("switch.example:7000".to_peer(), ("switch.example", 7000).to_peer());
/// assert_eq!(("10.1.2.3", 7000).to_peer(), Peer::Addresses(vec![([10, 1, 2, 3], 7000).into()]));
/// ```
pub trait ToPeer {
    /// Returns the peer to dial.
    fn to_peer(&self) -> Peer;
}

impl ToPeer for Peer {
    fn to_peer(&self) -> Peer {
        self.clone()
    }
}

impl ToPeer for str {
    fn to_peer(&self) -> Peer {
        Peer::Name(self.into())
    }
}

impl ToPeer for String {
    fn to_peer(&self) -> Peer {
        self.as_str().to_peer()
    }
}

impl ToPeer for (&str, u16) {
    fn to_peer(&self) -> Peer {
        let (host, port) = *self;
        match host.parse::<IpAddr>() {
            Ok(ip) => (ip, port).to_peer(),
            // The port follows the last colon, so the host may contain colons.
            Err(_) => Peer::Name(format!("{host}:{port}").into()),
        }
    }
}

impl ToPeer for (String, u16) {
    fn to_peer(&self) -> Peer {
        (self.0.as_str(), self.1).to_peer()
    }
}

impl ToPeer for [SocketAddr] {
    fn to_peer(&self) -> Peer {
        Peer::Addresses(self.to_vec())
    }
}

impl<T: ToPeer + ?Sized> ToPeer for &T {
    fn to_peer(&self) -> Peer {
        (**self).to_peer()
    }
}

/// Types that are one address.
macro_rules! one_address {
    ($($kind:ty),*) => {
        $(impl ToPeer for $kind {
            fn to_peer(&self) -> Peer {
                Peer::Addresses(vec![(*self).into()])
            }
        })*
    };
}

one_address!(SocketAddr, SocketAddrV4, SocketAddrV6, (IpAddr, u16), (Ipv4Addr, u16), (Ipv6Addr, u16));
