//! A peer that is a proxy.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use super::ProxyInfo;

/// The peer of a connection that begins with a header. Both halves of the connection have it.
#[derive(Debug)]
pub(crate) struct ProxiedPeer {
    socket: SocketAddr,
    info: OnceLock<Box<ProxyInfo>>,
}

impl ProxiedPeer {
    pub(crate) fn new(socket: SocketAddr) -> Arc<Self> {
        Arc::new(Self { socket, info: OnceLock::new() })
    }

    /// Sets what the header says. It comes once.
    pub(crate) fn set(&self, info: Box<ProxyInfo>) {
        let _ = self.info.set(info);
    }

    /// Returns what the header says, once it was received.
    pub(crate) fn info(&self) -> Option<&ProxyInfo> {
        self.info.get().map(|info| &**info)
    }

    /// Returns the address of the client, or that of the proxy while the client is not known.
    pub(crate) fn address(&self) -> SocketAddr {
        self.info().and_then(|info| info.client).unwrap_or(self.socket)
    }
}
