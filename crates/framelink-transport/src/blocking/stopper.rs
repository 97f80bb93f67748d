//! Ends the wait of a listener from another thread.

#[cfg(unix)]
pub use on_unix::Stopper;
#[cfg(unix)]
pub(super) use on_unix::{Interrupt, Waiting};

#[cfg(not(unix))]
pub use elsewhere::Stopper;
#[cfg(not(unix))]
pub(super) use elsewhere::{Interrupt, Waiting};

#[cfg(unix)]
mod on_unix {
    use std::io;
    use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;
    use std::sync::Arc;
    use std::time::Duration;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    /// Stops a [`Listener`](crate::blocking::Listener) that waits in another thread.
    ///
    /// See [`Listener`](crate::blocking::Listener) for an example.
    #[derive(Clone, Debug)]
    pub struct Stopper(Arc<UnixStream>);

    impl Stopper {
        /// Makes [`Listener::accept`](crate::blocking::Listener::accept) return `None`: a call that waits returns now,
        /// and later calls return at once. Accepted connections go on.
        pub fn stop(&self) {
            // An error only says that the socket is shut down already, and a shutdown lasts.
            let _ = self.0.shutdown(Shutdown::Both);
        }
    }

    /// The other end of the stopper's socket pair. The listener waits for this socket and for connections.
    #[derive(Debug)]
    pub(crate) struct Waiting {
        pub(crate) interrupt: Interrupt,
        pub(crate) stopper: Stopper,
    }

    /// Ends the waits of the connections' readers when their listener is stopped. All readers share one descriptor.
    #[derive(Clone, Debug)]
    pub(crate) struct Interrupt(Arc<UnixStream>);

    impl Interrupt {
        /// No periodic check is needed.
        pub(crate) const SLICE: Option<Duration> = None;

        /// Waits until the socket is readable. Returns false if the time is over, or the listener was stopped.
        pub(crate) fn wait(&self, socket: &impl AsFd, left: Option<Duration>) -> io::Result<bool> {
            let mut ready =
                [PollFd::new(&*self.0, PollFlags::IN), PollFd::from_borrowed_fd(socket.as_fd(), PollFlags::IN)];
            // A wait that is too long for the clock is a wait for ever.
            let left = left.and_then(|left| Timespec::try_from(left).ok());
            match poll(&mut ready, left.as_ref()) {
                Ok(_) => Ok(ready[0].revents().is_empty() && !ready[1].revents().is_empty()),
                Err(error) => Err(error.into()),
            }
        }
    }

    impl Waiting {
        /// Makes the listener non-blocking. From now on it waits in `Interrupt::wait` and not in the system's `accept`,
        /// because a connection may be gone again when `accept` is called.
        pub(crate) fn with(listener: &TcpListener) -> io::Result<Self> {
            listener.set_nonblocking(true)?;
            let (stopped, stopper) = UnixStream::pair()?;
            Ok(Self { interrupt: Interrupt(Arc::new(stopped)), stopper: Stopper(Arc::new(stopper)) })
        }

        pub(crate) fn accept(&self, listener: &TcpListener) -> io::Result<Option<(TcpStream, SocketAddr)>> {
            loop {
                match self.interrupt.wait(listener, None) {
                    Ok(false) => return Ok(None),
                    Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                    _ => {}
                }
                match crate::net::accepting::check().and_then(|()| listener.accept()) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Ok((stream, peer)) => {
                        // Some systems pass the non-blocking mode on to accepted sockets; Linux does not.
                        #[cfg(not(target_os = "linux"))]
                        stream.set_nonblocking(false)?;
                        return Ok(Some((stream, peer)));
                    }
                    Err(error) => return Err(error),
                }
            }
        }
    }
}

#[cfg(not(unix))]
mod elsewhere {
    use std::io;
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    /// Stops a [`Listener`](crate::blocking::Listener) that waits in another thread.
    ///
    /// See [`Listener`](crate::blocking::Listener) for an example.
    #[derive(Clone, Debug)]
    pub struct Stopper {
        address: SocketAddr,
        stopped: Arc<AtomicBool>,
    }

    impl Stopper {
        /// How long the connection that wakes the listener may take.
        const WAKE: Duration = Duration::from_secs(1);

        /// Makes [`Listener::accept`](crate::blocking::Listener::accept) return `None`: a call that waits returns now,
        /// and later calls return at once. Accepted connections go on.
        pub fn stop(&self) {
            if !self.stopped.swap(true, Ordering::AcqRel) {
                // A connection to the listener ends its wait.
                let _ = TcpStream::connect_timeout(&reachable(self.address), Self::WAKE);
            }
        }
    }

    /// The flag that a listener checks after each connection.
    #[derive(Debug)]
    pub(crate) struct Waiting {
        pub(crate) interrupt: Interrupt,
        pub(crate) stopper: Stopper,
    }

    impl Waiting {
        pub(crate) fn with(listener: &TcpListener) -> io::Result<Self> {
            let stopper = Stopper { address: listener.local_addr()?, stopped: Arc::default() };
            Ok(Self { interrupt: Interrupt, stopper })
        }

        /// Returns the next connection, or `None` when the listener was stopped.
        pub(crate) fn accept(&self, listener: &TcpListener) -> io::Result<Option<(TcpStream, SocketAddr)>> {
            if self.stopper.stopped.load(Ordering::Acquire) {
                return Ok(None);
            }
            let accepted = listener.accept();
            // The stopper dials the listener, but the accepted connection may be another client's.
            if self.stopper.stopped.load(Ordering::Acquire) { Ok(None) } else { accepted.map(Some) }
        }
    }

    /// Ends the waits of the connections' readers when their listener is stopped.
    #[derive(Clone, Debug)]
    pub(crate) struct Interrupt;

    impl Interrupt {
        /// How often a reader ends its wait to check for a stop: on these systems nothing else can end it.
        pub(crate) const SLICE: Option<Duration> = Some(Duration::from_millis(100));

        #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "has the signature of the Unix version")]
        pub(crate) const fn wait<S>(&self, _: &S, _: Option<Duration>) -> io::Result<bool> {
            Ok(true)
        }
    }

    /// Returns the address to dial for a listener that listens on all addresses.
    fn reachable(mut address: SocketAddr) -> SocketAddr {
        if address.ip().is_unspecified() {
            let local: IpAddr = if address.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() };
            address.set_ip(local);
        }
        address
    }
}
