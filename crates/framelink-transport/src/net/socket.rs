//! Sockets with their options set, for all drivers.

use std::io;
use std::net::SocketAddr;

use socket2::{Domain, Protocol, SockRef, Socket, Type};

use crate::profile::SocketOptions;

/// Opens a socket that is ready to dial this address.
pub(crate) fn dialling(options: &SocketOptions, address: SocketAddr) -> io::Result<Socket> {
    let socket = open(options, address)?;
    if let Some(source) = options.source {
        take_port_late(&socket, source)?;
        // A fixed source port may still linger from the connection before.
        #[cfg(not(windows))]
        socket.set_reuse_address(source.port() != 0)?;
        socket.bind(&source.into())?;
    }
    Ok(socket)
}

/// Opens a socket that listens on this address.
pub(crate) fn listening(options: &SocketOptions, address: SocketAddr) -> io::Result<Socket> {
    let socket = open(options, address)?;
    // On Windows this option would let another program take the address.
    #[cfg(not(windows))]
    socket.set_reuse_address(options.reuse_address)?;
    socket.bind(&address.into())?;
    socket.listen(i32::try_from(options.backlog).unwrap_or(i32::MAX))?;
    Ok(socket)
}

/// Sets the options that an accepted socket does not inherit from its listener.
pub(crate) fn accepted<'s>(options: &SocketOptions, socket: impl Into<SockRef<'s>>) {
    let socket = socket.into();
    // These calls fail only if the peer is gone, which the first read reports.
    let _ = socket.set_tcp_nodelay(options.nodelay);
    if options.linger.is_some() {
        let _ = socket.set_linger(options.linger);
    }
    if let Some(keepalive) = options.keepalive {
        let _ = keepalive.set_on(socket);
    }
}

/// Refuses a socket that is connected to itself. That happens to a socket that dials its own port while no program
/// listens there; it would answer its own requests.
pub(crate) fn not_to_itself<'s>(socket: impl Into<SockRef<'s>>) -> io::Result<()> {
    let socket = socket.into();
    match (socket.local_addr(), socket.peer_addr()) {
        (Ok(ours), Ok(theirs)) if ours.as_socket().is_some() && ours.as_socket() == theirs.as_socket() => {
            Err(io::Error::new(io::ErrorKind::ConnectionRefused, "no program listens there: connected to itself"))
        }
        _ => Ok(()),
    }
}

/// Returns whether a socket that has become writable is connected.
pub(crate) fn connected<'s>(socket: impl Into<SockRef<'s>>) -> io::Result<()> {
    let socket = socket.into();
    match socket.take_error()? {
        Some(error) => Err(error),
        None => not_to_itself(socket),
    }
}

#[cfg(unix)]
pub(crate) fn is_in_progress(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error())
}

#[cfg(not(unix))]
pub(crate) fn is_in_progress(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}

/// Makes the system reset a connection when its socket is closed.
pub(crate) fn reset_on_close<'s, S>(stream: &'s S)
where
    SockRef<'s>: From<&'s S>,
{
    let _ = SockRef::from(stream).set_linger(Some(std::time::Duration::ZERO));
}

fn open(options: &SocketOptions, address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_tcp_nodelay(options.nodelay)?;
    if let Some(interface) = &options.interface {
        bind_interface(&socket, interface)?;
    }
    // Set before connecting or listening, because the window that is then announced depends on it.
    if let Some(bytes) = options.receive_buffer {
        socket.set_recv_buffer_size(bytes)?;
    }
    if let Some(bytes) = options.send_buffer {
        socket.set_send_buffer_size(bytes)?;
    }
    if options.linger.is_some() {
        socket.set_linger(options.linger)?;
    }
    if let Some(keepalive) = options.keepalive {
        keepalive.set_on(&socket)?;
    }
    Ok(socket)
}

#[cfg(any(target_os = "linux", target_os = "android", target_os = "fuchsia"))]
fn bind_interface(socket: &Socket, interface: &str) -> io::Result<()> {
    socket.bind_device(Some(interface.as_bytes()))
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "fuchsia")))]
fn bind_interface(_: &Socket, interface: &str) -> io::Result<()> {
    let message = format!("choosing the interface {interface} is not possible on this system");
    Err(io::Error::new(io::ErrorKind::Unsupported, message))
}

/// Lets the system choose the port when connecting (`IP_BIND_ADDRESS_NO_PORT`). A port that is chosen when binding is
/// taken for all destinations; one that is chosen when connecting, only for this one.
#[cfg(target_os = "linux")]
fn take_port_late(socket: &Socket, source: SocketAddr) -> io::Result<()> {
    use nix::sys::socket::{setsockopt, sockopt::IpBindAddressNoPort};
    if source.port() == 0 {
        setsockopt(socket, IpBindAddressNoPort, &true)?;
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "has the signature of the Linux version")]
fn take_port_late(_: &Socket, _: SocketAddr) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_the_system_chooses_is_taken_when_connecting() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let options = SocketOptions::new().source("127.0.0.1:0".parse().unwrap());
        let socket = dialling(&options, address).unwrap();
        assert_eq!(socket.local_addr().unwrap().as_socket().unwrap().port(), 0, "bound, and no port yet");
        socket.connect(&address.into()).unwrap();
        assert_ne!(socket.local_addr().unwrap().as_socket().unwrap().port(), 0);
    }

    #[test]
    fn options_reach_the_socket() {
        let mut options = SocketOptions::new();
        options.nodelay = false;
        options.receive_buffer = Some(32 * 1024);
        options.send_buffer = Some(48 * 1024);
        options.linger = Some(std::time::Duration::from_secs(3));
        let address = "127.0.0.1:0".parse().unwrap();
        for socket in [dialling(&options, address).unwrap(), listening(&options, address).unwrap()] {
            assert!(!socket.tcp_nodelay().unwrap());
            assert!(socket.recv_buffer_size().unwrap() >= 32 * 1024 && socket.recv_buffer_size().unwrap() <= 64 * 1024);
            assert!(socket.send_buffer_size().unwrap() >= 48 * 1024 && socket.send_buffer_size().unwrap() <= 96 * 1024);
            assert_eq!(socket.linger().unwrap(), options.linger);
        }
        assert!(listening(&options, address).unwrap().reuse_address().unwrap());
    }
}
