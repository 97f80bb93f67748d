//! What a socket is told before it is used.

use std::net::SocketAddr;
use std::time::Duration;

use crate::socket::Keepalive;

/// Options of a socket, as plain data: nothing here touches one.
///
/// ```
/// use std::time::Duration;
/// use framelink_profile::SocketOptions;
///
/// let options = SocketOptions::new().source("10.0.0.7:0".parse()?).linger(Some(Duration::ZERO));
/// assert!(options.nodelay, "small writes leave at once unless told otherwise");
/// assert_eq!(options.backlog, 1024);
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct SocketOptions {
    /// The address to dial from; port 0 lets the system choose one. `None`: the system's choice.
    pub source: Option<SocketAddr>,
    /// The network interface to dial through, by name. Linux only. `None`: the system's choice.
    pub interface: Option<String>,
    /// Whether small writes leave at once (`TCP_NODELAY`).
    pub nodelay: bool,
    /// Bytes of the kernel's receive buffer (`SO_RCVBUF`; Linux doubles it). `None`: the system's choice.
    pub receive_buffer: Option<usize>,
    /// Bytes of the kernel's send buffer (`SO_SNDBUF`; Linux doubles it). `None`: the system's choice.
    pub send_buffer: Option<usize>,
    /// How long closing waits for what is unsent (`SO_LINGER`, whole seconds); zero resets the connection. `None`: the
    /// system sends on in the background.
    /// A time above zero has whoever closes wait for it, the thread of a runtime or an event loop too: it is for blocking sockets.
    pub linger: Option<Duration>,
    /// How the system probes an idle connection (`SO_KEEPALIVE` and kin). `None`: not at all.
    pub keepalive: Option<Keepalive>,
    /// So many connections may wait to be accepted.
    pub backlog: u32,
    /// Whether a listener may bind an address on which old connections linger (`SO_REUSEADDR`).
    pub reuse_address: bool,
}

impl Default for SocketOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl SocketOptions {
    /// The defaults.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            source: None,
            interface: None,
            nodelay: true,
            receive_buffer: None,
            send_buffer: None,
            linger: None,
            keepalive: None,
            backlog: 1024,
            reuse_address: true,
        }
    }

    /// The address to dial from. Defaults to the system's choice.
    #[must_use]
    pub const fn source(mut self, source: SocketAddr) -> Self {
        self.source = Some(source);
        self
    }

    /// The network interface to dial through. Defaults to the system's choice.
    #[must_use]
    pub fn interface(mut self, name: impl Into<String>) -> Self {
        self.interface = Some(name.into());
        self
    }

    /// Whether small writes leave at once. Defaults to yes.
    #[must_use]
    pub const fn nodelay(mut self, yes: bool) -> Self {
        self.nodelay = yes;
        self
    }

    /// Bytes of the kernel's receive buffer. Defaults to the system's choice.
    #[must_use]
    pub const fn receive_buffer(mut self, bytes: usize) -> Self {
        self.receive_buffer = Some(bytes);
        self
    }

    /// Bytes of the kernel's send buffer. Defaults to the system's choice.
    #[must_use]
    pub const fn send_buffer(mut self, bytes: usize) -> Self {
        self.send_buffer = Some(bytes);
        self
    }

    /// How long closing waits for what is unsent; zero resets. Defaults to the system's choice.
    #[must_use]
    pub const fn linger(mut self, linger: Option<Duration>) -> Self {
        self.linger = linger;
        self
    }

    /// How the system probes an idle connection. Defaults to not at all.
    #[must_use]
    pub const fn keepalive(mut self, keepalive: Option<Keepalive>) -> Self {
        self.keepalive = keepalive;
        self
    }

    /// So many connections may wait to be accepted. Defaults to 1024.
    #[must_use]
    pub const fn backlog(mut self, connections: u32) -> Self {
        self.backlog = connections;
        self
    }

    /// Whether a listener may bind an address on which old connections linger. Defaults to yes.
    #[must_use]
    pub const fn reuse_address(mut self, yes: bool) -> Self {
        self.reuse_address = yes;
        self
    }
}
