//! How one thread ends another's wait for a connection.

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

    /// Stops a [`Listener`](crate::blocking::Listener), whatever thread it waits in.
    ///
    /// See there for an example.
    #[derive(Clone, Debug)]
    pub struct Stopper(Arc<UnixStream>);

    impl Stopper {
        /// Has [`Listener::accept`](crate::blocking::Listener::accept) return `None`, now if it waits and at once if it is
        /// called later. Connections that were accepted go on.
        pub fn stop(&self) {
            // An end that has been seen once is seen for ever. Nothing else can be the reason why this fails.
            let _ = self.0.shutdown(Shutdown::Both);
        }
    }

    /// The other end: what a listener waits for beside its connections.
    #[derive(Debug)]
    pub(crate) struct Waiting {
        pub(crate) interrupt: Interrupt,
        pub(crate) stopper: Stopper,
    }

    /// What ends the waits of those that read, when their listener is stopped: one descriptor for all of them.
    #[derive(Clone, Debug)]
    pub(crate) struct Interrupt(Arc<UnixStream>);

    impl Interrupt {
        /// Nothing has to be looked at in between.
        pub(crate) const SLICE: Option<Duration> = None;

        /// Waits until the socket has something to read; false if the time is over, or the listener was stopped.
        pub(crate) fn wait(&self, socket: &impl AsFd, left: Option<Duration>) -> io::Result<bool> {
            let mut ready =
                [PollFd::new(&*self.0, PollFlags::IN), PollFd::from_borrowed_fd(socket.as_fd(), PollFlags::IN)];
            // One that no clock can count to is as good as never.
            let left = left.and_then(|left| Timespec::try_from(left).ok());
            match poll(&mut ready, left.as_ref()) {
                Ok(_) => Ok(ready[0].revents().is_empty() && !ready[1].revents().is_empty()),
                Err(error) => Err(error.into()),
            }
        }
    }

    impl Waiting {
        /// The listener waits here from now on, not in `accept`: what it was woken for may be gone by then.
        pub(crate) fn with(listener: &TcpListener) -> io::Result<Self> {
            listener.set_nonblocking(true)?;
            let (stopped, stopper) = UnixStream::pair()?;
            Ok(Self { interrupt: Interrupt(Arc::new(stopped)), stopper: Stopper(Arc::new(stopper)) })
        }

        /// The next connection, `None` when it was stopped.
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
                        // Some systems hand it on, Linux does not.
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

    /// Stops a [`Listener`](crate::blocking::Listener), whatever thread it waits in.
    ///
    /// See there for an example.
    #[derive(Clone, Debug)]
    pub struct Stopper {
        address: SocketAddr,
        stopped: Arc<AtomicBool>,
    }

    impl Stopper {
        /// How long waking the listener may take.
        const WAKE: Duration = Duration::from_secs(1);

        /// Has [`Listener::accept`](crate::blocking::Listener::accept) return `None`, now if it waits and at once if it is
        /// called later. Connections that were accepted go on.
        pub fn stop(&self) {
            if !self.stopped.swap(true, Ordering::AcqRel) {
                // A connection ends its wait.
                let _ = TcpStream::connect_timeout(&reachable(self.address), Self::WAKE);
            }
        }
    }

    /// What a listener looks at after each connection.
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

        /// The next connection, `None` when it was stopped.
        pub(crate) fn accept(&self, listener: &TcpListener) -> io::Result<Option<(TcpStream, SocketAddr)>> {
            if self.stopper.stopped.load(Ordering::Acquire) {
                return Ok(None);
            }
            let accepted = listener.accept();
            // Whoever stops us dials us, and somebody else may have come first.
            if self.stopper.stopped.load(Ordering::Acquire) { Ok(None) } else { accepted.map(Some) }
        }
    }

    /// What ends the waits of those that read, when their listener is stopped.
    #[derive(Clone, Debug)]
    pub(crate) struct Interrupt;

    impl Interrupt {
        /// How often a wait is ended to look around, where nothing else can end it.
        pub(crate) const SLICE: Option<Duration> = Some(Duration::from_millis(100));

        #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "the same signature as on Unix")]
        pub(crate) const fn wait<S>(&self, _: &S, _: Option<Duration>) -> io::Result<bool> {
            Ok(true)
        }
    }

    /// Where a listener on all addresses is dialled.
    fn reachable(mut address: SocketAddr) -> SocketAddr {
        if address.ip().is_unspecified() {
            let local: IpAddr = if address.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() };
            address.set_ip(local);
        }
        address
    }
}
