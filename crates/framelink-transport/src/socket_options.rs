//! How sockets are set up.

use std::net::SocketAddr;
use std::time::Duration;

/// Options of a socket, for dialling and for listening. What is not set is left to the system.
///
/// ```
/// use framelink_transport::SocketOptions;
///
/// let mut options = SocketOptions::new();
/// options.source = Some("10.0.0.7:0".parse()?);
/// options.receive_buffer = Some(256 * 1024);
/// assert!(options.nodelay, "small writes leave at once unless told otherwise");
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SocketOptions {
    /// The address to dial from; port 0 lets the system choose one. Defaults to the system's choice.
    pub source: Option<SocketAddr>,
    /// The network interface to dial through or to listen on, by name. Linux only. Defaults to the system's choice.
    pub interface: Option<String>,
    /// Whether small writes leave at once (`TCP_NODELAY`). Defaults to yes.
    pub nodelay: bool,
    /// How many bytes the system holds of what came (`SO_RCVBUF`). Defaults to the system's choice, which on most grows with need.
    pub receive_buffer: Option<usize>,
    /// How many bytes the system holds of what goes (`SO_SNDBUF`). Defaults to the system's choice, which on most grows with need.
    pub send_buffer: Option<usize>,
    /// How long closing waits for what is on its way (`SO_LINGER`); zero resets the connection. Defaults to the system's way,
    /// which is to close at once and to go on sending in the background.
    pub linger: Option<Duration>,
    /// So many connections may wait to be accepted; the system has a limit of its own (Linux: `net.core.somaxconn`).
    /// Defaults to 1024, so that all clients of a server that was restarted can come back at once.
    pub backlog: u32,
    /// Whether an address can be listened on while connections of an earlier listener linger (`SO_REUSEADDR`). Defaults to yes. Not on
    /// Windows, where it would let another program take the address.
    pub reuse_address: bool,
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
            backlog: 1024,
            reuse_address: true,
        }
    }
}

impl Default for SocketOptions {
    fn default() -> Self {
        Self::new()
    }
}
