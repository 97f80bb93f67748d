//! What stands in for `tls` without the feature.

use std::net::{SocketAddr, TcpStream};

pub(crate) const fn before_server(server: SocketAddr) -> SocketAddr {
    server
}

pub(crate) const fn before_peer(peer: SocketAddr) -> SocketAddr {
    peer
}

pub(crate) const fn before_socket(plain: TcpStream) -> TcpStream {
    plain
}
