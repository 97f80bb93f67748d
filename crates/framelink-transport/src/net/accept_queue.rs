//! The connections that wait to be accepted when a listener is about to end.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{SockRef, Socket};

use super::accepting;
use crate::SocketOptions;

/// Accepts what is left in the queue of a listener that ends. A client in this queue believes that it is connected, and
/// may have sent its request; closing the listener would reset it.
#[derive(Debug, Default)]
pub(crate) struct AcceptQueue {
    /// How many more connections can have been in the queue at the first call. `None` before it.
    left: Option<u64>,
    /// How many times the empty queue was looked at again, for handshakes that were under way.
    looked_again: u32,
}

impl AcceptQueue {
    /// How long a handshake that began before the end of the listener has for its last packet. Its client believes that
    /// it is connected, and closing the listener earlier would reset it.
    pub(crate) const HANDSHAKE: Duration = Duration::from_millis(100);
    const LOOKS: u32 = 20;

    /// Returns how long to wait before the empty queue is looked at again, while a handshake can be under way.
    pub(crate) fn pause(&mut self) -> Option<Duration> {
        let goes_on = self.looked_again < Self::LOOKS;
        self.looked_again += u32::from(goes_on);
        goes_on.then_some(Self::HANDSHAKE / Self::LOOKS)
    }

    /// Returns the next connection that waits, as a blocking or non-blocking socket. It does not wait. If possible, no
    /// new connection begins after the first call; otherwise later connections are left in the queue.
    ///
    /// # Errors
    /// Returns the system's error. A connection that is gone before it is accepted is no error.
    pub(crate) fn next(
        &mut self,
        options: &SocketOptions,
        listener: SockRef<'_>,
        nonblocking: bool,
    ) -> io::Result<Option<(Socket, SocketAddr)>> {
        if self.left.is_none() {
            // If this fails, a connection that begins before the listener is closed may be reset.
            let _ = begin_no_more(&listener);
            listener.set_nonblocking(true)?;
        }
        // The system's queue holds one connection more than the backlog.
        let left = self.left.get_or_insert_with(|| u64::from(options.backlog) + 1);
        while *left > 0 {
            match listener.accept() {
                Ok((socket, peer)) => {
                    *left -= 1;
                    let Some(peer) = peer.as_socket() else { continue };
                    // Some systems pass the mode of the listener on.
                    socket.set_nonblocking(nonblocking)?;
                    return Ok(Some((socket, peer)));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                // Except for a signal, the error took a connection from the queue. Counting also ends the loop.
                Err(error) if accepting::is_gone(&error) => {
                    *left -= u64::from(error.kind() != io::ErrorKind::Interrupted)
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }
}

/// Drops each packet that would begin a connection, because a connection after the last look at the queue would be
/// reset. Its client tries again one second later, and is then refused, or served by another listener on this port.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn begin_no_more(listener: &SockRef<'_>) -> io::Result<()> {
    use socket2::SockFilter;
    /// Instructions of the classic packet filter: load a byte; skip by its bits; end, with the bytes to keep.
    const LOAD_BYTE: u16 = 0x30;
    const SKIP_UNLESS_SET: u16 = 0x45;
    const KEEP: u16 = 0x06;
    /// The offset of the flags in a TCP header, and the flag that begins a connection.
    const FLAGS_AT: u32 = 13;
    const SYN: u32 = 0x02;
    listener.attach_filter(&[
        SockFilter::new(LOAD_BYTE, 0, 0, FLAGS_AT),
        SockFilter::new(SKIP_UNLESS_SET, 0, 1, SYN),
        SockFilter::new(KEEP, 0, 0, 0),
        SockFilter::new(KEEP, 0, 0, u32::MAX),
    ])
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[expect(clippy::unnecessary_wraps, reason = "has the signature of the Linux version")]
const fn begin_no_more(_: &SockRef<'_>) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::TcpStream;

    use super::*;
    use crate::net::socket;

    fn listening(backlog: u32) -> (Socket, SocketOptions, SocketAddr) {
        let options = SocketOptions::new().backlog(backlog);
        let listener = socket::listening(&options, "127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap().as_socket().unwrap();
        (listener, options, address)
    }

    #[test]
    fn waiting_connections_are_accepted_in_order_and_then_none() {
        let (listener, options, address) = listening(8);
        let clients: Vec<_> = (0..5).map(|_| TcpStream::connect(address).unwrap()).collect();
        let mut queue = AcceptQueue::default();
        let mut accepted = Vec::new();
        while let Some((socket, peer)) = queue.next(&options, SockRef::from(&listener), true).unwrap() {
            assert_eq!(clients[accepted.len()].local_addr().unwrap(), peer);
            accepted.push(socket);
        }
        assert_eq!(accepted.len(), 5);
        // The socket is non-blocking, as requested: a read does not wait.
        let read = TcpStream::from(accepted.remove(0)).read(&mut [0]);
        assert_eq!(read.unwrap_err().kind(), io::ErrorKind::WouldBlock);
    }

    /// The system tries to connect again one second later, when the listener is gone.
    #[cfg(target_os = "linux")]
    #[test]
    fn no_connection_begins_once_the_queue_is_emptied() {
        let (listener, options, address) = listening(8);
        assert!(AcceptQueue::default().next(&options, SockRef::from(&listener), true).unwrap().is_none());
        let late = TcpStream::connect_timeout(&address, std::time::Duration::from_millis(50));
        assert_eq!(late.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert!(AcceptQueue::default().next(&options, SockRef::from(&listener), true).unwrap().is_none());
    }

    #[test]
    fn an_empty_queue_is_looked_at_again_while_a_handshake_may_be_under_way() {
        let mut queue = AcceptQueue::default();
        let waited: Duration = std::iter::from_fn(|| queue.pause()).sum();
        assert_eq!((waited, queue.pause()), (AcceptQueue::HANDSHAKE, None));
    }

    #[test]
    fn no_more_are_accepted_than_can_have_waited() {
        let (listener, options, address) = listening(3);
        let mut queue = AcceptQueue { left: Some(2), ..AcceptQueue::default() };
        listener.set_nonblocking(true).unwrap();
        let _clients: Vec<_> = (0..3).map(|_| TcpStream::connect(address).unwrap()).collect();
        let accepted = std::iter::from_fn(|| queue.next(&options, SockRef::from(&listener), true).unwrap());
        assert_eq!(accepted.count(), 2);
    }
}
