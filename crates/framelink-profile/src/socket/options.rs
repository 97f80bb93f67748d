//! The options of a socket.

use std::net::SocketAddr;
use std::time::Duration;

use crate::setters::setters;
use crate::socket::Keepalive;

/// The options of a socket, as plain data.
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
    /// The address to dial from. Port 0 and `None` leave the choice to the system.
    pub source: Option<SocketAddr>,
    /// The name of the network interface to dial through. Linux only. `None`: the system's choice.
    pub interface: Option<String>,
    /// Whether small writes are sent at once (`TCP_NODELAY`).
    pub nodelay: bool,
    /// Bytes of the kernel's receive buffer (`SO_RCVBUF`; Linux doubles it). `None`: the system's choice.
    pub receive_buffer: Option<usize>,
    /// Bytes of the kernel's send buffer (`SO_SNDBUF`; Linux doubles it). `None`: the system's choice.
    pub send_buffer: Option<usize>,
    /// How long closing waits for unsent bytes (`SO_LINGER`, whole seconds). Zero resets the connection. `None`: the
    /// system sends them in the background. A time above zero blocks the closing thread, even of a runtime or an event
    /// loop, so use it only on blocking sockets.
    pub linger: Option<Duration>,
    /// How the system probes an idle connection (`SO_KEEPALIVE` and related). `None`: not at all.
    pub keepalive: Option<Keepalive>,
    /// How many connections may wait to be accepted.
    pub backlog: u32,
    /// Whether a listener may bind an address with lingering old connections (`SO_REUSEADDR`).
    pub reuse_address: bool,
}

impl Default for SocketOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl SocketOptions {
    /// Creates the default options.
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

    /// Sets the network interface to dial through. Defaults to the system's choice.
    #[must_use]
    pub fn interface(mut self, name: impl Into<String>) -> Self {
        self.interface = Some(name.into());
        self
    }

    setters! {
        /// Sets the address to dial from. Defaults to the system's choice.
        source(source: SocketAddr) = Some(source);
        /// Sets whether small writes are sent at once. Defaults to yes.
        nodelay(yes: bool) = yes;
        /// Sets the kernel's receive buffer in bytes. Defaults to the system's choice.
        receive_buffer(bytes: usize) = Some(bytes);
        /// Sets the kernel's send buffer in bytes. Defaults to the system's choice.
        send_buffer(bytes: usize) = Some(bytes);
        /// Sets how long closing waits for unsent bytes. Zero resets. Defaults to the system's choice.
        linger(linger: Option<Duration>) = linger;
        /// Sets how the system probes an idle connection. Defaults to not at all.
        keepalive(keepalive: Option<Keepalive>) = keepalive;
        /// Sets how many connections may wait to be accepted. Defaults to 1024.
        backlog(connections: u32) = connections;
        /// Sets whether a listener may bind an address with lingering old connections. Defaults to yes.
        reuse_address(yes: bool) = yes;
    }
}
