//! The PROXY protocol header as the first step of an accepted connection.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::claim::Claim;
use crate::profile::ProxyProtocol;
use crate::proxy_protocol::{HeaderReader, ProxiedPeer, ProxyError};

/// A header that was not received yet. When it was, the client in it is admitted or refused.
#[derive(Debug)]
pub(crate) struct HeaderStage {
    reader: HeaderReader,
    peer: Arc<ProxiedPeer>,
    claim: Claim,
    within: Duration,
    is_given_up: AtomicBool,
}

impl HeaderStage {
    pub(crate) fn new(proxy: &ProxyProtocol, peer: Arc<ProxiedPeer>, claim: Claim) -> Self {
        let (reader, within) = (HeaderReader::new(proxy.max_header), proxy.timeout);
        Self { reader, peer, claim, within, is_given_up: AtomicBool::new(false) }
    }

    /// Returns how long the header may take from the start of the connection.
    pub(crate) const fn within(&self) -> Duration {
        self.within
    }

    pub(crate) const fn timed_out(&self, after: Duration) -> ProxyError {
        ProxyError::TimedOut { after, received: self.reader.received() }
    }

    pub(crate) fn give_up(&self) {
        self.is_given_up.store(true, Ordering::Relaxed);
    }

    /// Reads the header, and no byte beyond it.
    pub(crate) fn advance(&mut self, socket: impl FnMut(&mut [u8]) -> io::Result<usize>) -> io::Result<()> {
        if self.is_given_up.load(Ordering::Relaxed) {
            return Err(ProxyError::Unfinished.into());
        }
        let info = self.reader.advance(socket)?;
        let client = info.client;
        self.peer.set(info);
        match client {
            Some(client) => self
                .claim
                .identify(client)
                .map_err(|refusal| ProxyError::Refused(format!("{refusal} ({})", refusal.key())).into()),
            None => Ok(()),
        }
    }
}
