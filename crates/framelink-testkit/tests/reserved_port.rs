//! A reserved port: no other socket gets it, and listeners bind it again and again.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};

use framelink_testkit::ReservedPort;
use socket2::{Domain, Socket, Type};

#[test]
fn no_socket_that_shares_no_address_gets_the_port() {
    let port = ReservedPort::new().unwrap();
    let dialled = |address: SocketAddr| -> io::Result<()> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&port.address().into())?;
        socket.connect(&address.into())
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    assert_eq!(dialled(listener.local_addr().unwrap()).unwrap_err().kind(), io::ErrorKind::AddrInUse);
    assert_eq!(TcpStream::connect(port.address()).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
}

#[test]
fn a_server_starts_again_on_it_while_its_connections_linger() {
    let port = ReservedPort::new().unwrap();
    for _ in 0..3 {
        let listener = TcpListener::bind(port.address()).unwrap();
        let client = TcpStream::connect(port.address()).unwrap();
        drop(listener.accept().unwrap());
        drop(client);
    }
}
