//! What a socket is told before it is used.

use std::net::SocketAddr;
use std::time::Duration;

use crate::setters::setters;
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

    /// The network interface to dial through. Defaults to the system's choice.
    #[must_use]
    pub fn interface(mut self, name: impl Into<String>) -> Self {
        self.interface = Some(name.into());
        self
    }

    setters! {
        /// The address to dial from. Defaults to the system's choice.
        source(source: SocketAddr) = Some(source);
        /// Whether small writes leave at once. Defaults to yes.
        nodelay(yes: bool) = yes;
        /// Bytes of the kernel's receive buffer. Defaults to the system's choice.
        receive_buffer(bytes: usize) = Some(bytes);
        /// Bytes of the kernel's send buffer. Defaults to the system's choice.
        send_buffer(bytes: usize) = Some(bytes);
        /// How long closing waits for what is unsent; zero resets. Defaults to the system's choice.
        linger(linger: Option<Duration>) = linger;
        /// How the system probes an idle connection. Defaults to not at all.
        keepalive(keepalive: Option<Keepalive>) = keepalive;
        /// So many connections may wait to be accepted. Defaults to 1024.
        backlog(connections: u32) = connections;
        /// Whether a listener may bind an address on which old connections linger. Defaults to yes.
        reuse_address(yes: bool) = yes;
    }
}
