//! Recognises probes: connections that end before their first byte, as health checks make them.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use framelink_transport::ServerEvent;

use crate::server::strangers::{self, Kind};
use crate::threads::lock;

/// How long the log waits for the first byte of a client. A client that ends its connection within this time and before
/// its first byte is a probe, and the log has no other line about it.
pub(crate) const FIRST_BYTE: Duration = Duration::from_millis(100);

/// Logs the first probe, and counts the others.
pub(crate) fn tell(peer: Option<SocketAddr>) {
    strangers::line(Kind::Probe, || {
        let peer = peer.map_or_else(|| "?".to_owned(), |peer| peer.to_string());
        tracing::info!(
            "{peer}: a probe, closed before its first byte; further probes are counted, and the count is logged at the end"
        );
    });
}

/// Filters the events of a server: events of probes are not logged like others.
#[derive(Clone, Default)]
pub(crate) struct Probes(Arc<Mutex<Peers>>);

#[derive(Default)]
struct Peers {
    /// Clients that have connected and are not logged yet.
    fresh: HashSet<SocketAddr>,
    /// Clients that are probes, and whose end is the next event.
    probes: HashSet<SocketAddr>,
}

impl Probes {
    /// Handles an event, and returns whether it needs no line of the log.
    pub(crate) fn take(&self, event: &ServerEvent<'_>) -> bool {
        match event {
            ServerEvent::Connected { peer: Some(peer) } => {
                lock(&self.0).fresh.insert(*peer);
                let (probes, peer) = (self.clone(), *peer);
                tokio::spawn(async move {
                    tokio::time::sleep(FIRST_BYTE).await;
                    probes.tell_connected(peer);
                });
                true
            }
            ServerEvent::Probed { peer } => {
                let mut peers = lock(&self.0);
                if let Some(peer) = peer {
                    peers.fresh.remove(peer);
                    peers.probes.insert(*peer);
                }
                drop(peers);
                tell(*peer);
                true
            }
            ServerEvent::Closed { peer: Some(peer), .. } => {
                let is_probe = lock(&self.0).probes.remove(peer);
                if !is_probe {
                    self.tell_connected(*peer);
                }
                is_probe
            }
            _ => false,
        }
    }

    /// Logs that a client has connected, unless that is logged already.
    fn tell_connected(&self, peer: SocketAddr) {
        let is_fresh = lock(&self.0).fresh.remove(&peer);
        if is_fresh {
            strangers::line(Kind::Connected, || tracing::info!("{}", ServerEvent::Connected { peer: Some(peer) }));
        }
    }
}
