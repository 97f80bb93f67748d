//! Keepalive of a socket, and of the system.

use std::io;

use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};

use super::Keepalive;

impl Keepalive {
    /// Has the system probe the peer of this socket. Times that are left to the system are not changed. Listeners and
    /// connectors of `framelink-transport` do this themselves if their options say so.
    ///
    /// ```no_run
    /// # fn example(stream: std::net::TcpStream) -> Result<(), Box<dyn std::error::Error>> {
    /// use framelink_profile::Keepalive;
    ///
    /// "60s/10s/6".parse::<Keepalive>()?.set_on(&stream)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns the error of the socket.
    pub fn set_on<'s>(self, socket: impl Into<SockRef<'s>>) -> io::Result<()> {
        let socket = socket.into();
        let mut told = TcpKeepalive::new();
        if let Some(idle) = self.idle() {
            told = told.with_time(idle);
        }
        if let Some(interval) = self.interval() {
            told = told.with_interval(interval);
        }
        #[cfg(not(windows))]
        if let Some(probes) = self.probes() {
            told = told.with_retries(probes);
        }
        socket.set_keepalive(true)?;
        socket.set_tcp_keepalive(&told)?;
        #[cfg(target_os = "linux")]
        if let Some(time) = self.or(Self::of(&socket)?).user_timeout() {
            socket.set_tcp_user_timeout(Some(time))?;
        }
        Ok(())
    }

    /// Returns the keepalive of this socket, as the system reports it. `None` if it does not probe.
    ///
    /// ```
    /// use std::net::{TcpListener, TcpStream};
    /// use framelink_profile::Keepalive;
    ///
    /// let listener = TcpListener::bind("127.0.0.1:0")?;
    /// let stream = TcpStream::connect(listener.local_addr()?)?;
    /// assert_eq!(Keepalive::read_back(&stream)?, None);
    /// "60s/10s/6".parse::<Keepalive>()?.set_on(&stream)?;
    /// # #[cfg(target_os = "linux")]
    /// assert_eq!(Keepalive::read_back(&stream)?.unwrap().to_string(), "1m/10s/6/2m");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Returns the error of the socket.
    pub fn read_back<'s>(socket: impl Into<SockRef<'s>>) -> io::Result<Option<Self>> {
        let socket = socket.into();
        Ok(if socket.keepalive()? { Some(Self::of(&socket)?) } else { None })
    }

    /// Returns the system's default times of keepalive.
    ///
    /// # Errors
    /// Returns an error if no socket can be created.
    pub fn of_system() -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
        Self::of(&SockRef::from(&socket))
    }

    #[cfg(not(windows))]
    fn of(socket: &SockRef<'_>) -> io::Result<Self> {
        let (idle, interval) = (socket.tcp_keepalive_time()?, socket.tcp_keepalive_interval()?);
        let this = Self::told(Some(idle), Some(interval), Some(socket.tcp_keepalive_retries()?));
        #[cfg(target_os = "linux")]
        let this = this.with_user_timeout(socket.tcp_user_timeout()?);
        Ok(this)
    }

    #[cfg(windows)]
    #[expect(clippy::unnecessary_wraps, reason = "the same signature as elsewhere")]
    fn of(_: &SockRef<'_>) -> io::Result<Self> {
        Ok(Self::told(Some(std::time::Duration::from_secs(7200)), Some(std::time::Duration::from_secs(1)), Some(10)))
    }
}
